"""Mailboxes: order, bounds and the four overflow policies, from the loop, from other loops and from threads."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.errors import ActorStopped, MailboxFull
from treeward.runtime.mailbox import Mailbox, MailboxSpec
from treeward.runtime.signals import Signal
from treeward.runtime.system import ActorSystem

POLICIES = ["wait", "drop_newest", "drop_oldest", "fail"]


def runtime():
    return ActorSystem(blocked_after=None)


class Gate(Actor):
    """Handles a message each time that it is let on; keeps what it handled."""

    def __init__(self, handled):
        self.handled = handled
        self.steps = asyncio.Semaphore(0)

    def on_receive(self, message):
        if isinstance(message, Signal) or message == "at once":
            return self.note(message)
        return self.work(message)

    async def work(self, message):
        await self.steps.acquire()
        return self.note(message)

    def note(self, message):
        self.handled.append(message)
        return message


def gate(system, capacity, overflow):
    """Starts a gate that has its first message in hand, so that the next ones wait."""
    handled = []
    ref = system.launch(Factory(Gate, (handled,)), mailbox=MailboxSpec(capacity, overflow))
    return ref, handled


async def busy_gate(system, capacity, overflow):
    ref, handled = gate(system, capacity, overflow)
    ref.tell("in hand")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return ref, handled


async def let(ref, count):
    for _ in range(count):
        ref._cell.actor.steps.release()
        for _ in range(10):
            await asyncio.sleep(0)


# --- the spec ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_capacity_is_at_least_one(capacity):
    """A mailbox that takes nothing is an error that names the value."""
    with pytest.raises(ValueError, match=f"mailbox capacity is {capacity}"):
        MailboxSpec(capacity)


def test_unknown_policies_are_errors_that_name_the_legal_ones():
    """A misspelt policy is not ignored."""
    with pytest.raises(ValueError, match="'drop': expected one of wait, drop_newest, drop_oldest, fail"):
        MailboxSpec(1, "drop")


def test_the_default_is_unbounded():
    """Without a word about it, a mailbox takes everything."""
    assert MailboxSpec().capacity is None
    assert not Mailbox().full


# --- the queue itself -------------------------------------------------------------------------------


def test_signals_and_messages_have_their_own_order():
    """A mailbox that is drained yields signals, stashed messages, messages, and those outside, each in order."""
    mailbox = Mailbox(MailboxSpec(2, "wait"))
    for number in range(2):
        mailbox.put((f"message {number}", None))
        mailbox.put_signal(f"signal {number}", None)
        mailbox.stash((f"stashed {number}", None))
        mailbox.put_outside((f"outside {number}", None), None)
    kinds = ["signal", "stashed", "message", "outside"]
    assert [message for message, _ in mailbox.drain()] == [f"{kind} {n}" for kind in kinds for n in range(2)]
    assert list(mailbox.drain()) == []


def test_a_wider_bound_lets_in_what_waits():
    """A new spec applies to those that wait already."""
    mailbox = Mailbox(MailboxSpec(1, "wait"))
    mailbox.put((1, None))
    for number in (2, 3, 4):
        mailbox.put_outside((number, None), None)
    mailbox.spec = MailboxSpec(3, "wait")
    assert len(mailbox) == 3
    mailbox.spec = MailboxSpec()
    assert [message for message, _ in mailbox.messages] == [1, 2, 3, 4]
    assert mailbox.spec == MailboxSpec()


OPERATIONS = st.lists(st.sampled_from(["tell", "tell", "tell", "take", "stash", "unstash"]), max_size=60)


@given(st.sampled_from(POLICIES), st.integers(1, 4), OPERATIONS)
async def test_policies_against_a_model(overflow, capacity, operations):  # noqa: C901, PLR0915 - a model in one piece
    """Under any sequence of sends, takes and stashes, a mailbox holds and loses what a list model does."""
    async with runtime() as system:
        ref = system.launch(Factory(Idle), mailbox=MailboxSpec(capacity, overflow))
        cell, mailbox = ref._cell, ref._cell.mailbox
        inside, stashed, outside, dropped = deque(), [], deque(), []
        for number, operation in enumerate(operations):
            full = len(inside) + len(stashed) >= capacity
            match operation:
                case "tell":
                    cell.deliver((number, None))
                    if not full:
                        inside.append(number)
                    elif overflow == "wait":
                        outside.append(number)
                    elif overflow == "drop_oldest" and inside:
                        dropped.append(inside.popleft())
                        inside.append(number)
                    else:
                        dropped.append(number)
                case "take" | "stash" if inside:
                    envelope = mailbox.messages.popleft()
                    mailbox.let_in()
                    assert envelope[0] == inside.popleft()
                    while outside and len(inside) + len(stashed) < capacity:
                        inside.append(outside.popleft())
                    if operation == "stash":
                        mailbox.stash(envelope)
                        stashed.append(envelope[0])
                case "unstash":
                    assert mailbox.unstash_all() == len(stashed)
                    inside.extendleft(reversed(stashed))
                    stashed.clear()
            assert [message for message, _ in mailbox.messages or ()] == list(inside)
            assert [message for (message, _), _ in mailbox.waiting or ()] == list(outside)
            assert [letter.message for letter in system.dead_letters] == dropped
        list(mailbox.drain())


class Idle(Actor):
    """Never gets to its messages: the test takes them out."""

    def on_start(self):
        return asyncio.Event().wait()


# --- order ------------------------------------------------------------------------------------------

STEPS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["tell", "ask", "send", "pause"])), max_size=80)


class Recorder(Actor):
    def __init__(self, seen, slow):
        self.seen, self.slow = seen, slow

    def on_receive(self, message):
        if self.slow and message[1] % 2:
            return self.work(message)
        self.seen.append(message)
        return message

    async def work(self, message):
        await asyncio.sleep(0)
        self.seen.append(message)
        return message


@given(STEPS, st.sampled_from([None, 1, 3]), st.booleans())
async def test_messages_of_one_sender_keep_their_order(steps, capacity, slow):
    """However senders, tells, asks, sends and pauses interleave: no message overtakes another of its sender."""
    seen, asked = [], []
    async with runtime() as system:
        ref = system.launch(Factory(Recorder, (seen, slow)), mailbox=MailboxSpec(capacity, "wait"))
        for number, (sender, how) in enumerate(steps):
            message = (sender, number)
            if how == "pause":
                await asyncio.sleep(0)
            elif how == "ask" or (how == "tell" and ref._cell.mailbox.full):
                asked.append(ref.ask(message))
            elif how == "tell":
                ref.tell(message)
            else:
                await ref.send(message)
        await asyncio.gather(*asked)
        await ref.ask((9, 0))
    for sender in range(4):
        mine = [number for one, number in seen if one == sender]
        assert mine == sorted(mine)
    assert len(seen) == sum(how != "pause" for _, how in steps) + 1


async def test_an_ask_does_not_overtake_those_that_wait_for_room():
    """Room that comes free belongs to who has waited longest, not to who comes by."""
    async with runtime() as system:
        ref, handled = await busy_gate(system, 1, "wait")
        asked = [ref.ask(number) for number in range(5)]
        sent = asyncio.ensure_future(ref.send("sent"))
        await let(ref, 2)
        asked.append(ref.ask("late"))
        await let(ref, 10)
        await asyncio.gather(*asked, sent)
        assert handled == ["in hand", 0, 1, 2, 3, 4, "sent", "late"]


# --- overflow: on the loop --------------------------------------------------------------------------


async def test_drop_newest():
    """What finds no room is lost to the dead letters; its caller is told, a teller is not."""
    async with runtime() as system:
        ref, handled = await busy_gate(system, 2, "drop_newest")
        for number in range(4):
            ref.tell(number)
        with pytest.raises(MailboxFull):
            await ref.ask("asked")
        await let(ref, 5)
        assert handled == ["in hand", 0, 1]
        assert [(x.message, x.reason) for x in system.dead_letters] == [
            (2, "mailbox full"),
            (3, "mailbox full"),
            ("asked", "mailbox full"),
        ]


async def test_drop_oldest():
    """What has waited longest makes room; its caller is told."""
    async with runtime() as system:
        ref, handled = await busy_gate(system, 2, "drop_oldest")
        first = ref.ask("asked")
        for number in range(3):
            ref.tell(number)
        with pytest.raises(MailboxFull):
            await first
        await let(ref, 5)
        assert handled == ["in hand", 1, 2]
        assert [letter.message for letter in system.dead_letters] == ["asked", 0]


async def test_fail():
    """The sender gets `MailboxFull`; since it knows, there is no dead letter."""
    async with runtime() as system:
        ref, handled = await busy_gate(system, 1, "fail")
        ref.tell("fits")
        with pytest.raises(MailboxFull) as full:
            ref.tell("too much")
        assert full.value.capacity == 1
        with pytest.raises(MailboxFull):
            await ref.ask("too much")
        with pytest.raises(MailboxFull):
            await ref.send("too much")
        await let(ref, 3)
        assert handled == ["in hand", "fits"]
        assert len(system.dead_letters) == 0


async def test_wait():
    """`send` and `ask` wait for room; a `tell` on the loop cannot, and says what can."""
    async with runtime() as system:
        ref, handled = await busy_gate(system, 1, "wait")
        ref.tell("fits")
        with pytest.raises(MailboxFull, match=r"await ref\.send"):
            ref.tell("cannot wait")
        sent = asyncio.ensure_future(ref.send("sent"))
        await asyncio.sleep(0)
        asked = ref.ask("asked")
        assert not sent.done()
        await let(ref, 1)
        assert sent.done()  # it is in; it has not been handled yet
        assert handled == ["in hand"]
        await let(ref, 3)
        assert await asked == "asked"
        assert handled == ["in hand", "fits", "sent", "asked"]
        assert len(system.dead_letters) == 0


async def test_who_gives_up_waiting_for_room_is_left_out():
    """A `send` that is cancelled and an `ask` that times out while outside never get in."""
    async with runtime() as system:
        ref, handled = await busy_gate(system, 1, "wait")
        ref.tell("fits")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ref.send("sent"), 1)
        with pytest.raises(TimeoutError):
            await ref.ask("asked", timeout=1)
        await let(ref, 5)
        assert handled == ["in hand", "fits"]


async def test_who_waits_for_room_hears_of_the_end():
    """When the actor ends, senders that wait get `ActorStopped`; none waits for ever."""
    async with runtime() as system:
        ref, _ = await busy_gate(system, 1, "wait")
        ref.tell("fits")
        waiting = [asyncio.ensure_future(ref.send("sent")), ref.ask("asked")]
        await asyncio.sleep(0)
        ref._cell.kill()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result) for result in results] == [ActorStopped, ActorStopped]
        assert sorted(letter.message for letter in system.dead_letters) == ["asked", "fits"]


async def test_stashed_messages_count():
    """A bound bounds what is kept, stashed or not."""

    class Stashing(Actor):
        def on_receive(self, message):
            self.stash()

    async with runtime() as system:
        ref = system.launch(Factory(Stashing), mailbox=MailboxSpec(2, "fail"))
        for number in range(2):
            ref.tell(number)
            await asyncio.sleep(0)
        with pytest.raises(MailboxFull):
            ref.tell("too much")


# --- overflow: signals, timers, the bus -------------------------------------------------------------


class Poke(Signal):
    """A request of a room above."""


@pytest.mark.parametrize("overflow", POLICIES)
async def test_a_full_mailbox_never_blocks_signals(overflow):
    """Stop requests and those of rooms above go in whatever the bound, and before what waits."""
    async with runtime() as system:
        ref, handled = await busy_gate(system, 1, overflow)
        ref.tell("waits")
        asked = ref.ask(Poke())
        ref.tell(Poke())
        stopped = ref.stop()
        await let(ref, 1)
        assert isinstance(await asked, Poke)
        assert await stopped is True
        assert [type(message) for message in handled] == [str, Poke, Poke]


@pytest.mark.parametrize(
    ("overflow", "kept", "lost"),
    [
        ("wait", ["waits"], ["tick", "news"]),
        ("drop_newest", ["waits"], ["tick", "news"]),
        ("drop_oldest", ["news"], ["waits", "tick"]),
        ("fail", ["waits"], ["tick", "news"]),
    ],
)
async def test_timers_and_the_bus_do_not_wait(overflow, kept, lost):
    """A timer's message and a published one follow the policy; where that is to wait or fail, they are lost."""
    async with runtime() as system:
        ref, _ = await busy_gate(system, 1, overflow)
        actor = ref._cell.actor
        actor.subscribe("news")
        ref.tell("waits")
        actor.after(1, "tick")
        await asyncio.sleep(2)
        published = system.bus.publish("news", 1)
        named = lambda message: getattr(message, "topic", message)  # noqa: E731 - one line, used twice
        assert [named(message) for message, _ in ref._cell.mailbox.messages] == kept
        assert [named(letter.message) for letter in system.dead_letters] == lost
        assert published == (0 if overflow in ("wait", "fail") else 1)


