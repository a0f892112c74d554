"""The reply: a future for threads and for event loops, settled once, with pykka's combinators."""

from __future__ import annotations

import asyncio
import gc
import threading

import pykka
import pytest

from treeward.runtime.clock import LoopClock
from treeward.runtime.errors import AskTimeout, WouldBlock
from treeward.runtime.reply import Reply, runs_here


def new_reply():
    return Reply(loop=asyncio.get_running_loop())


async def value_of(reply):
    return await reply


# --- settled once -----------------------------------------------------------------------------------


async def test_a_value_is_awaited():
    """A reply that was settled gives its value, as often as it is asked."""
    reply = new_reply()
    reply.resolve(7)
    assert (await reply, await reply, reply.get()) == (7, 7, 7)


async def test_what_comes_later_is_dropped():
    """The first of several values and errors counts."""
    reply = new_reply()
    reply.resolve(1)
    reply.resolve(2)
    reply.fail(ValueError())
    reply.set(3)
    reply.set_exception(ValueError())
    assert await reply == 1


async def test_an_error_that_nobody_asks_for_makes_no_noise():
    """asyncio's "exception was never retrieved" is not for replies: the crash behind it was reported."""
    new_reply().fail(ValueError())
    joined = new_reply().join(failed := new_reply())
    failed.fail(ValueError())
    await asyncio.sleep(1)
    del joined, failed
    gc.collect()  # the test runner looks at what reached the loop's exception handler


@pytest.mark.parametrize("way", [ValueError("x"), (ValueError, ValueError("x"), None)], ids=["error", "triple"])
async def test_pykkas_ways_to_set_an_error(way):
    """An exception or an `exc_info` triple becomes the reply's error."""
    reply = new_reply()
    reply.set_exception(way)
    with pytest.raises(ValueError, match="x"):
        await reply


async def test_the_error_in_hand_becomes_the_replys():
    """Without an argument, `set_exception` takes what is being handled."""
    reply = new_reply()
    try:
        raise KeyError("k")
    except KeyError:
        reply.set_exception()
    with pytest.raises(KeyError):
        await reply


async def test_no_error_to_set_is_a_mistake():
    """Without an argument and outside an `except`, there is nothing to set."""
    with pytest.raises(TypeError, match="none was given"):
        new_reply().set_exception()


async def test_a_get_hook_gives_the_value_once():
    """As in pykka, a hook computes the value at the first `get`."""
    reply, asked = new_reply(), []
    reply.set_get_hook(lambda timeout: asked.append(timeout) or "made")
    assert [reply.get(timeout=3), reply.get()] == ["made", "made"]
    assert asked == [3]


# --- waiting ----------------------------------------------------------------------------------------


async def test_get_on_the_replys_own_loop_would_block():
    """The loop cannot wait for itself: it says so at once."""
    with pytest.raises(WouldBlock, match="would block the event loop"):
        new_reply().get()


@pytest.mark.realtime
@pytest.mark.parametrize("early", [True, False], ids=["settled before", "settled after"])
async def test_get_in_a_thread(early):
    """A thread waits for the value, or has it at once."""
    reply = new_reply()
    if early:
        reply.resolve("value")
    got = asyncio.ensure_future(asyncio.to_thread(reply.get))
    await asyncio.sleep(0.02)
    reply.resolve("value")
    assert await got == "value"


@pytest.mark.realtime
async def test_get_in_many_threads():
    """Every thread that waits is woken, with the same error."""
    reply = new_reply()
    waiting = [asyncio.ensure_future(asyncio.to_thread(reply.get)) for _ in range(8)]
    await asyncio.sleep(0.02)
    reply.fail(KeyError("k"))
    errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert [repr(error) for error in errors] == ["KeyError('k')"] * 8


@pytest.mark.realtime
async def test_get_in_a_thread_gives_up_in_time():
    """After `timeout` seconds it is `pykka.Timeout`; the value may still come."""
    reply = new_reply()
    with pytest.raises(pykka.Timeout):
        await asyncio.to_thread(lambda: reply.get(timeout=0.02))
    reply.resolve("late")
    assert await reply == "late"


@pytest.mark.realtime
@pytest.mark.parametrize("early", [True, False], ids=["settled before", "settled after"])
async def test_await_on_another_loop(elsewhere, early):
    """A reply can be awaited on any loop; its value comes over."""
    reply = new_reply()
    if early:
        reply.resolve("value")
    got = asyncio.ensure_future(elsewhere(value_of, reply))
    await asyncio.sleep(0.02)
    reply.resolve("value")
    assert await got == "value"


