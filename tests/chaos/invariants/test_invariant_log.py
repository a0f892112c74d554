"""The log of a run: what it takes, what it finds, and what it holds in memory."""

import gc
import weakref
from dataclasses import dataclass

from treeward.chaos.faults.fired import Fired
from treeward.chaos.invariants.log import Entry, Log
from treeward.runtime.exits import Exit
from treeward.runtime.telemetry import ActorEnded, ActorStarted
from treeward.supervisors.requests import ChildRestarting

DROP = Fired("mailbox.put-1", 3, "drop", "drop", "mailbox.put", "team/writer", 1, 2.0, "t1")


def written():
    log = Log(lambda: 3.0)
    log.event(ActorStarted("team/writer", 1, 0.0))
    log.event(ActorEnded("team/writer", 1, 1.0, ValueError("boom")))
    log.event(ChildRestarting("team/writer", 1, 1.0, Exit.KILLED, 0.5, ("writer",)))
    log.fired(DROP)
    log.event(ActorStarted("team/crew/clerk", 2, 2.5))
    log.note("healed", by="hand")
    return log


def test_order():
    """Events, faults and notes stand in the order in which they were seen, each with its name."""
    names = [entry.what for entry in written()]
    assert names == ["actor.started", "actor.ended", "child.restarting", "fault", "actor.started", "healed"]
    assert len(written()) == 6


def test_by_name():
    """A name alone finds all that is called so, and nothing else."""
    log = written()
    assert log.count("actor.started") == 2
    assert [entry.path for entry in log.on("actor.started")] == ["team/writer", "team/crew/clerk"]
    assert log.count("actor") == 0


def test_by_path():
    """A path is exact; `*` is one id, `**` any number of them, and an id alone means it wherever it is."""
    log = written()
    found = {
        pattern: log.count("actor.started", path=pattern)
        for pattern in ("team/writer", "team/*", "team/**", "**/clerk", "writer", "crew", "team/writ")
    }
    assert found == {
        "team/writer": 1,
        "team/*": 1,
        "team/**": 2,
        "**/clerk": 1,
        "writer": 1,
        "crew": 0,
        "team/writ": 0,
    }


def test_by_facts():
    """Facts are the fields of an event or a fault, and have to be equal; one that is not there matches nothing."""
    log = written()
    assert log.count("child.restarting", delay=0.5, group=("writer",)) == 1
    assert log.count("child.restarting", delay=0.6) == 0
    assert log.count("fault", kind="drop", subject="t1") == 1
    assert log.count("actor.started", kind="drop") == 0
    assert log.count() == 6


def test_reasons_are_texts():
    """Reasons of ends are texts, whether they are exceptions or not, so that they can be asked for."""
    log = written()
    assert log.first("actor.ended").facts == {"reason": "ValueError: boom"}
    assert log.count("child.restarting", reason="killed") == 1
    assert log.first("nothing") is None


def test_tail():
    """The tail is the last entries, oldest first; it may be longer than the log."""
    log = written()
    assert [entry.what for entry in log.tail(2)] == ["actor.started", "healed"]
    assert len(log.tail(100)) == 6
    assert log.tail(0) == []


def test_timeline():
    """The timeline has one line an entry, with the time, who it is, which life, and what else is known."""
    lines = written().timeline().splitlines()
    assert lines[1] == "    1.000000 actor.ended team/writer#1 reason=ValueError: boom"
    assert lines[5] == "    3.000000 healed by=hand"
    assert written().timeline(1) == lines[5]


def test_long_facts_are_cut():
    """A fact that is too long for a line is cut."""
    assert len(str(Entry(0.0, "note", facts={"text": "x" * 1000}))) < 200


def test_errors_are_let_go():
    """The log keeps no exception, and so nothing of what was on its stack."""

    @dataclass(eq=False)
    class Big:
        size: int = 1

    def end(log):
        big = Big()
        try:
            raise ValueError(f"with something of size {big.size}")
        except ValueError as error:
            log.event(ActorEnded("team/writer", 1, 1.0, error))
        return weakref.ref(big)

    log = Log()
    gone = end(log)
    gc.collect()
    assert gone() is None
    assert log.count("actor.ended") == 1


def test_end():
    """After its end, a log tells the last time for notes, and does not ask for it any more."""
    times = [1.0, 2.0]
    log = Log(lambda: times.pop(0))
    log.note("first")
    log.end()
    log.note("second")
    log.note("third")
    assert [entry.at for entry in log] == [1.0, 2.0, 2.0]
