"""Dead letters: what was lost is kept, counted and observable, and does not flood the log."""

from __future__ import annotations

import asyncio
import logging

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.dead_letters import KEPT, DeadLetter, DeadLetters, LettersPurged, MessageLost, MessageRedriven
from treeward.runtime.errors import ActorCrashed, ActorStopped, CannotRedrive, MailboxFull, UnknownLetter
from treeward.runtime.evidence import Evidence
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.signals import Stop
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Outcome, Task


def runtime():
    return ActorSystem(blocked_after=None)


async def test_a_letter_says_what_for_whom_why_and_when():
    """Each dead letter has its id, message, recipient, reason, wall-clock time, and what is known beside."""
    evidence = Evidence(reason="unknown")
    async with runtime() as system:
        now = system.clock.time()
        system.dead_letters.add("hello", "a/b", "stopped")
        system.dead_letters.add(Task("t", 1), "a/b", "poison", evidence, "it died")
        plain, task = system.dead_letters
    assert plain == DeadLetter("hello", "a/b", "stopped", now, "dl-1")
    assert task == DeadLetter(Task("t", 1), "a/b", "poison", now, "dl-2", "it died", evidence)
    assert [(letter.kind, letter.task) for letter in (plain, task)] == [("str", None), ("task", "t")]


async def test_letters_are_counted_by_reason():
    """The counts go on when the letters are not kept any more."""
    async with runtime() as system:
        for number in range(KEPT + 5):
            system.dead_letters.add(number, "a", "stopped")
        system.dead_letters.add("x", "a", "not handled")
        letters = list(system.dead_letters)
        assert (len(letters), letters[0].message, letters[-1].message) == (KEPT, 6, "x")
        assert (len(system.dead_letters), system.dead_letters.dropped) == (KEPT + 6, 6)
        assert system.dead_letters.counts == {"stopped": KEPT + 5, "not handled": 1}


async def test_ten_a_minute_are_reported():
    """Of a flood ten are events; the next report says how many were left out."""
    seen = []
    async with runtime() as system:
        system.observe(seen.append)
        for number in range(25):
            system.dead_letters.add(number, "a", "stopped")
        await asyncio.sleep(61)
        system.dead_letters.add("late", "a", "stopped")
    lost = [event for event in seen if isinstance(event, MessageLost)]
    assert [event.suppressed for event in lost] == [0] * 10 + [15]
    assert (lost[0].path, lost[0].reason, lost[0].message_type, lost[0].letter) == ("a", "stopped", "int", "dl-1")


async def test_the_log_is_spared_too(caplog):
    """A thousand dead letters are ten lines."""
    caplog.set_level(logging.WARNING, "treeward")
    async with runtime() as system:
        for number in range(1000):
            system.dead_letters.add(number, "a", "stopped")
    assert len(caplog.records) == 10
    assert caplog.records[0].reason == "stopped"


async def test_looking_at_the_letters_disturbs_nothing():
    """Letters may come while somebody goes through them."""
    async with runtime() as system:
        letters: DeadLetters = system.dead_letters
        letters.add(1, "a", "x")
        for letter in letters:
            letters.add(letter.message + 1, "a", "x")
        assert len(letters) == 2


class Deaf(Actor):
    """Handles nothing."""


async def ask_stopped(system):
    ref = system.spawn(Deaf)
    await ref.stop()
    with pytest.raises(ActorStopped):
        await ref.ask("lost")


async def left_behind(system):
    ref = system.spawn(Deaf)
    ref.tell("lost")
    await ref.stop()


async def unhandled(system):
    await system.spawn(Deaf).ask("lost")


async def published(system):
    ref = system.spawn(Deaf)
    await ref.stop()
    system.bus.subscribe("lost", ref)
    system.bus.publish("lost", 1)


@pytest.mark.parametrize(
    ("way", "reason"),
    [(ask_stopped, "stopped"), (left_behind, "stopped"), (unhandled, "not handled"), (published, "stopped")],
)
async def test_ways_to_get_lost(way, reason):
    """Whatever way a message is lost, it is one dead letter with the reason."""
    async with runtime() as system:
        await way(system)
        assert [letter.reason for letter in system.dead_letters] == [reason]


