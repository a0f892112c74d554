"""Factories: how an actor object is made, again and again."""

from __future__ import annotations

import pykka
import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.system import ActorSystem


class Made(Actor):
    given = "class"

    def __init__(self, *args, **kwargs):
        self.args, self.kwargs, self.seen = args, kwargs, self.given

    def on_receive(self, message):
        return self.args, self.kwargs, self.seen


class Foreign(pykka.ThreadingActor):
    pass


def runtime():
    return ActorSystem(blocked_after=None)


async def test_arguments_go_to_the_constructor():
    """Positional ones and named ones, in every incarnation the same."""
    async with runtime() as system:
        assert await system.launch(Factory(Made, (1, 2), {"a": 3})).ask("x") == ((1, 2), {"a": 3}, "class")


async def test_attributes_are_there_before_the_constructor_runs():
    """They override the class's own, for this actor alone."""
    async with runtime() as system:
        given = system.launch(Factory(Made, attributes={"given": "attribute"}))
        assert await given.ask("x") == ((), {}, "attribute")
        assert await system.launch(Factory(Made)).ask("x") == ((), {}, "class")


async def test_a_function_may_make_the_actor():
    """Whatever it does to get at the object."""
    async with runtime() as system:
        assert await system.launch(Factory(lambda *args: Made(*args, "more"), (1,))).ask("x") == (
            (1, "more"),
            {},
            "class",
        )


@pytest.mark.parametrize("start", [None, "Made", Made.given])
def test_what_cannot_be_called_is_no_factory(start):
    """It is refused when it is declared, by what was given."""
    with pytest.raises(TypeError, match=f"start is {start!r}: expected an actor class"):
        Factory(start)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (lambda: 7, "returned int: expected a treeward.Actor"),
        (dict, "dict is no actor class: expected treeward.Actor or pykka.Actor"),
    ],
    ids=["a function of something else", "a class of something else"],
)
async def test_what_is_no_actor_does_not_start(start, words, nursed, until):
    """The start fails, and says what came instead."""
    async with runtime() as system:
        child = nursed(system, start)
        await until(lambda: child.nurse.failures)
        assert words in str(child.nurse.failures[0])


@pytest.mark.parametrize(("cls", "foreign"), [(Made, False), (Foreign, True), (lambda: None, False)])
def test_pykkas_own_classes_are_foreign(cls, foreign):
    """They run in a thread, whatever is said."""
    assert Factory(cls).is_foreign is foreign


EQUAL = [
    (Factory(Made), Factory(Made), True),
    (Factory(Made, (1,), {"a": 2}), Factory(Made, (1,), {"a": 2}), True),
    (Factory(Made, ([],)), Factory(Made, ([],)), True),
    (Factory(Made, (1,)), Factory(Made, (2,)), False),
    (Factory(Made, (), {"a": 1}), Factory(Made), False),
    (Factory(Made), Factory(Foreign), False),
    (Factory(Made), Factory(Made, attributes={"given": 1}), False),
    (Factory(Made), Made, False),
]


@pytest.mark.parametrize(("one", "other", "equal"), EQUAL)
def test_factories_are_values(one, other, equal):
    """Two that make the same are equal, and hash alike, also with arguments that do not hash."""
    assert (one == other) is equal
    if equal:
        assert hash(one) == hash(other)


def test_a_factory_shows_what_it_makes():
    """For people who debug."""
    assert repr(Factory(Made)) == "Factory(Made)"


async def test_an_actor_shows_what_it_is():
    """Class and path."""
    async with runtime() as system:
        ref = system.spawn(Made)
        assert str(ref._cell.actor) == f"Made ({ref.path})"
