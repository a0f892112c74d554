"""SUPERVISION.md section 3: child specs, and starts that decline."""

from __future__ import annotations

import contextlib
import dataclasses
import math

import pykka
import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.mailbox import UNBOUNDED, MailboxSpec
from treeward.runtime.steps import Declined
from treeward.supervisors.dynamic import DynamicSpec, DynamicSupervisor
from treeward.supervisors.errors import InvalidSpec
from treeward.supervisors.spec import ChildSpec, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor


def child(**options):
    return ChildSpec(**{"id": "a", "start": Actor, **options})


def test_defaults_of_a_worker():
    """permanent, 5 s, worker, not significant, any time for the start, on the loop, unbounded."""
    spec = child()
    assert (spec.restart, spec.shutdown, spec.type, spec.significant) == ("permanent", 5.0, "worker", False)
    assert (spec.start_timeout, spec.dispatcher, spec.mailbox) == ("infinity", "loop", UNBOUNDED)


def test_the_default_shutdown_of_a_supervisor_is_infinity():
    """A supervisor gets all the time that its own children need."""
    assert child(type="supervisor", start=Supervisor).shutdown == "infinity"


def test_specs_are_frozen():
    """A spec is a value: whoever has one can rely on it."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        child().restart = "temporary"


@pytest.mark.parametrize("missing", ["id", "start"])
def test_id_and_start_are_required(missing):
    """A child without an id, or without a start, is an error."""
    options = {"id": "a", "start": Actor}
    del options[missing]
    with pytest.raises(TypeError, match=missing):
        ChildSpec(**options)


@pytest.mark.parametrize(
    "options",
    [
        *({"restart": restart} for restart in ("permanent", "transient", "temporary")),
        *({"shutdown": shutdown} for shutdown in ("brutal_kill", "infinity", 0, 0.0, 0.5, 3600)),
        {"type": "worker"},
        {"type": "supervisor", "shutdown": 3},
        {"significant": True, "restart": "transient"},
        {"significant": True, "restart": "temporary"},
        {"significant": False},
        *({"start_timeout": timeout} for timeout in ("infinity", 0.1, 60)),
        {"dispatcher": "thread"},
        {"mailbox": MailboxSpec(10, "drop_oldest")},
    ],
    ids=str,
)
def test_legal_fields(options):
    """What the table calls legal is taken, and kept as it was given."""
    spec = child(**options)
    assert {name: getattr(spec, name) for name in options} == options


@pytest.mark.parametrize(
    ("options", "what", "legal"),
    [
        ({"id": ""}, "child id is ''", "a text without '/'"),
        ({"id": None}, "child id is None", "a text without '/'"),
        ({"id": 3}, "child id is 3", "a text without '/'"),
        ({"id": "a/b"}, "child id is 'a/b'", "a text without '/'"),
        ({"start": None}, "start of 'a' is None", "an actor class"),
        ({"start": "Actor"}, "start of 'a' is 'Actor'", "an actor class"),
        ({"restart": "always"}, "restart of 'a' is 'always'", "permanent, transient, temporary"),
        ({"restart": None}, "restart of 'a' is None", "permanent, transient, temporary"),
        ({"shutdown": -1}, "shutdown of 'a' is -1", "seconds (0 or more), brutal_kill or infinity"),
        ({"shutdown": "kill"}, "shutdown of 'a' is 'kill'", "seconds (0 or more), brutal_kill or infinity"),
        ({"shutdown": True}, "shutdown of 'a' is True", "seconds (0 or more), brutal_kill or infinity"),
        ({"shutdown": math.inf}, "shutdown of 'a' is inf", "seconds (0 or more), brutal_kill or infinity"),
        ({"shutdown": math.nan}, "shutdown of 'a' is nan", "seconds (0 or more), brutal_kill or infinity"),
        ({"type": "agent"}, "type of 'a' is 'agent'", "worker, supervisor"),
        ({"significant": 1, "restart": "transient"}, "significant of 'a' is 1", "true or false"),
        ({"significant": True}, "significant of 'a' is True", "false, since a permanent child"),
        ({"start_timeout": 0}, "start_timeout of 'a' is 0", "seconds, more than 0, or infinity"),
        ({"start_timeout": "never"}, "start_timeout of 'a' is 'never'", "seconds, more than 0, or infinity"),
        ({"dispatcher": "process"}, "dispatcher of 'a' is 'process'", "loop, thread"),
        ({"dispatcher": "thread", "type": "supervisor"}, "dispatcher of 'a' is 'thread'", "loop"),
        ({"mailbox": 10}, "mailbox of 'a' is 10", "a MailboxSpec"),
    ],
)
def test_illegal_fields(options, what, legal):
    """A value that is not legal is an error that has the field, the child, the value and what is legal."""
    with pytest.raises(InvalidSpec) as caught:
        child(**options)
    assert str(caught.value).startswith(f"{what}: expected ")
    assert legal in str(caught.value)


def test_ids_are_unique_within_the_supervisor():
    """A duplicate id is an error that names it."""
    with pytest.raises(InvalidSpec, match="child id is 'a': expected an id that no other child"):
        SupervisorSpec(children=[child(), child(id="b"), child()])


@pytest.mark.parametrize("auto_shutdown", ["never", "any_significant", "all_significant"])
@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
def test_significant_needs_a_restart_that_is_not_permanent_and_an_auto_shutdown(restart, auto_shutdown):
    """Significant is legal only where it can make a difference."""
    legal = restart != "permanent" and auto_shutdown != "never"
    refused = pytest.raises(InvalidSpec, match="significant of 'a' is True: expected false")
    with contextlib.nullcontext() if legal else refused:
        SupervisorSpec(children=[child(restart=restart, significant=True)], auto_shutdown=auto_shutdown)


async def test_all_specs_are_validated_before_any_child_starts(lab):
    """A fault in the last spec keeps the first from starting: there is no supervisor to start it."""
    with pytest.raises(InvalidSpec):
        SupervisorSpec(children=[lab.spec("a"), lab.spec("a")])
    assert lab.trace == []


# --- how to start -----------------------------------------------------------------------------------


class Greeter(Actor):
    def __init__(self, greeting, *, mark="."):
        self.greeting = greeting + mark

    def on_receive(self, message):
        return f"{self.greeting} {message}"


class PlainPykka(pykka.ThreadingActor):
    def on_receive(self, message):
        return message * 2


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(Factory(Greeter, ("hello",), {"mark": "!"}), id="class_with_arguments"),
        pytest.param(lambda: Greeter("hello", mark="!"), id="function"),
        pytest.param(Factory(lambda word: Greeter(word, mark="!"), ("hello",)), id="function_with_arguments"),
    ],
)
async def test_start_is_an_actor_class_and_its_arguments_or_a_factory(lab, start):
    """Each way to say how a child starts makes one that answers, and makes it anew at a restart."""
    async with lab.run(child(start=start)) as top:
        assert await top.child("a").ask("you") == "hello! you"
        await top.kill("a")
        assert await top.child("a").ask("again") == "hello! again"


@pytest.mark.realtime
async def test_start_may_be_a_pykka_actor(lab):
    """Any existing `pykka.ThreadingActor` can be a child as it is."""
    async with lab.run() as top:
        ref = await top.start_child(child(start=PlainPykka))
        assert await ref.ask(21) == 42


async def test_a_factory_that_makes_no_actor_fails_to_start(lab):
    """What is no actor is a failed start, not a crash of the supervisor."""
    async with lab.run() as top:
        with pytest.raises(Exception, match=r"failed to start: TypeError: .*returned str"):
            await top.start_child(child(start=lambda: "no actor"))
        assert top.ref.is_alive()


# --- starts that decline ----------------------------------------------------------------------------


@pytest.mark.parametrize("restart", ["permanent", "transient"])
async def test_a_declined_start_keeps_the_spec_as_stopped(lab, restart):
    """A child that declines at the supervisor's start is `stopped`; the others start."""
    lab.decline("a")
    async with lab.run(lab.spec("a", restart=restart), lab.spec("b")) as top:
        assert await top.states() == {"a": "stopped", "b": "running"}
        assert not top.child("a").is_alive()