# --- list, show, purge ------------------------------------------------------------------------------


def filled(system, *reasons):
    for number, reason in enumerate(reasons, 1):
        system.dead_letters.add(number, "a", reason)
    return system.dead_letters


async def test_letters_are_listed_by_reason():
    """`list` gives those that are kept, oldest first: all, or those of one reason."""
    async with runtime() as system:
        letters = filled(system, "stopped", "poison", "stopped")
        assert [letter.id for letter in letters.list()] == ["dl-1", "dl-2", "dl-3"]
        assert [letter.id for letter in letters.list("stopped")] == ["dl-1", "dl-3"]
        assert letters.list("nothing of the kind") == ()


async def test_one_letter_is_shown():
    """`show` gives a letter by its id."""
    async with runtime() as system:
        assert filled(system, "stopped", "poison").show("dl-2").reason == "poison"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("dl-99", "there is no dead letter 'dl-99': did you mean dl-9?"),
        ("d9", "there is no dead letter 'd9': did you mean dl-9?"),
        ("", "there is no dead letter '': list them to see their ids"),
        ("case-1", "there is no dead letter 'case-1': list them to see their ids"),
        ("dl-²", "there is no dead letter 'dl-²': did you mean dl-9?"),
        ("dl-0", "there is no dead letter 'dl-0': did you mean dl-9?"),
        ("dl-1", "there is no dead letter 'dl-1': it was redriven or purged, or made room for later ones"),
        ("dl-" + "9" * 5000, None),
    ],
)
async def test_a_letter_that_is_not_there(asked, says):
    """An unknown id is an error that says what is near, or that the letter is gone."""
    async with runtime() as system:
        letters = filled(system, *["stopped"] * 9)
        letters.purge("dl-1")
        with pytest.raises(UnknownLetter) as raised:
            letters.show(asked)
        assert raised.value.letter == asked
        assert says is None or str(raised.value) == says
        assert says is None or raised.value.nearest == (("dl-9",) if "mean" in says else ())


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"letter": "dl-2"}, ["dl-1", "dl-3"]),
        ({"reason": "stopped"}, ["dl-2"]),
        ({"reason": "none such"}, ["dl-1", "dl-2", "dl-3"]),
        ({}, []),
    ],
)
async def test_letters_are_thrown_away(asked, left):
    """`purge` throws away one, those of a reason, or all; says how many, and tells it; the counts stay."""
    seen = []
    async with runtime() as system:
        letters = filled(system, "stopped", "poison", "stopped")
        system.observe(seen.append)
        assert letters.purge(**asked) == letters.purged == 3 - len(left)
        assert [letter.id for letter in letters] == left
        assert letters.counts == {"stopped": 2, "poison": 1}
        with pytest.raises(UnknownLetter):
            letters.purge("dl-7")
    told = [(event.count, event.reason) for event in seen if isinstance(event, LettersPurged)]
    assert told == ([(3 - len(left), asked.get("reason"))] if len(left) < 3 else [])


# --- redrive ----------------------------------------------------------------------------------------


class Refused(Exception):
    """An answer that is an error."""


class Clerk(Actor):
    """Does what the message says, and notes what it got."""

    expected = (Refused,)
    got = ()

    async def on_receive(self, message):
        Clerk.got += (message,)
        word = message.input if isinstance(message, Task) else message
        if word == "crash":
            raise ValueError("again")
        if word == "refuse":
            raise Refused("no")
        if word == "hang":
            await asyncio.sleep(3600)
        if word in ("failed", "canceled", "dead_letter", "partial", "needs_human"):
            return Outcome("t", word, error="of this", evidence=Evidence(reason="this"))
        return f"done: {word}"


@pytest.fixture
def clerk(monkeypatch):
    monkeypatch.setattr(Clerk, "got", ())
    return lambda system, **more: system.launch(Factory(Clerk), path="clerk", **more)