@pytest.mark.realtime
async def test_who_gives_up_on_another_loop_cancels_the_reply(elsewhere, until):
    """A wait on another loop that is cancelled says so here: nobody wants the value any more."""
    reply = new_reply()

    async def impatient():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await reply

    await elsewhere(impatient)
    await until(reply.cancelled)


@pytest.mark.realtime
async def test_a_reply_that_is_cancelled_wakes_whoever_waits(elsewhere):
    """Threads and other loops get `CancelledError`, not silence."""
    reply = new_reply()

    async def waits():
        with pytest.raises(asyncio.CancelledError):
            await reply

    def gets():
        with pytest.raises(asyncio.CancelledError):
            reply.get()

    waiting = asyncio.gather(elsewhere(waits), asyncio.to_thread(gets))
    await asyncio.sleep(0.02)
    reply.cancel()
    await waiting


def test_a_settled_reply_outlives_its_loop():
    """Values, errors and combinators of settled replies work when the loop is closed."""

    async def make():
        good, bad = new_reply(), new_reply()
        good.resolve([1, 2])
        bad.fail(KeyError())
        return good, bad

    good, bad = asyncio.run(make())
    assert good.get() == [1, 2]
    assert good.map(len).get() == 2
    assert good.join(good).get() == [[1, 2], [1, 2]]
    with pytest.raises(KeyError):
        bad.map(len).get()
    with pytest.raises(KeyError):
        asyncio.run(value_of(bad))


# --- limits -----------------------------------------------------------------------------------------


async def test_a_limit_fails_the_reply_at_its_time():
    """At the limit the reply has the limit's error; a later value is dropped."""
    loop = asyncio.get_running_loop()
    reply = new_reply()
    reply.limit(LoopClock(loop), 30, AskTimeout("a", 30))
    reply.arm()
    assert reply.deadline == 30.0
    with pytest.raises(AskTimeout):
        await reply
    assert loop.time() == 30.0
    reply.resolve("late")


async def test_a_reply_in_time_takes_the_timer_along():
    """A settled reply leaves no timer behind."""
    loop = asyncio.get_running_loop()
    reply = new_reply()
    reply.limit(LoopClock(loop), 30, AskTimeout("a", 30))
    reply.arm()
    reply.resolve(1)
    await reply
    await asyncio.sleep(0)
    assert loop.timers() == ()


@pytest.mark.parametrize(
    ("change", "unwanted"),
    [
        (lambda reply: None, False),
        (lambda reply: reply.resolve(1), True),
        (lambda reply: reply.cancel(), True),
    ],
    ids=["waiting", "settled", "cancelled"],
)
async def test_unwanted(change, unwanted):
    """A reply that is settled or cancelled is not wanted any more."""
    reply = new_reply()
    change(reply)
    assert reply.unwanted is unwanted


async def test_unwanted_after_the_limit():
    """It is wanted at its limit, and not after it, also before its timer is set."""
    reply = new_reply()
    reply.limit(LoopClock(asyncio.get_running_loop()), 2, AskTimeout("a", 2))
    await asyncio.sleep(2)
    assert reply.unwanted is False
    await asyncio.sleep(0.001)
    assert reply.unwanted is True


def blocked_loop(run):
    """Runs `run(reply, clock)` in this thread, for a reply with a limit whose loop is held up for as long."""
    made, release = threading.Event(), threading.Event()
    box = []

    async def hold():
        reply = new_reply()
        clock = LoopClock(asyncio.get_running_loop())
        reply.limit(clock, 0.05, AskTimeout("a", 0.05))
        box.append((reply, clock))
        made.set()
        release.wait(10)  # the loop cannot set a timer meanwhile

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    try:
        assert made.wait(5)
        run(*box[0])
    finally:
        release.set()
        thread.join()


def test_a_limit_holds_in_a_thread_while_the_loop_is_blocked():
    """A time limit limits, also where the loop that should keep it cannot."""

    def wait(reply, clock):
        began = clock.monotonic()
        with pytest.raises(AskTimeout):
            reply.get()
        assert clock.monotonic() - began < 2

    blocked_loop(wait)


def test_a_limit_holds_on_another_loop_while_the_replys_is_blocked():
    """The same for who awaits it on another loop."""

    def wait(reply, clock):
        began = clock.monotonic()
        with pytest.raises(AskTimeout):
            asyncio.run(value_of(reply))
        assert clock.monotonic() - began < 2

    blocked_loop(wait)


# --- combinators ------------------------------------------------------------------------------------

