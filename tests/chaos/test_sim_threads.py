"""Threads in a simulation: real ones, in lockstep with the loop, in virtual time."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import queue
import threading
import time
from queue import SimpleQueue as EarlyQueue

import pytest

from treeward.chaos.simulation import threads as module
from treeward.chaos.simulation.errors import Deadlock, Livelock, SimulationEscape
from treeward.chaos.simulation.loop import SimLoop
from treeward.chaos.simulation.patches import simulated
from treeward.chaos.simulation.simulate import simulate


def now():
    return time.monotonic()


def in_threads(*functions, **options):
    """Runs functions in threads of their own, and returns the run."""

    async def main():
        return await asyncio.gather(*(asyncio.to_thread(function) for function in functions))

    return simulate(main, **options)


def test_a_thread_sleeps_in_virtual_time():
    """Under `fifo` its times are exact; else it goes on up to 10 ms after it could."""

    def sleep():
        time.sleep(3600)
        return now()

    assert in_threads(sleep, policy="fifo").result() == [3600.0]
    began = {in_threads(sleep, seed=seed).result()[0] - 3600 for seed in range(20)}
    assert all(0 <= late < 0.01 for late in began)
    assert len(began) == 20


def test_only_one_runs_at_a_time():
    """Nothing is torn, whatever the threads do between two waits."""
    shared = [0]

    def count():
        for _ in range(50):
            seen = shared[0]
            for _ in range(100):
                pass
            shared[0] = seen + 1
            if shared[0] % 10 == 0:
                time.sleep(0.001)

    in_threads(*[count] * 10).result()
    assert shared == [500]


def test_which_thread_goes_on_first_is_drawn():
    """Threads that could all go on do so in an order that depends on the seed, and on nothing else."""

    def order(seed):
        seen = []
        in_threads(*(lambda name=name: seen.append(name) for name in "abc"), seed=seed).result()
        return "".join(seen)

    assert len({order(seed) for seed in range(50)}) == 6
    assert [order(seed) for seed in range(10)] == [order(seed) for seed in range(10)]


def test_events():
    """A thread waits for an event until another thread, or the loop, sets it; or until its time is up."""

    async def main():
        first, second, never = threading.Event(), threading.Event(), threading.Event()

        def wait():
            assert first.wait(60)
            time.sleep(2)
            second.set()
            return never.wait(3)

        work = [asyncio.create_task(asyncio.to_thread(wait)), asyncio.create_task(asyncio.to_thread(second.wait))]
        await asyncio.sleep(5)
        first.set()
        return await asyncio.gather(*work), now()

    assert simulate(main, policy="fifo").result() == ([False, True], 10.0)


def test_queues():
    """All of `queue` blocks in virtual time, with and without a timeout."""

    def use(made):
        def put():
            for number in range(3):
                time.sleep(1)
                made.put(number)

        threading.Thread(target=put).start()
        got = [made.get() for _ in range(3)]
        with pytest.raises(queue.Empty):
            made.get(timeout=2)
        return sorted(got), now()

    kinds = (queue.Queue, queue.LifoQueue, queue.PriorityQueue, lambda: queue.SimpleQueue(), lambda: EarlyQueue())
    for make in kinds:
        assert in_threads(lambda make=make: use(make()), policy="fifo").result() == [([0, 1, 2], 5.0)]


def test_locks_exclude():
    """Who holds a lock while it sleeps keeps the others out; they come in one after the other."""

    async def main(make):
        lock, inside = make(), []

        def work():
            with lock:
                inside.append(now())
                time.sleep(1)

        await asyncio.gather(*(asyncio.to_thread(work) for _ in range(4)))
        return inside

    locks = (lambda: threading.Lock(), lambda: threading.RLock())
    for make in (*locks, threading.Semaphore, threading.BoundedSemaphore, threading.Condition):
        entered = simulate(lambda make=make: main(make)).result()
        assert [round(time) for time in entered] == [0, 1, 2, 3]


def test_who_gets_a_lock_next_is_drawn():
    """It is not always whoever has waited longest."""

    def order(seed):
        async def main():
            lock, inside = threading.Lock(), []

            def work(name):
                with lock:
                    inside.append(name)
                    time.sleep(1)

            await asyncio.gather(*(asyncio.to_thread(work, name) for name in "abc"))
            return "".join(inside)

        return simulate(main, seed=seed).result()

    assert len({order(seed) for seed in range(60)}) == 6


def test_a_lock_as_threading_has_it():
    """Timeouts, tries, states, errors: as those of a real lock."""

    def use():
        lock = threading.Lock()
        assert lock.acquire()
        assert lock.locked()
        assert not lock.acquire(blocking=False)
        assert not lock.acquire(timeout=2)
        assert now() == 2.0
        with pytest.raises(ValueError, match="timeout"):
            lock.acquire(False, 1)
        lock.release()
        with pytest.raises(RuntimeError):
            lock.release()
        again = threading.RLock()
        with again, again:
            assert again._is_owned()
        assert not again._is_owned()
        with pytest.raises(RuntimeError):
            again.release()
        return True

    assert in_threads(use, policy="fifo").result() == [True]


def test_a_condition_on_a_reentrant_lock():
    """A wait lets go of all levels, and has them again afterwards."""

    async def main():
        changed, seen = threading.Condition(threading.RLock()), []

        def wait():
            with changed, changed:
                changed.wait()
                seen.append(now())
                time.sleep(1)

        def notify():
            time.sleep(5)
            with changed:
                changed.notify_all()

        await asyncio.gather(*(asyncio.to_thread(job) for job in (wait, wait, notify)))
        return seen

    assert simulate(main, policy="fifo").result() == [5.0, 6.0]


def test_pools():
    """An executor's workers are threads as any; their futures block in threads and can be awaited."""

    async def main():
        loop = asyncio.get_running_loop()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            awaited = [loop.run_in_executor(pool, time.sleep, 1) for _ in range(4)]
            await asyncio.gather(*awaited)
            first = now()

            def outer():
                return pool.submit(lambda: (time.sleep(3), "inner")[1]).result()

            inner = await loop.run_in_executor(pool, outer)
        return first, inner, now()

    assert simulate(main, policy="fifo").result() == (2.0, "inner", 5.0)