async def test_a_letter_is_given_again(clerk):
    """`redrive` gives the message to its recipient, returns the reply, tells it, and the letter is gone."""
    seen = []
    async with runtime() as system:
        clerk(system)
        system.dead_letters.add("hello", "clerk", "mailbox full")
        system.observe(seen.append)
        assert await system.dead_letters.redrive("dl-1") == "done: hello"
        assert (list(system.dead_letters), system.dead_letters.redriven) == ([], 1)
    (told,) = [event for event in seen if isinstance(event, MessageRedriven)]
    assert (told.path, told.letter, told.reason, told.message_type) == ("clerk", "dl-1", "mailbox full", "str")


async def test_a_task_begins_anew(clerk):
    """A redriven task has all its attempts, no feedback and no deadline; its key and its facts stay."""
    dead = Task("t", "x", context={"a": 1}, deadline=1.0, attempt=5, idempotency_key="k", feedback=("bad",))
    async with runtime() as system:
        clerk(system)
        system.dead_letters.add(dead, "clerk", "poison")
        assert await system.dead_letters.redrive("dl-1") == "done: x"
    assert Clerk.got == (Task("t", "x", context={"a": 1}, idempotency_key="k"),)


class Guard:
    def __init__(self):
        self.released = []

    def release(self, key):
        self.released.append(key)

    def oldest(self, now):
        return None


async def test_a_quarantine_is_lifted(clerk):
    """A task that is redriven is released from the quarantine of its recipient before it comes there."""
    async with runtime() as system:
        guard = clerk(system)._cell.guard = Guard()
        system.dead_letters.add(Task("t", "x", idempotency_key="k"), "clerk", "poison")
        system.dead_letters.add("no task", "clerk", "stopped")
        await system.dead_letters.redrive("dl-1")
        await system.dead_letters.redrive("dl-2")
        clerk_cell = system.cells["clerk"]
        clerk_cell.guard = None
    assert guard.released == ["k"]


async def test_a_crash_makes_a_new_letter(clerk):
    """What kills its recipient again is a new letter that says what became of the old one; the caller hears it."""
    evidence = Evidence(reason="before")
    async with runtime() as system:
        clerk(system)
        system.dead_letters.add(Task("t", "crash"), "clerk", "poison", evidence)
        with pytest.raises(ActorCrashed):
            await system.dead_letters.redrive("dl-1")
        (letter,) = system.dead_letters
        assert (letter.id, letter.message, letter.reason, letter.evidence) == (
            "dl-2",
            Task("t", "crash"),
            "failed again",
            evidence,
        )
        assert letter.error.startswith("redriven as dl-1: ActorCrashed: clerk (incarnation 1) crashed")
        assert system.dead_letters.counts == {"poison": 1, "failed again": 1}


@pytest.mark.parametrize(
    ("status", "again"),
    [("failed", True), ("canceled", True), ("dead_letter", True), ("partial", False), ("needs_human", False)],
)
async def test_an_outcome_may_be_a_new_letter(clerk, status, again):
    """A redriven task that fails is a letter again, with its evidence; one that is half done, or a person's, is not."""
    async with runtime() as system:
        clerk(system)
        system.dead_letters.add(Task("t", status), "clerk", "poison")
        assert (await system.dead_letters.redrive("dl-1")).status == status
        found = [(letter.reason, letter.error, letter.evidence.reason) for letter in system.dead_letters]
    assert found == ([("failed again", "redriven as dl-1: of this", "this")] if again else [])


async def test_a_letter_that_is_lost_on_its_way_is_one_letter(clerk):
    """Where the message becomes a dead letter by itself while it is redriven, there is no second one."""
    async with runtime() as system:
        ref = clerk(system, mailbox=MailboxSpec(1, "drop_newest"))
        ref.tell("hang")
        await asyncio.sleep(0)
        ref.tell("fills the mailbox")
        for message in ("hello", Task("t", "hello")):
            system.dead_letters.add(message, "clerk", "stopped")
            letter = list(system.dead_letters)[-1].id
            with pytest.raises(MailboxFull):
                await system.dead_letters.redrive(letter)
        assert [(letter.id, letter.reason) for letter in system.dead_letters] == [
            ("dl-2", "mailbox full"),
            ("dl-4", "mailbox full"),
        ]


