"""asyncio and what stands on it runs in a simulation as it does elsewhere, in virtual time."""

from __future__ import annotations

import asyncio
import contextvars
import signal
import sys

import anyio
import anyio.abc
import anyio.to_thread
import httpx
import pytest
import tenacity

from treeward.chaos.simulation.loop import SimLoop
from treeward.chaos.simulation.schedule import POLICIES
from treeward.chaos.simulation.simulate import simulate


def now():
    return asyncio.get_running_loop().time()


async def timeouts():
    try:
        async with asyncio.timeout(2):
            await asyncio.sleep(60)
    except TimeoutError:
        first = now()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.sleep(60), 3)
    return first, now(), await asyncio.wait_for(asyncio.sleep(1, "slept"), 3), now()


async def groups():
    async def fail():
        await asyncio.sleep(1)
        raise LookupError("nothing there")

    others = []

    async def together():
        async with asyncio.TaskGroup() as group:
            others.extend(group.create_task(asyncio.sleep(60)) for _ in range(3))
            group.create_task(fail())

    with pytest.raises(ExceptionGroup) as caught:
        await together()
    return now(), len(caught.value.exceptions), [task.cancelled() for task in others]


async def shields():
    inner = asyncio.ensure_future(asyncio.sleep(5, "kept"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(inner), 1)
    return now(), await inner, now()


async def queues():
    queue, got = asyncio.Queue(2), []

    async def produce():
        for number in range(5):
            await queue.put(number)

    async def consume():
        for _ in range(5):
            await asyncio.sleep(1)
            got.append(await queue.get())

    await asyncio.gather(produce(), consume())
    return got, now()


async def locks():
    lock, room, together, most, inside = asyncio.Lock(), asyncio.Semaphore(3), asyncio.Barrier(6), [0], []

    async def work():
        async with room:
            inside.append(1)
            most[0] = max(most[0], len(inside))
            await asyncio.sleep(1)
            inside.pop()
        await together.wait()
        async with lock:
            await asyncio.sleep(1)

    await asyncio.gather(*(work() for _ in range(6)))
    return most, now()


async def conditions():
    changed, woken = asyncio.Condition(), []

    async def wait():
        async with changed:
            await changed.wait()
            woken.append(now())

    waiters = [asyncio.create_task(wait()) for _ in range(3)]
    await asyncio.sleep(2)
    async with changed:
        changed.notify_all()
    await asyncio.gather(*waiters)
    return woken


async def waits():
    tasks = {asyncio.create_task(asyncio.sleep(seconds, seconds)) for seconds in (3, 1, 2)}
    first, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return [task.result() for task in first], [await one for one in asyncio.as_completed(tasks)], now()


async def generators():
    async def count():
        try:
            for number in range(10):
                await asyncio.sleep(1)
                yield number
        finally:
            await asyncio.sleep(1)

    steps = count()
    got = [number async for number in steps if number < 4]
    left = count()
    return got, await anext(left), now()


async def cancellations():
    async def stubborn():
        while True:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                await asyncio.sleep(1)
                raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(2)
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled(), now()


async def retries():
    attempts = []

    @tenacity.retry(wait=tenacity.wait_exponential(multiplier=1), stop=tenacity.stop_after_attempt(5))
    async def call():
        attempts.append(now())
        if len(attempts) < 4:
            raise ConnectionError("not yet")
        return "done"

    return await call(), attempts


async def groups_of_anyio():
    send, receive = anyio.create_memory_object_stream(1)
    got = []

    async def produce():
        async with send:
            for number in range(3):
                await anyio.sleep(1)
                await send.send(number)

    async with anyio.create_task_group() as group:
        group.start_soon(produce)
        async with receive:
            got += [item async for item in receive]
    with anyio.move_on_after(2) as scope:
        await anyio.sleep(60)
    return got, scope.cancelled_caught, await anyio.to_thread.run_sync(lambda: 7)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("main", "expected"),
    [
        (timeouts, (2.0, 5.0, "slept", 6.0)),
        (groups, (1.0, 1, [True, True, True])),
        (shields, (1.0, "kept", 5.0)),
        (queues, ([0, 1, 2, 3, 4], 5.0)),
        (locks, ([3], 8.0)),
        (conditions, [2.0, 2.0, 2.0]),
        (waits, ([1], [1, 2, 3], 3.0)),
        (generators, ([0, 1, 2, 3], 0, 12.0)),
        (cancellations, (True, 3.0)),
        (retries, ("done", [0.0, 1.0, 3.0, 7.0])),
        (groups_of_anyio, ([0, 1, 2], True, 7)),
    ],
)
def test_it_works_as_elsewhere(main, expected, policy):
    """Results and times are those of a loop in real time, under every policy and seed."""
    for seed in range(5):
        run = simulate(main, seed=seed, policy=policy)
        value = run.result()
        assert (sorted(value[1]) if main is waits else value) == ([1, 2, 3] if main is waits else expected)
        assert not run.unhandled