def test_a_thread_asks_the_loop():
    """`run_coroutine_threadsafe(...).result()` blocks the thread, and the loop goes on."""

    async def main():
        loop = asyncio.get_running_loop()

        async def slow(number):
            await asyncio.sleep(number)
            return number

        def ask(number):
            return asyncio.run_coroutine_threadsafe(slow(number), loop).result(), now()

        return await asyncio.gather(*(asyncio.to_thread(ask, number) for number in (3, 1, 2)))

    assert simulate(main, policy="fifo").result() == [(3, 3.0), (1, 1.0), (2, 2.0)]


def test_asyncio_run_in_a_thread():
    """The loop that it makes is a part of the simulation: time, tasks, calls from other threads."""

    async def main():
        loops = queue.SimpleQueue()

        async def inner():
            loops.put((asyncio.get_running_loop(), asyncio.Event()))
            loop, asked = asyncio.get_running_loop(), asyncio.Event()
            loops.put((loop, asked))
            await asyncio.gather(asyncio.sleep(5), asyncio.sleep(2))
            await asked.wait()
            return loop.time(), asyncio.current_task().get_name()

        def wake():
            loops.get()
            loop, asked = loops.get()
            time.sleep(20)
            loop.call_soon_threadsafe(asked.set)

        return await asyncio.gather(asyncio.to_thread(lambda: asyncio.run(inner())), asyncio.to_thread(wake))

    (at, name), _ = simulate(main, policy="fifo").result()
    assert at == 20.0
    assert name.startswith("task-")


def test_a_sleep_in_the_loop_of_a_thread_is_not_cut_short():
    """A call that comes for that loop does not wake code which holds it."""

    async def main():
        loops = queue.SimpleQueue()

        async def inner():
            loops.put(asyncio.get_running_loop())
            await asyncio.sleep(0)
            time.sleep(10)  # noqa: ASYNC251 - the point
            return now()

        thread = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(inner())))
        loop = await asyncio.to_thread(loops.get)
        await asyncio.sleep(1)
        loop.call_soon_threadsafe(lambda: None)
        return await thread

    assert simulate(main, policy="fifo").result() == 10.0


