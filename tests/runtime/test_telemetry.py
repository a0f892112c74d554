"""Events and log lines: typed, with path and incarnation, and silent where the host does not ask."""

from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys

import pytest
import structlog

from treeward.runtime.actor import Actor
from treeward.runtime.dead_letters import MessageLost
from treeward.runtime.exits import Exit
from treeward.runtime.system import ActorSystem
from treeward.runtime.telemetry import ActorEnded, ActorStarted, Event, HookFailed, make_logger


def runtime():
    return ActorSystem(blocked_after=None)


class Noisy(Actor):
    def on_receive(self, message):
        if isinstance(message, BaseException):
            raise message
        return message(self)


# --- observers --------------------------------------------------------------------------------------


async def test_observers_get_every_event_until_they_are_taken_back():
    """Each observer sees each event, in order; `observe` returns what ends it."""
    one, other = [], []
    async with runtime() as system:
        forget = system.observe(one.append)
        system.observe(other.append)
        system.spawn(Noisy)
        forget()
        forget()
        await system.spawn(Noisy).stop()
    assert [event.name for event in one] == ["actor.started"]
    assert [event.name for event in other][:3] == ["actor.started", "actor.started", "actor.ended"]


async def test_an_observer_that_raises_is_reported_and_changes_nothing(caplog):
    """The other observers and the actors go on; the log names the observer and the event."""
    seen = []

    def broken(event):
        raise ValueError("observer is broken")

    async with runtime() as system:
        system.observe(broken)
        system.observe(seen.append)
        await system.spawn(Noisy).stop()
    assert [event.name for event in seen] == ["actor.started", "actor.ended"]
    (record, *_) = caplog.records
    assert (record.msg, record.event_name, record.error) == (
        "observer.failed",
        "actor.started",
        "ValueError: observer is broken",
    )
    assert "broken" in record.observer


@pytest.mark.parametrize(
    ("event", "details"),
    [
        (ActorStarted("a", 1, 0.5), {}),
        (ActorEnded("a", 1, 0.5, Exit.NORMAL), {"reason": "normal"}),
        (ActorEnded("a", 1, 0.5, ValueError("x")), {"reason": "ValueError: x"}),
        (HookFailed("a", 1, 0.5, "on_stop", KeyError("k")), {"hook": "on_stop", "error": "KeyError: 'k'"}),
        (
            MessageLost("a", 0, 0.5, "stopped", "Task", 3, "dl-7"),
            {"reason": "stopped", "message_type": "Task", "suppressed": 3, "letter": "dl-7"},
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Event) else "",
)
def test_events_are_frozen_values_with_plain_details(event, details):
    """An event cannot be changed, and what it says beside path, incarnation and time is plain data."""
    assert event.details() == details
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.path = "b"


def test_every_event_has_a_name_and_a_level():
    """No two kinds share a name."""
    kinds = [kind for kind in Event.__subclasses__() if vars(sys.modules[kind.__module__])[kind.__name__] is kind]
    names = [kind.name for kind in kinds]
    assert len(set(names)) == len(names)
    assert "event" not in names
    assert all(kind.level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR) for kind in kinds)


# --- the log ----------------------------------------------------------------------------------------


async def test_log_lines_carry_path_and_incarnation(caplog, nursed):
    """What an actor logs says who it is, and which life of it."""
    caplog.set_level(logging.INFO, "treeward")
    async with runtime() as system:
        child = nursed(system, Noisy)
        await child.ref.ask(lambda actor: actor.log.info("hello", case=7))
        child.ref.tell(ValueError())
        await child.ref.ask(lambda actor: actor.log.info("again"))
    lines = [(r.msg, r.actor, r.incarnation) for r in caplog.records if r.msg in ("hello", "again")]
    assert lines == [("hello", child.ref.path, 1), ("again", child.ref.path, 2)]
    assert next(r.case for r in caplog.records if r.msg == "hello") == 7


async def test_log_lines_carry_what_is_bound(caplog):
    """Task and trace ids that were bound to the context are on each line."""

    def log_bound(actor):
        with structlog.contextvars.bound_contextvars(task="t1", trace="r1"):
            actor.log.warning("working")

    async with runtime() as system:
        await system.spawn(Noisy).ask(log_bound)
    (record,) = (record for record in caplog.records if record.msg == "working")
    assert (record.task, record.trace) == ("t1", "r1")


async def test_events_are_log_lines(caplog):
    """Each event is a line of its level, with its details as attributes."""
    caplog.set_level(logging.DEBUG, "treeward")
    async with runtime() as system:
        ref = system.spawn(Noisy)
        await ref.stop()
    lines = [(record.msg, record.levelname, record.actor) for record in caplog.records]
    assert lines == [("actor.started", "DEBUG", ref.path), ("actor.ended", "DEBUG", ref.path)]
    assert caplog.records[1].reason == "shutdown"


@pytest.mark.parametrize(
    "field", ["name", "message", "args", "msg", "levelname", "module", "thread", "asctime", "process"]
)
def test_fields_that_a_record_has_anyway(field, caplog):
    """A field of such a name does not make logging raise: it gets an underscore."""
    make_logger().warning("hello", **{field: "mine"})
    (record,) = caplog.records
    assert getattr(record, f"{field}_") == "mine"
    assert record.msg == "hello"


def test_positional_arguments_and_errors(caplog):
    """Lines may be formatted as in logging, and carry the error in hand."""
    log = make_logger()
    try:
        raise KeyError("k")
    except KeyError:
        log.exception("hello %s", "you")
    (record,) = caplog.records
    assert record.msg == "hello you"
    assert record.exc_info[0] is KeyError


def test_the_hosts_structlog_settings_do_not_matter(caplog):
    """A host that configures structlog otherwise changes nothing here."""
    before = structlog.get_config()
    structlog.configure(processors=[lambda *_: pytest.fail("the host's")], cache_logger_on_first_use=True)
    try:
        make_logger().warning("hello", a=1)
    finally:
        structlog.configure(**before)
    assert caplog.records[0].a == 1


SILENT = """
import asyncio
from treeward.runtime.actor import Actor
from treeward.runtime.system import ActorSystem

class Loud(Actor):
    def on_receive(self, message):
        self.log.error("loud")
        raise ValueError

async def main():
    async with ActorSystem() as system:
        system.observe(lambda event: 1 / 0)
        system.spawn(Loud).tell("x")
        await asyncio.sleep(0.05)

asyncio.run(main())
"""


def test_embedded_it_is_silent():
    """Crashes, errors, dead letters and broken observers write nothing where the host has not set up logging."""
    run = subprocess.run([sys.executable, "-c", SILENT], capture_output=True, text=True, timeout=30, check=True)
    assert (run.stdout, run.stderr) == ("", "")


def test_the_hosts_handler_gets_the_lines():
    """One line of the host's makes it speak."""
    code = "import logging; logging.basicConfig(format='%(name)s %(message)s %(actor)s')\n" + SILENT
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert "treeward loud loud-1" in run.stderr
