"""Publish and subscribe: topic patterns, delivery, and the end of subscriptions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.runtime.actor import Actor
from treeward.runtime.bus import ROUTES_KEPT, Published, matches
from treeward.runtime.system import ActorSystem

MATCHES = [
    ("task.done", "task.done", True),
    ("task.done", "task.failed", False),
    ("task.done", "task", False),
    ("task.done", "task.done.billing", False),
    ("task.*", "task.done", True),
    ("task.*", "task", False),
    ("task.*", "task.done.billing", False),
    ("*.done", "task.done", True),
    ("task.*.billing", "task.done.billing", True),
    ("task.#", "task", True),
    ("task.#", "task.done", True),
    ("task.#", "task.done.billing", True),
    ("#", "anything.at.all", True),
    ("#.billing", "billing", True),
    ("#.billing", "task.done.billing", True),
    ("#.billing", "task.billing.done", False),
    ("a.#.z", "a.z", True),
    ("a.#.z", "a.b.c.z", True),
    ("a.#.#.z", "a.b.z", True),
    ("#.*", "a", True),
    ("*.#.*", "a", False),
    ("task.d*", "task.done", False),
]


@pytest.mark.parametrize(("pattern", "topic", "covered"), MATCHES)
def test_patterns(pattern, topic, covered):
    """`*` is exactly one word, `#` any number of words, everything else itself."""
    assert matches(pattern, topic) is covered


WORDS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=6)
PATTERN = st.lists(st.sampled_from(["a", "b", "c", "*", "#"]), min_size=1, max_size=6)


def reference(pattern, topic):
    """A matcher of another make: the pattern as a regular expression over words that each end with a dot."""
    parts = {"*": r"[^.]+\.", "#": r"(?:[^.]+\.)*"}
    expression = "".join(parts.get(word, re.escape(word) + r"\.") for word in pattern)
    return re.fullmatch(expression, "".join(f"{word}." for word in topic)) is not None


@given(PATTERN, WORDS)
def test_matching_against_a_reference(pattern, topic):
    """On any pattern and topic the matcher agrees with one made of regular expressions."""
    assert matches(".".join(pattern), ".".join(topic)) is reference(pattern, topic)


@pytest.mark.parametrize("words", [10, 1000])
def test_no_pattern_is_slow(words):
    """A pattern that makes backtracking matchers explode takes a moment."""
    assert not matches(".".join(["#", "a"] * 20), ".".join(["a"] * words) + ".b")


@pytest.mark.parametrize("pattern", ["", ".", "a..b", ".a", "a."])
async def test_empty_words_are_no_patterns(pattern):
    """A pattern that could never be meant is an error that shows a good one."""
    async with ActorSystem(blocked_after=None) as system:
        ref = system.spawn(Actor)
        with pytest.raises(ValueError, match=re.escape(f"{pattern!r}: expected words joined by dots")):
            system.bus.subscribe(pattern, ref)


class Listener(Actor):
    def __init__(self, *patterns, heard=None):
        self.patterns = patterns
        self.heard = [] if heard is None else heard

    def on_start(self):
        for pattern in self.patterns:
            self.subscribe(pattern)

    def on_receive(self, message):
        if isinstance(message, BaseException):
            raise message
        self.heard.append(message)
        return self.heard


class Speaker(Actor):
    def on_receive(self, message):
        return self.publish(*message)


def runtime():
    return ActorSystem(blocked_after=None)


async def heard(ref):
    return [message for message in await ref.ask("heard") if message != "heard"]


async def test_subscribers_get_what_their_patterns_cover():
    """Each gets topic and payload, once however many of its patterns fit; the publisher hears how many got it."""
    async with runtime() as system:
        one, other = system.spawn(Listener, "task.#", "task.*"), system.spawn(Listener, "note")
        speaker = system.spawn(Speaker)
        assert await speaker.ask(("task.done", {"id": 1})) == 1
        assert await speaker.ask(("note", 2)) == 1
        assert await speaker.ask(("silence", 3)) == 0
        assert await heard(one) == [Published("task.done", {"id": 1})]
        assert await heard(other) == [Published("note", 2)]


async def test_order_is_that_of_publishing():
    """A subscriber gets messages in the order in which they were published."""
    async with runtime() as system:
        listener = system.spawn(Listener, "#")
        for number in range(100):
            system.bus.publish(f"topic.{number % 3}", number)
        assert [message.payload for message in await heard(listener)] == list(range(100))


async def test_subscriptions_end():
    """By `unsubscribe`, and with the incarnation."""
    async with runtime() as system:
        kept, gone = system.spawn(Listener, "a", "b"), system.spawn(Listener, "a", "b")
        system.bus.unsubscribe("a", kept)
        system.bus.unsubscribe("never", kept)
        await gone.stop()
        assert system.bus.publish("a", 1) == 0
        assert system.bus.publish("b", 2) == 1
        assert await heard(kept) == [Published("b", 2)]
        system.bus.unsubscribe("b", kept)
        assert system.bus._subscribers == {}


async def test_a_restarted_actor_subscribes_anew(nursed):
    """The next incarnation has its own subscriptions, once."""
    kept = []
    async with runtime() as system:
        child = nursed(system, Listener, "a", heard=kept)
        child.ref.tell(ValueError())
        await child.ref.ask("x")
        assert system.bus.publish("a", 1) == 1
        await child.ref.ask("x")
    assert kept == ["x", Published("a", 1), "x"]


async def test_a_new_subscriber_of_a_known_topic_gets_it():
    """What was found for a topic before is looked up again when subscriptions change."""
    async with runtime() as system:
        assert system.bus.publish("a", 1) == 0
        system.spawn(Listener, "a")
        assert system.bus.publish("a", 2) == 1


async def test_topics_without_end_are_not_kept():
    """A publisher that makes up topics does not fill the memory."""
    async with runtime() as system:
        system.spawn(Listener, "#")
        for number in range(ROUTES_KEPT + 10):
            system.bus.publish(f"t.{number}", None)
        assert len(system.bus._routes) <= ROUTES_KEPT