async def test_a_declined_start_of_a_temporary_child_drops_the_spec(lab):
    """A temporary child that declines at the supervisor's start is gone."""
    lab.decline("a")
    async with lab.run(lab.spec("a", restart="temporary"), lab.spec("b")) as top:
        assert await top.states() == {"b": "running"}
        assert top.child("a") is None


@pytest.mark.parametrize("restart", ["permanent", "transient"])
async def test_start_child_of_one_that_declines_keeps_the_spec(lab, restart):
    """`start_child` returns the ref of a child that declined, which is `stopped`."""
    lab.decline("a")
    async with lab.run() as top:
        ref = await top.start_child(lab.spec("a", restart=restart))
        assert ref == top.child("a")
        assert await top.states() == {"a": "stopped"}


async def test_start_child_of_a_temporary_one_that_declines_returns_none(lab):
    """There is nothing to refer to: the spec is dropped."""
    lab.decline("a")
    async with lab.run() as top:
        assert await top.start_child(lab.spec("a", restart="temporary")) is None
        assert await top.states() == {}


async def test_restart_child_of_one_that_declines_leaves_it_stopped(lab):
    """`restart_child` of a child that declines changes nothing."""
    async with lab.run(lab.spec("a")) as top:
        await top.terminate_child("a")
        lab.decline("a")
        assert await top.restart_child("a") == top.child("a")
        assert await top.states() == {"a": "stopped"}


@pytest.mark.parametrize("template", [True, False])
async def test_a_start_that_declines_in_a_dynamic_supervisor_is_dropped(lab, template):
    """A dynamic supervisor keeps nothing of a child that declined, and returns no ref."""
    lab.decline("w")
    spec = DynamicSpec(child=lab.spec("w") if template else None)
    async with lab.run(kind=DynamicSupervisor, spec=spec) as top:
        started = top.start_another() if template else top.start_child(lab.spec("w"))
        assert await started is None
        assert await top.states() == {}


async def test_a_constructor_may_decline_too(lab):
    """`Declined` out of the constructor says the same as out of `on_start`."""

    def factory():
        raise Declined

    async with lab.run(child(start=factory)) as top:
        assert await top.states() == {"a": "stopped"}
