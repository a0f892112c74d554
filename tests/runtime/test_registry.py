"""The registry: unique names, groups, capabilities; gone with the incarnation that entered them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.runtime.actor import Actor
from treeward.runtime.errors import ActorCrashed, NameTaken
from treeward.runtime.registry import Registry
from treeward.runtime.system import ActorSystem


def runtime():
    return ActorSystem(blocked_after=None)


class Named(Actor):
    def __init__(self, name="desk", fault=None):
        self.name, self.fault = name, fault

    def on_start(self):
        self.register(self.name)
        self.join("desks")
        self.offer("refund")
        if self.fault is not None:
            raise self.fault

    def on_receive(self, message):
        if isinstance(message, BaseException):
            raise message
        return self.incarnation


def entries(system):
    registry = system.registry
    return registry.name("desk"), registry.group("desks"), registry.capable("refund"), registry.capabilities()


async def test_what_an_actor_enters():
    """Its name, its groups and its capabilities lead to its ref."""
    async with runtime() as system:
        ref = system.spawn(Named)
        assert entries(system) == (ref, (ref,), (ref,), ("refund",))


async def test_nobody_and_nothing():
    """An unknown word leads to nobody."""
    async with runtime() as system:
        assert entries(system) == (None, (), (), ())


ENDS = {
    "stop": lambda ref: ref.stop(),
    "crash": lambda ref: ref.ask(ValueError()),
    "kill": lambda ref: ref._cell.kill(),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_entries_go_when_their_owner_ends(end):
    """However it ends: by a stop, by a crash, by a kill."""
    async with runtime() as system:
        ref = system.spawn(Named)
        ending = end(ref)
        if ending is not None:
            with contextlib.suppress(ActorCrashed):
                await ending
        assert entries(system) == (None, (), (), ())


async def test_entries_go_when_the_start_fails():
    """What on_start entered before it failed is taken out."""
    async with runtime() as system:
        system.spawn(Named, fault=ValueError())
        assert entries(system) == (None, (), (), ())
        assert system.spawn(Named).is_alive()
        assert system.registry.name("desk") is not None


async def test_a_restarted_actor_enters_itself_again(nursed):
    """The next incarnation takes the name of the last one; the entries are there once."""
    async with runtime() as system:
        child = nursed(system, Named)
        child.ref.tell(ValueError())
        assert await child.ref.ask("x") == 2
        assert entries(system) == (child.ref, (child.ref,), (child.ref,), ("refund",))


async def test_a_name_is_its_owners_alone():
    """A second owner is refused by name and by path; the first keeps it."""
    async with runtime() as system:
        first = system.spawn(Named)
        second = system.spawn(Named)
        assert not second.is_alive()
        assert isinstance(second._cell.end, NameTaken)
        assert (second._cell.end.name, second._cell.end.owner) == ("desk", first.path)
        assert system.registry.name("desk") == first


async def test_the_owner_may_say_its_name_again():
    """To register what one has is no error."""
    async with runtime() as system:
        ref = system.spawn(Named)
        system.registry.register("desk", ref)
        assert system.registry.name("desk") == ref


async def test_a_name_that_was_freed_can_be_taken_by_another():
    """The end of its former owner does not take it away from the new one."""
    async with runtime() as system:
        first = system.spawn(Named)
        system.registry.unregister("desk")
        second = system.spawn(Named)
        await first.stop()
        assert system.registry.name("desk") == second


async def test_order_is_that_of_joining():
    """Groups and capabilities list their members in the order in which they came."""
    async with runtime() as system:
        refs = [system.spawn(Named, f"desk {number}") for number in range(5)]
        await refs[2].stop()
        del refs[2]
        assert list(system.registry.group("desks")) == list(system.registry.capable("refund")) == refs


WORDS = st.sampled_from("abc")
VERBS = st.sampled_from(["register", "unregister", "join", "leave", "offer", "release"])
STEPS = st.lists(st.tuples(VERBS, WORDS, WORDS))


class Dummy:
    """Stands for a ref."""

    def __init__(self, path):
        self.path = path


@given(STEPS)
def test_against_a_model(steps):  # noqa: C901, PLR0915 - a model in one piece
    """Under any sequence of entries and releases the registry is what three dictionaries are, and keeps nothing."""
    registry, refs = Registry(), {word: Dummy(word) for word in "abc"}
    names, groups, capable = {}, {}, {}
    for verb, word, who in steps:
        ref = refs[who]
        match verb:
            case "register" if names.get(word, ref) is not ref:
                with pytest.raises(NameTaken):
                    registry.register(word, ref)
            case "register":
                registry.register(word, ref)
                names[word] = ref
            case "unregister":
                registry.unregister(word)
                names.pop(word, None)
            case "join":
                registry.join(word, ref)
                groups.setdefault(word, {})[ref] = None
            case "leave":
                registry.leave(word, ref)
                groups.get(word, {}).pop(ref, None)
            case "offer":
                registry.offer(word, ref)
                capable.setdefault(word, {})[ref] = None
            case "release":
                registry.release(ref)
                names = {word: owner for word, owner in names.items() if owner is not ref}
                for members in [*groups.values(), *capable.values()]:
                    members.pop(ref, None)
        for one in "abc":
            assert registry.name(one) is names.get(one)
            assert registry.group(one) == tuple(groups.get(one, ()))
            assert registry.capable(one) == tuple(capable.get(one, ()))
        assert registry.capabilities() == tuple(sorted(word for word, members in capable.items() if members))
    for ref in refs.values():
        registry.release(ref)
    assert registry._entries == {}
    assert registry._tables == {"name": {}, "group": {}, "capability": {}}