# --- httpx ------------------------------------------------------------------------------------------


async def answer(request):
    if request.url.path == "/slow":
        await asyncio.sleep(30)
    return httpx.Response(200, json={"path": request.url.path, "at": now()})


async def application(scope, receive, send):
    """A small ASGI application: two pieces of a body, a second apart."""
    assert scope["type"] == "http"
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await asyncio.sleep(1)
    await send({"type": "http.response.body", "body": body.upper(), "more_body": True})
    await asyncio.sleep(1)
    await send({"type": "http.response.body", "body": scope["path"].encode(), "more_body": False})


def test_httpx_on_a_mock_transport():
    """A client works, and its calls take virtual time."""

    async def main():
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://test") as client:
            first = await client.get("/a")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.get("/slow"), 5)
            several = await asyncio.gather(*(client.get(f"/{number}") for number in range(5)))
        return first.json(), [one.json()["path"] for one in several], now()

    assert simulate(main).result() == ({"path": "/a", "at": 0.0}, ["/0", "/1", "/2", "/3", "/4"], 5.0)


def test_httpx_on_an_asgi_transport():
    """An application in the same process answers."""

    async def main():
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            responses = await asyncio.gather(*(client.post(f"/{n}", content=b"hello ") for n in range(3)))
        return [response.text for response in responses], now()

    assert simulate(main).result() == (["HELLO /0", "HELLO /1", "HELLO /2"], 2.0)


# --- the loop itself --------------------------------------------------------------------------------


def test_debug_mode():
    """A loop in debug mode does the same, and checks what asyncio checks there."""

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_debug(True)
        with pytest.raises(TypeError, match="a callable object was expected"):
            loop.call_soon(7)
        await asyncio.sleep(1)
        loop.set_debug(False)
        return now()

    run = simulate(main)
    assert (run.result(), run.unhandled) == (1.0, ())


def test_a_task_factory_of_ones_own():
    """What `set_task_factory` was given makes the tasks."""

    async def main():
        loop, made = asyncio.get_running_loop(), []

        def factory(loop, coro, **options):
            made.append(sorted(options))
            return asyncio.Task(coro, loop=loop, **options)

        loop.set_task_factory(factory)
        names = [task.get_name() for task in (asyncio.create_task(asyncio.sleep(0), name="mine"),)]
        await asyncio.gather(asyncio.sleep(1), asyncio.sleep(1))
        loop.set_task_factory(None)
        await asyncio.create_task(asyncio.sleep(1))
        return names, len(made), now()

    assert simulate(main).result() == (["mine"], 3, 2.0)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there are eager tasks from Python 3.12 on")
def test_eager_tasks():
    """asyncio's eager factory makes tasks that begin at once."""

    async def main():
        loop, seen = asyncio.get_running_loop(), []
        loop.set_task_factory(asyncio.eager_task_factory)

        async def note(word):
            seen.append(word)
            await asyncio.sleep(1)
            seen.append(word.upper())

        tasks = [asyncio.create_task(note(word)) for word in "ab"]
        seen.append("-")
        await asyncio.gather(*tasks)
        return "".join(seen[:3]), sorted(seen[3:]), now(), len({hash(task) for task in tasks})

    assert simulate(main).result() == ("ab-", ["A", "B"], 1.0, 2)


def test_context_variables_go_with_the_task():
    """Each task has a context of its own, or the one that it is given."""
    where = contextvars.ContextVar("where", default="nowhere")

    async def main():
        async def look():
            await asyncio.sleep(0)
            return where.get()

        where.set("here")
        other = contextvars.copy_context()
        other.run(where.set, "there")
        loop = asyncio.get_running_loop()
        return await asyncio.gather(look(), loop.create_task(look(), context=other))

    assert simulate(main).result() == ["here", "there"]


def test_errors_that_nobody_takes_are_told():
    """What goes to the loop's exception handler is in the result, also what is found out at the end."""

    async def main():
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: 1 / 0)
        task = asyncio.create_task(fail())
        await asyncio.sleep(1)
        del task

    async def fail():
        raise LookupError("nobody asks")

    unhandled = simulate(main).unhandled
    assert [type(context["exception"]) for context in unhandled] == [ZeroDivisionError, LookupError]


def test_signal_handlers_are_taken_and_never_called():
    """Code that wants to hear of signals runs; there are none."""

    async def main():
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, print, "ended")
        return loop.remove_signal_handler(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    assert simulate(main).result() is True
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_stopped_loop_can_go_on():
    """`stop` ends the run after the handle in hand; what was ready is run by the next one."""
    loop, seen = SimLoop(), []
    try:
        loop.call_soon(seen.append, 1)
        loop.call_soon(loop.stop)
        loop.call_soon(seen.append, 2)
        loop.run_forever()
        assert seen == [1]
        loop.call_soon(loop.stop)
        loop.run_forever()
        assert seen == [1, 2]
    finally:
        loop.close()