# --- overflow: from outside -------------------------------------------------------------------------


@pytest.mark.realtime
@pytest.mark.parametrize(("overflow", "dead"), [("drop_newest", [1, 2]), ("drop_oldest", [0, 1])])
async def test_drops_from_a_thread(overflow, dead):
    """A plain thread's tells return at once; what is dropped becomes a dead letter."""
    async with runtime() as system:
        ref, _ = await busy_gate(system, 1, overflow)
        await asyncio.to_thread(lambda: [ref.tell(number) for number in range(3)])
        assert [letter.message for letter in system.dead_letters] == dead
        await let(ref, 2)


@pytest.mark.realtime
async def test_fail_from_a_thread():
    """A plain thread gets `MailboxFull` from `tell` and from `ask`."""
    async with runtime() as system:
        ref, _ = await busy_gate(system, 1, "fail")

        def send():
            ref.tell("fits")
            with pytest.raises(MailboxFull):
                ref.tell("too much")
            with pytest.raises(MailboxFull):
                ref.ask("too much")

        await asyncio.to_thread(send)
        await let(ref, 2)


@pytest.mark.realtime
async def test_wait_from_a_thread(until):
    """A plain thread's `tell` blocks until there is room."""
    async with runtime() as system:
        ref, handled = await busy_gate(system, 1, "wait")
        told = asyncio.ensure_future(asyncio.to_thread(lambda: [ref.tell(number) for number in range(3)]))
        await until(lambda: ref._cell.mailbox.waiting)
        assert not told.done()
        await let(ref, 1)
        await until(lambda: ref._cell.mailbox.waiting)
        await let(ref, 1)
        await told
        await let(ref, 3)
        assert handled == ["in hand", 0, 1, 2]


