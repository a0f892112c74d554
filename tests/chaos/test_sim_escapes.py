"""What is real is refused in words, and ends the run even where the code swallows the error."""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import multiprocessing
import os
import socket
import subprocess
import threading
import time
from subprocess import run as early_run
from time import sleep as early_sleep

import httpx
import pytest

from treeward.chaos.simulation.errors import SimulationEscape
from treeward.chaos.simulation.place import outside
from treeward.chaos.simulation.simulate import simulate
from treeward.runtime.actor import Actor
from treeward.runtime.system import ActorSystem
from treeward.runtime.telemetry import LoopBlocked

HERE = ("127.0.0.1", 9)


def with_socket(use, kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as made:
        use(made)


def loop_call(name, *args):
    loop = asyncio.get_running_loop()
    getattr(loop, name)(*args)


ESCAPES = {
    "socket.connect(('127.0.0.1', 9))": lambda: with_socket(lambda it: it.connect(HERE)),
    "socket.connect_ex(('127.0.0.1', 9))": lambda: with_socket(lambda it: it.connect_ex(HERE)),
    "socket.bind(('127.0.0.1', 9))": lambda: with_socket(lambda it: it.bind(HERE)),
    "socket.listen()": lambda: with_socket(lambda it: it.listen()),
    "socket.sendto(b'x', ('127.0.0.1', 9))": lambda: with_socket(lambda it: it.sendto(b"x", HERE), socket.SOCK_DGRAM),
    "socket.getaddrinfo('example.org', 80)": lambda: socket.getaddrinfo("example.org", 80),
    "socket.getaddrinfo('127.0.0.1', 9, 0, ": lambda: socket.create_connection(HERE),
    "socket.gethostbyname('example.org')": lambda: socket.gethostbyname("example.org"),
    "socket.getnameinfo(('127.0.0.1', 9), 0)": lambda: socket.getnameinfo(HERE, 0),
    "subprocess.Popen(['true'])": lambda: subprocess.Popen(["true"]),
    "subprocess.Popen(['false'])": lambda: early_run(["false"], check=False),
    "os.system('true')": lambda: os.system("true"),
    "os.fork()": lambda: os.fork(),
    "multiprocessing.Process.start()": lambda: multiprocessing.Process(target=print).start(),
    "_thread.start_new_thread(<built-in function print>, ())": lambda: _thread.start_new_thread(print, ()),
    "_UnixSelectorEventLoop(": lambda: asyncio.new_event_loop(),
    "time.sleep(5)": lambda: time.sleep(5),
    "time.sleep(7)": lambda: early_sleep(7),
    "loop.create_connection('factory', '127.0.0.1', 9)": lambda: loop_call("create_connection", "factory", *HERE),
    "loop.create_server('factory')": lambda: loop_call("create_server", "factory"),
    "loop.sock_recv('sock', 7)": lambda: loop_call("sock_recv", "sock", 7),
    "loop.getaddrinfo('host', 1)": lambda: loop_call("getaddrinfo", "host", 1),
    "loop.add_reader(0, 'callback')": lambda: loop_call("add_reader", 0, "callback"),
    "loop.connect_read_pipe('factory', 'pipe')": lambda: loop_call("connect_read_pipe", "factory", "pipe"),
    "loop.subprocess_exec('factory', 'true')": lambda: loop_call("subprocess_exec", "factory", "true"),
}


@pytest.mark.parametrize("wanted", ESCAPES)
def test_what_is_refused(wanted):
    """It is raised where it is tried, and the error says what, who, where, and what to do instead."""

    async def main():
        try:
            ESCAPES[wanted]()
        except SimulationEscape as escape:
            return str(escape)
        return "nothing was raised"

    run = simulate(main)
    assert isinstance(run.error, SimulationEscape)
    assert run.value == str(run.error)
    assert run.error.wanted.startswith(wanted)
    assert run.error.who.startswith(f"task-1, at {__file__}:")
    assert (
        str(run.error) == f"{run.error.wanted} is not simulated; it was tried by {run.error.who}. {run.error.instead}"
    )
    assert run.error.instead.endswith(".")


def test_an_escape_ends_the_run_even_if_it_is_swallowed():
    """The code goes on to its next wait, and no further."""
    seen = []

    async def main():
        with contextlib.suppress(Exception):
            time.sleep(1)  # noqa: ASYNC251 - what is not done on a loop
        seen.append("swallowed")
        await asyncio.sleep(0)
        seen.append("went on")

    assert isinstance(simulate(main).error, SimulationEscape)
    assert seen == ["swallowed"]


def test_the_first_escape_is_told():
    """What is tried afterwards, also while tasks are cancelled, changes nothing."""

    async def main():
        async def stubborn():
            try:
                await asyncio.sleep(60)
            finally:
                socket.gethostbyname("second")

        tasks = [asyncio.create_task(stubborn()) for _ in range(3)]
        await asyncio.sleep(0)
        with contextlib.suppress(Exception):
            socket.gethostbyname("first")
        await asyncio.gather(*tasks)

    assert simulate(main).error.wanted == "socket.gethostbyname('first')"


def test_an_escape_in_a_thread_names_the_thread():
    """It ends the run as well."""

    async def main():
        with contextlib.suppress(Exception):
            await asyncio.to_thread(socket.create_connection, HERE)
        await asyncio.sleep(1)

    run = simulate(main)
    assert run.error.wanted.startswith("socket.getaddrinfo(")
    assert run.error.who.startswith("thread asyncio_0, at ")


class Caller(Actor):
    """Does on the loop what it should not."""

    def on_receive(self, message):
        ESCAPES[message]()

    async def later(self, message):
        ESCAPES[message]()


class LateCaller(Caller):
    async def on_receive(self, message):
        await asyncio.sleep(1)
        ESCAPES[message]()


@pytest.mark.parametrize(("actor", "who"), [(Caller, "turn caller-1"), (LateCaller, "task latecaller-1 #")])
def test_an_actor_is_named_by_its_path(actor, who):
    """An actor's crash hides the error from its caller's view; the run ends with it all the same."""

    async def main():
        async with ActorSystem() as system:
            with contextlib.suppress(Exception):
                await system.spawn(actor).ask("time.sleep(5)")
            await asyncio.sleep(60)

    error = simulate(main).error
    assert error.wanted == "time.sleep(5)"
    assert error.who.startswith(who)
    assert "ESCAPES[message]()" in error.who or "lambda: time.sleep(5)" in error.who


def test_httpx_without_a_double():
    """A client that would go to the network is refused at its first step there."""

    async def main():
        async with httpx.AsyncClient() as client:
            await client.get("http://127.0.0.1:9/")

    error = simulate(main).error
    assert isinstance(error, SimulationEscape)
    assert error.wanted.startswith(("loop.create_connection(", "loop.getaddrinfo(", "socket."))
    assert "site-packages" in error.who  # a task of a library's own, in whose stack nobody else is
    assert "httpx's MockTransport" in error.instead


def test_asyncio_subprocesses_and_streams():
    """What asyncio offers for processes and connections ends at the loop."""

    async def process():
        await asyncio.create_subprocess_exec("true")

    async def connection():
        await asyncio.open_connection(*HERE)

    async def server():
        await asyncio.start_server(print, *HERE)

    wanted = [simulate(main).error.wanted.partition("(")[0] for main in (process, connection, server)]
    assert wanted == ["loop.subprocess_exec", "loop.create_connection", "loop.create_server"]


@pytest.mark.realtime
def test_other_threads_of_the_process_may_do_all_of_that():
    """A thread that was there before is not refused anything while a simulation runs."""
    asked, told, got = threading.Event(), threading.Event(), []

    def use():
        asked.wait(10)
        time.sleep(0.001)
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
            got.append(server.getsockname()[0])
        inner = threading.Thread(target=got.append, args=["thread"])
        inner.start()
        inner.join()
        got.append(subprocess.run(["true"], check=True).returncode)
        told.set()

    user = threading.Thread(target=use)
    user.start()

    async def main():
        asked.set()
        with outside():
            told.wait(10)

    simulate(main).result()
    user.join()
    assert got == ["127.0.0.1", "thread", 0]


def test_a_handler_that_holds_the_loop_is_reported():
    """A leap in a handler is what a blocked loop would be: the watchdog's event names the actor and the line."""

    class Blocker(Actor):
        def on_receive(self, message):
            asyncio.get_running_loop().leap(message)

    async def main():
        events = []
        async with ActorSystem(blocked_after=0.5) as system:
            system.observe(lambda event: events.append(event) if isinstance(event, LoopBlocked) else None)
            blocker = system.spawn(Blocker)
            await blocker.ask(0.25)
            await blocker.ask(2.0)
        return [(event.path, event.incarnation, event.seconds, "leap(message)" in event.stack) for event in events]

    assert simulate(main).result() == [("blocker-1", 1, 2.0, True)]