def test_the_loop_of_a_thread_has_the_time_of_all():
    """What it lets pass, passes for everybody, and those who watch over the simulation's loop hear of it."""

    async def main():
        outer, told = asyncio.get_running_loop(), []
        outer.wall_skew = 7.0

        async def inner():
            loop = asyncio.get_running_loop()
            end = loop.watch(1.0, lambda seconds, frame: told.append((seconds, frame.f_code.co_name)))
            loop.leap(5)
            end()
            loop.leap(5)
            return loop.time(), loop.wall() - loop.epoch, time.time() - loop.epoch

        return await asyncio.to_thread(lambda: asyncio.run(inner())), told, outer.time()

    assert simulate(main, policy="fifo").result() == ((10.0, 17.0, 17.0), [(5, "inner")], 10.0)


def test_an_escape_in_the_loop_of_a_thread():
    """It ends the whole run."""

    async def main():
        async def inner():
            await asyncio.open_connection("127.0.0.1", 9)

        with contextlib.suppress(Exception):
            await asyncio.to_thread(lambda: asyncio.run(inner()))
        await asyncio.sleep(1)

    error = simulate(main).error
    assert isinstance(error, SimulationEscape)
    assert error.wanted.startswith("loop.create_connection(")


@pytest.mark.parametrize("polling", ["thread", "loop of a thread"])
def test_a_thread_that_polls_is_a_livelock(polling):
    """A thread for which time does not pass is found as a task is; it ends the run though the thread swallows it."""

    def poll():
        while True:
            time.sleep(0)

    async def poll_on_loop():
        while True:  # noqa: ASYNC110 - what is not done
            await asyncio.sleep(0)

    def work():
        with contextlib.suppress(Exception):
            poll() if polling == "thread" else asyncio.run(poll_on_loop())

    async def main():
        await asyncio.to_thread(work)
        await asyncio.sleep(60)

    assert isinstance(simulate(main, livelock_after=5_000).error, Livelock)


def test_threads_start_threads_and_join_them():
    """Starts, joins with and without a timeout, `is_alive`, timers, thread-local data."""

    def outer():
        here = threading.local()
        here.mine = 1
        told = []

        def inner():
            told.append(hasattr(here, "mine"))
            time.sleep(5)

        thread = threading.Thread(target=inner)
        assert not thread.is_alive()
        thread.start()
        assert thread.is_alive()
        thread.join(2)
        assert (thread.is_alive(), now()) == (True, 2.0)
        thread.join()
        assert (thread.is_alive(), now()) == (False, 5.0)
        timer = threading.Timer(7, told.append, ["timer"])
        timer.start()
        timer.join()
        return told, now()

    assert in_threads(outer, policy="fifo").result() == [([False, "timer"], 12.0)]


def test_a_thread_is_started_once():
    """The second start is `threading`'s own error."""

    def use():
        thread = threading.Thread(target=print, args=("",))
        thread.run = lambda: None
        thread.start()
        with pytest.raises(RuntimeError, match="threads can only be started once"):
            thread.start()
        thread.join()
        return True

    assert in_threads(use).result() == [True]


def test_the_names_of_threads_are_those_of_the_run():
    """A thread without a name has one that does not depend on what ran before in the process."""

    def name():
        thread = threading.Thread(target=print)
        return thread.name.partition(" ")[0]

    assert in_threads(name).result() == in_threads(name).result() == ["Thread-1"]


def test_the_loop_joins_a_thread():
    """While the loop is held by a join, other threads go on and nothing of the loop does; its watchers are told."""

    async def main():
        loop, told, called = asyncio.get_running_loop(), [], []
        loop.watch(1.0, lambda seconds, frame: told.append(seconds))
        loop.call_later(1, called.append, "late")
        thread = threading.Thread(target=time.sleep, args=(5,))
        other = threading.Thread(target=time.sleep, args=(3,))
        thread.start()
        other.start()
        thread.join(2)
        thread.join()
        assert not called
        other.join()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return told, called, now()

    assert simulate(main, policy="fifo").result() == ([2.0, 3.0], ["late"], 5.0)


def test_a_loop_that_waits_for_ever_is_a_deadlock():
    """Held for a thread that waits for the loop: it ends the run, though the code swallows it."""

    async def main():
        answer = threading.Event()
        thread = threading.Thread(target=answer.wait, name="waiter")
        thread.start()
        try:
            thread.join()
        except AssertionError:
            return "went on"

    run = simulate(main)
    assert run.value == "went on"
    with pytest.raises(Deadlock) as caught:
        run.result()
    held, waiter = caught.value.waiting
    assert held.startswith("task-1, which holds the loop: at ")
    assert "thread.join()" in held
    assert waiter.startswith("thread waiter: at ")