async def test_a_mailbox_that_says_no_makes_a_new_letter(clerk):
    """Where the mailbox refuses the message without keeping it, the message is not lost."""
    async with runtime() as system:
        ref = clerk(system, mailbox=MailboxSpec(1, "fail"))
        ref.tell("hang")
        await asyncio.sleep(0)
        ref.tell("fills the mailbox")
        system.dead_letters.add("hello", "clerk", "stopped")
        with pytest.raises(MailboxFull):
            await system.dead_letters.redrive("dl-1")
        assert [(letter.id, letter.reason) for letter in system.dead_letters] == [("dl-2", "failed again")]


async def test_an_error_that_is_an_answer_is_no_letter(clerk):
    """A recipient that answers with an expected error has handled the message."""
    async with runtime() as system:
        clerk(system)
        system.dead_letters.add("refuse", "clerk", "stopped")
        with pytest.raises(Refused):
            await system.dead_letters.redrive("dl-1")
        assert list(system.dead_letters) == []


async def test_a_recipient_that_is_gone(clerk):
    """Where nobody lives at that path any more, the error says so and the letter stays."""
    async with runtime() as system:
        ref = clerk(system)
        await ref.stop()
        system.dead_letters.add("hello", "clerk", "stopped")
        with pytest.raises(CannotRedrive, match="dl-1 cannot be redriven: clerk, which it was for, is gone; purge it"):
            await system.dead_letters.redrive("dl-1")
        assert [letter.id for letter in system.dead_letters] == ["dl-1"]


async def test_a_signal_is_not_given_again(clerk):
    """The runtime's own messages are not redriven: one that asked for an end would end somebody else."""
    async with runtime() as system:
        ref = clerk(system)
        system.dead_letters.add(Stop(), "clerk", "sender abandoned")
        with pytest.raises(CannotRedrive, match="Stop is a signal"):
            await system.dead_letters.redrive("dl-1")
        assert ref.is_alive()
        assert len(system.dead_letters.list()) == 1


async def test_a_redrive_that_is_cancelled_loses_nothing(clerk):
    """Whoever gives up waiting for a redriven message leaves a letter behind."""
    async with runtime() as system:
        clerk(system)
        system.dead_letters.add("hang", "clerk", "stopped")
        waiting = asyncio.ensure_future(system.dead_letters.redrive("dl-1"))
        await asyncio.sleep(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert [(letter.id, letter.message) for letter in system.dead_letters] == [("dl-2", "hang")]


async def test_many_are_given_again(clerk):
    """`redrive_all` gives all, or those of one reason, and returns what became of each by its id."""
    async with runtime() as system:
        clerk(system)
        letters = system.dead_letters
        for message, recipient, reason in (
            ("a", "clerk", "stopped"),
            ("b", "clerk", "poison"),
            ("c", "nobody", "stopped"),
        ):
            letters.add(message, recipient, reason)
        ended = await letters.redrive_all("stopped")
        assert (ended["dl-1"], str(ended["dl-3"])) == (
            "done: a",
            "dl-3 cannot be redriven: nobody, which it was for, is gone; purge it if nobody needs it",
        )
        assert [letter.id for letter in letters] == ["dl-2", "dl-3"]
        assert (await letters.redrive_all())["dl-2"] == "done: b"
        assert [letter.id for letter in letters] == ["dl-3"]


async def test_nothing_is_given_twice(clerk):
    """A letter that is on its way is not there for a second redrive."""
    async with runtime() as system:
        clerk(system)
        system.dead_letters.add("hello", "clerk", "stopped")
        ended = await asyncio.gather(*[system.dead_letters.redrive("dl-1") for _ in range(2)], return_exceptions=True)
        assert ended[0] == "done: hello"
        assert isinstance(ended[1], UnknownLetter)
        assert Clerk.got == ("hello",)