@pytest.mark.realtime
async def test_a_thread_that_waits_for_room_hears_of_the_end(until):
    """A `tell` that blocks ends with `ActorStopped` when the actor does."""
    async with runtime() as system:
        ref, _ = await busy_gate(system, 1, "wait")
        ref.tell("fits")

        def tell():
            with pytest.raises(ActorStopped):
                ref.tell("waits")

        told = asyncio.ensure_future(asyncio.to_thread(tell))
        await until(lambda: ref._cell.mailbox.waiting)
        ref._cell.kill()
        await told


@pytest.mark.realtime
@pytest.mark.parametrize("overflow", POLICIES)
async def test_from_another_loop(overflow, elsewhere):
    """Another loop's `tell` never blocks it: it goes in where there is room, else the policy says what happens."""
    async with runtime() as system:
        ref, handled = await busy_gate(system, 1, overflow)

        async def send():
            ref.tell("fits")
            await asyncio.sleep(0.05)
            if overflow in ("wait", "fail"):
                with pytest.raises(MailboxFull):
                    ref.tell("too much")
            else:
                ref.tell("too much")

        await elsewhere(send)
        await let(ref, 3)
        assert handled == ["in hand", "too much" if overflow == "drop_oldest" else "fits"]


@pytest.mark.realtime
async def test_send_waits_on_another_loop(elsewhere, until):
    """`await ref.send(...)` waits for room on any loop."""
    async with runtime() as system:
        ref, handled = await busy_gate(system, 1, "wait")

        async def send():
            for number in range(3):
                await ref.send(number)

        sent = asyncio.ensure_future(elsewhere(send))
        for _ in range(2):
            await until(lambda: ref._cell.mailbox.waiting)
            await let(ref, 1)
        await sent
        await let(ref, 3)
        assert handled == ["in hand", 0, 1, 2]