COMBINED = [
    (lambda r: r.map(lambda items: items[0]), 1),
    (lambda r: r.filter(lambda item: item > 1), [2, 3]),
    (lambda r: r.reduce(lambda a, b: a + b), 6),
    (lambda r: r.reduce(lambda a, b: a + b, 10), 16),
    (lambda r: r.join(), [[1, 2, 3]]),
    (lambda r: r.join(r.map(len), r.map(sum)), [[1, 2, 3], 3, 6]),
    (lambda r: r.map(len).map(str), "3"),
]


@pytest.mark.parametrize(("combine", "expected"), COMBINED)
async def test_combinators(combine, expected):
    """map, filter, reduce and join make replies that can be awaited, before and after the value is there."""
    reply = new_reply()
    before = combine(reply)
    assert not before.done()
    reply.resolve([1, 2, 3])
    assert await before == expected
    assert await combine(reply) == expected


@pytest.mark.realtime
@pytest.mark.parametrize(("combine", "expected"), COMBINED)
async def test_combinators_in_a_thread(combine, expected):
    """The same from a plain thread, with `get`."""
    reply = new_reply()
    got = asyncio.ensure_future(asyncio.to_thread(lambda: combine(reply).get()))
    await asyncio.sleep(0.01)
    reply.resolve([1, 2, 3])
    assert await got == expected
    assert await asyncio.to_thread(lambda: combine(reply).get()) == expected


@pytest.mark.parametrize("combine", [combine for combine, _ in COMBINED])
async def test_an_error_passes_through_combinators(combine):
    """What a reply fails with, those that are made of it fail with."""
    reply = new_reply()
    combined = combine(reply)
    reply.fail(KeyError("k"))
    with pytest.raises(KeyError, match="k"):
        await combined


async def test_an_error_of_the_callers_function_is_the_results():
    """What the mapped function raises, whoever reads the result gets; also for what cannot be iterated over."""
    reply = new_reply()
    mapped, filtered = reply.map(lambda value: 1 / value), reply.filter(bool)
    reply.resolve(0)
    with pytest.raises(ZeroDivisionError):
        await mapped
    with pytest.raises(TypeError):
        await filtered


async def test_a_join_fails_as_soon_as_one_fails():
    """It does not wait for the others."""
    replies = [new_reply() for _ in range(3)]
    joined = replies[0].join(*replies[1:])
    replies[1].fail(KeyError("k"))
    with pytest.raises(KeyError, match="k"):
        await joined
    assert not replies[0].done()


async def test_cancellation_passes_through_a_join():
    """A part that nobody wants any more leaves nothing to wait for."""
    replies = [new_reply() for _ in range(2)]
    joined = replies[0].join(replies[1])
    replies[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await joined


async def test_a_join_takes_replies_only():
    """What is no reply is named at once, not waited for in vain."""
    with pytest.raises(TypeError, match="ThreadingFuture"):
        new_reply().join(pykka.ThreadingFuture())


@pytest.mark.realtime
async def test_a_join_over_two_loops(elsewhere):
    """Replies of two runtimes, each on a loop of its own, can be joined."""
    mine = new_reply()

    async def other():
        theirs = new_reply()
        joined = mine.join(theirs)
        theirs.resolve("theirs")
        return await joined

    got = asyncio.ensure_future(elsewhere(other))
    await asyncio.sleep(0.01)
    mine.resolve("mine")
    assert await got == ["mine", "theirs"]


@pytest.mark.realtime
async def test_pykkas_get_all():
    """pykka's own helpers take replies."""
    replies = [new_reply() for _ in range(3)]
    for number, reply in enumerate(replies):
        reply.resolve(number)
    assert await asyncio.to_thread(lambda: pykka.get_all(replies)) == [0, 1, 2]


class Wrapped:
    """A loop that is not asyncio's own: it does not show its thread."""


def test_code_knows_whether_it_runs_on_a_loop():
    """On that loop it does; before and after its run, in another thread, and on another loop, it does not."""
    loop, other = asyncio.new_event_loop(), asyncio.new_event_loop()

    async def told():
        return runs_here(loop), runs_here(other), await asyncio.to_thread(runs_here, loop)

    try:
        assert not runs_here(loop)
        assert loop.run_until_complete(told()) == (True, False, False)
        assert not runs_here(loop)
        assert other.run_until_complete(told()) == (False, True, False)
    finally:
        loop.close()
        other.close()


def test_a_loop_that_does_not_show_its_thread(monkeypatch):
    """It is known by being the running one."""
    loop = Wrapped()
    assert not runs_here(loop)
    monkeypatch.setattr("treeward.runtime.reply.running_loop", lambda: loop)
    assert runs_here(loop)