def test_a_deadlock_says_where_the_threads_wait():
    """Tasks and threads, each with the line of its own code."""

    async def main():
        def wait():
            threading.Event().wait()  # nobody has it

        await asyncio.to_thread(wait)

    run = simulate(main)
    assert isinstance(run.error, Deadlock)
    task, thread = run.error.waiting
    assert task.startswith("task-1: test_a_deadlock")
    assert "await asyncio.to_thread(wait)" in task
    assert thread.startswith("thread asyncio_0: at ")
    assert "threading.Event().wait()  # nobody has it" in thread


def test_an_error_that_ends_a_thread_is_told():
    """As `threading.excepthook` would be called; the run goes on."""

    async def main():
        thread = threading.Thread(target=lambda: 1 / 0, name="divider")
        thread.start()
        thread.join()
        return "went on"

    run = simulate(main)
    assert run.result() == "went on"
    (context,) = run.unhandled
    assert context["message"] == "unhandled exception in thread divider"
    assert isinstance(context["exception"], ZeroDivisionError)


def test_no_thread_is_left():
    """Threads that sleep, wait or have not begun are ended with the run, and may clean up."""
    cleaned = []

    async def main():
        def hang(how):
            try:
                how()
            finally:
                cleaned.append(threading.current_thread().name)

        held = threading.Lock()
        held.acquire()
        for number, how in enumerate(
            (threading.Event().wait, lambda: time.sleep(1e9), held.acquire, queue.Queue().get)
        ):
            threading.Thread(target=hang, args=(how,), name=f"t{number}").start()
        pool = concurrent.futures.ThreadPoolExecutor(2)
        pool.submit(time.sleep, 1e9)
        await asyncio.sleep(1)
        threading.Thread(target=hang, args=(print,), name="new").start()

    before = set(threading.enumerate())
    run = simulate(main)
    assert run.error is None
    assert set(threading.enumerate()) == before
    assert cleaned == ["t0", "t1", "t2", "t3"]


def test_a_thread_that_is_ended_cannot_wait_any_more():
    """Whatever it tries while it cleans up, it comes to its end."""
    tried = []

    async def main():
        def hang():
            try:
                time.sleep(1e9)
            except SystemExit:
                try:
                    time.sleep(1)
                finally:
                    tried.append("slept")
                    threading.Event().wait()

        threading.Thread(target=hang).start()
        await asyncio.sleep(1)

    assert simulate(main).error is None
    assert tried == ["slept"]


def test_a_thread_that_will_not_end_is_an_escape(monkeypatch):
    """It is named, and parked for good; it does not run beside what comes next."""
    monkeypatch.setattr(module, "END_TRIES", 5)
    let_go = []

    async def main():
        def stubborn():
            while not let_go:
                try:
                    time.sleep(1e9)
                except SystemExit:
                    continue

        threading.Thread(target=stubborn, name="mule").start()
        await asyncio.sleep(1)

    loop = SimLoop()
    with simulated(loop) as threads:
        loop.run_until_complete(main())
    assert str(loop.fatal).startswith("a thread that does not end is not simulated; it was tried by mule, at the end")
    let_go.append(True)
    with simulated(loop):
        for thread in threads:
            threads.run(thread)
    loop.close()


@pytest.mark.realtime
def test_a_thread_that_blocks_outside_is_an_escape(monkeypatch):
    """A lock of C code that was there before: the simulation does not hang, and names the line."""
    monkeypatch.setattr(module, "STALL", 0.05)
    before = EarlyQueue()

    async def main():
        try:
            return await asyncio.to_thread(before.get)
        except Exception:
            return "swallowed"

    run = simulate(main)
    before.put("let go")
    with pytest.raises(
        SimulationEscape, match=r"what blocks there is not simulated; it was tried by thread asyncio_0, at"
    ):
        run.result()


def test_what_was_made_in_a_simulation_works_after_it():
    """A lock, a queue or an event that outlives the run is one for everybody."""

    async def main():
        return threading.Lock(), threading.RLock(), threading.Event(), queue.SimpleQueue()

    lock, again, event, made = simulate(main).result()
    with lock, again, again:
        assert not lock.acquire(timeout=0.001)
    seen = []

    def use():
        with lock, again:
            event.wait(10)
            seen.append(made.get(timeout=10))

    thread = threading.Thread(target=use)
    thread.start()
    event.set()
    made.put("there")
    thread.join()
    assert seen == ["there"]
