"""The table of actions: where each is legal, what it takes, and what is refused."""

import asyncio
import builtins
import importlib
import pkgutil
import random

import pytest

from treeward.chaos.plans.actions import ACTIONS, arguments_of, drawn, kind_of, legal_at, program_at
from treeward.chaos.plans.amounts import Rate, Span
from treeward.chaos.plans.arguments import EXCEPTIONS
from treeward.chaos.plans.grammar import InvalidProgram, parse, parse_action
from treeward.chaos.plans.points import CALLS, PLACES, SENDS, TIMED
from treeward.runtime.faults import POINTS

EVERY_CALL = "off crash hang slow block leak"
EVERY_SEND = "off corrupt drop duplicate delay reorder"
LEGAL = {
    "actor.start": EVERY_CALL,
    "actor.handle": f"{EVERY_CALL} corrupt delegate poison",
    "actor.stop": EVERY_CALL,
    "judge": f"{EVERY_CALL} corrupt lie",
    "tool.call": f"{EVERY_CALL} corrupt",
    "tool.serve": f"{EVERY_CALL} corrupt",
    "mailbox.put": EVERY_SEND,
    "reply": EVERY_SEND,
    "timer": EVERY_SEND,
    "bus.publish": EVERY_SEND,
    "actor": "off kill stop",
    "mailbox": "off flood",
    "clock": "off jump freeze suspend",
    "loop": "off block",
}


def test_each_place_has_its_actions():
    """Which actions are legal where is one table."""
    assert {place: {kind.name for kind in legal_at(place)} for place in PLACES} == {
        place: set(names.split()) for place, names in LEGAL.items()
    }


def test_all_points_of_the_product_are_places():
    """Every point that any room declares can be named in a plan, with its shape and its words."""
    for room in ("runtime", "supervisors", "agents", "trees"):
        package = importlib.import_module(f"treeward.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    assert {(p.name, p.shape, p.what, p.subject) for p in POINTS.values()} == {
        (place.name, place.shape, place.what, place.subject) for place in PLACES.values() if place.shape != "timed"
    }
    assert (*CALLS, *SENDS, *TIMED) == tuple(sorted(PLACES, key=lambda name: (*CALLS, *SENDS, *TIMED).index(name)))


def test_a_subject_is_a_key_of_where():
    """What tells visits of a point apart can be said under `where`."""
    assert all(place.subject in place.keys for place in PLACES.values() if place.subject)


ARGUMENTS = [
    ("crash", {"error": "InjectedCrash", "message": "", "when": "before", "after": None}),
    ("crash(SystemExit)", {"error": "SystemExit", "message": "", "when": "before", "after": None}),
    ('crash(OSError, "no disk")', {"error": "OSError", "message": "no disk", "when": "before", "after": None}),
    ("crash(when=after)", {"error": "InjectedCrash", "message": "", "when": "after", "after": None}),
    ("crash(after=2)", {"error": "InjectedCrash", "message": "", "when": "during", "after": 2}),
    ("crash(a.b:C, when=during, after=2s)", {"error": "a.b:C", "message": "", "when": "during", "after": Span(2, 2)}),
    ("hang", {"how": None}),
    ("hang(deaf)", {"how": "deaf"}),
    ("slow(1s..5s)", {"time": Span(1, 5)}),
    ("slow(2)", {"time": Span(2, 2)}),
    ("block(200ms)", {"time": Span(0.2, 0.2)}),
    ("corrupt", {"kind": "random"}),
    ("corrupt(stale)", {"kind": "stale"}),
    ("leak(1MB)", {"size": 10**6}),
    ("leak(4096)", {"size": 4096}),
    ("poison", {"error": "InjectedCrash"}),
    ("duplicate", {"times": 2}),
    ("duplicate(times=5)", {"times": 5}),
    ("reorder", {"within": Span(1, 1)}),
    ("flood(100/s, 5s)", {"rate": Rate(100), "lasts": Span(5, 5)}),
    ("flood(lasts=5s, rate=30/m)", {"rate": Rate(0.5), "lasts": Span(5, 5)}),
    ("jump(-1h)", {"by": Span(-3600, -3600)}),
    ("jump(±1h)", {"by": Span(-3600, 3600)}),
    ("drop", {}),
]


@pytest.mark.parametrize(("text", "arguments"), ARGUMENTS)
def test_arguments_come_by_name_with_their_defaults(text, arguments):
    """Whether they stand in their order or have a name, all arguments are there."""
    assert arguments_of(parse_action(text)) == arguments


WRONG = [
    ("actor.handle", "crsh", 1, "'crsh' is no action", "did you mean 'crash'?"),
    ("actor.handle", "30%->crash->hng", 13, "'hng' is no action", "did you mean 'hang'?"),
    ("mailbox.put", "crash", 1, "crash makes no sense at mailbox.put", "crash is for actor.start, actor.handle, "),
    ("actor.handle", "drop | crash", 1, "drop makes no sense at actor.handle", "drop is for mailbox.put, reply, "),
    ("clock", "block(1s)", 1, "block makes no sense at clock", "block is for "),
    ("actor", "drp", 1, "'drp' is no action", "did you mean 'drop'?"),
    ("reply", "delay", 1, "delay needs time", "time is how long"),
    ("mailbox", "flood(100/s)", 1, "flood needs lasts", "lasts is how long it goes on"),
    ("reply", "delay(1s, 2s)", 11, "delay takes 1 argument", ""),
    ("reply", "drop(1)", 6, "drop takes no arguments", ""),
    ("reply", "delay(tme=1s)", 11, "delay has no argument 'tme'", "did you mean 'time'?"),
    ("reply", "delay(1s, time=1s)", 16, "the argument 'time' is given twice", ""),
    ("reply", "delay(0s)", 7, "time is 0s", ""),
    ("reply", "delay(-5s..5s)", 7, "time is -5s..5s", ""),
    ("reply", "delay(soon)", 7, "time is 'soon'", ""),
    ("reply", "duplicate(1)", 11, "times is 1", ""),
    ("reply", "duplicate(2.5)", 11, "times is 2.5", ""),
    ("reply", "corrupt(wrng_type)", 9, "kind is 'wrng_type'", "did you mean 'wrong_type'?"),
    ("actor.handle", "hang(daef)", 6, "how is 'daef'", "did you mean 'deaf'?"),
    ("actor.handle", "leak(2GB)", 6, "size is 2GB", ""),
    ("actor.handle", "leak(big)", 6, "size is 'big'", ""),
    ("actor.handle", "crash(ValueEror)", 7, "error is 'ValueEror'", "did you mean 'ValueError'?"),
    ("actor.handle", "crash(KeyboardInterrupt)", 7, "error is 'KeyboardInterrupt'", ""),
    ("actor.handle", "crash(str)", 7, "error is 'str'", ""),
    ("actor.handle", "crash(message=3)", 15, "message is 3", ""),
    ("actor.handle", "crash(when=before, after=2)", 26, "after is given, but when is before", ""),
    ("actor.handle", "crash(after=0)", 13, "after is 0", ""),
    ("mailbox", "flood(100, 5s)", 7, "rate is 100", ""),
    ("mailbox", "flood(1000000/s, 5s)", 7, "rate is 1000000/s", ""),
    ("clock", "jump(0s)", 6, "by is 0s", ""),
]


@pytest.mark.parametrize(("place", "text", "character", "what", "hint"), WRONG)
def test_what_makes_no_sense_is_refused(place, text, character, what, hint):
    """An unknown action, one at a place where it makes no sense, and a wrong argument are errors with their place."""
    with pytest.raises(InvalidProgram) as caught:
        program_at(place, text)
    error = caught.value
    assert (error.position + 1, error.what) == (character, what)
    assert error.hint.startswith(hint)
    assert error.legal


def test_all_legal_actions_are_accepted_where_they_are_legal():
    """Each action can be written with what it needs, at each of its places, and only there."""
    needed = {"slow": "(1s)", "block": "(1s)", "leak": "(1MB)", "delay": "(1s)", "flood": "(1/s, 1s)"}
    needed |= dict.fromkeys(("jump", "freeze", "suspend"), "(1s)")
    for kind in ACTIONS.values():
        text = kind.name + needed.get(kind.name, "")
        for place in PLACES:
            if place in kind.at:
                assert program_at(place, text) == parse(text)
            else:
                with pytest.raises(InvalidProgram):
                    program_at(place, text)


def test_a_range_is_drawn_once():
    """An action that happens has one duration in the place of each range; its text says which."""
    source = random.Random(3)
    action = parse_action("crash(ValueError, when=during, after=1s..5s)")
    once = drawn(action, source)
    assert str(once).startswith("crash(ValueError, when=during, after=")
    assert 1 <= arguments_of(once)["after"].low <= 5
    assert arguments_of(once)["after"].is_fixed
    assert drawn(once, source) == once
    assert parse_action(str(once)) == once


KINDS = [
    ("crash", "actor.handle", "one", "crash"),
    ("crash", "actor.start", "one", "crash in start"),
    ("crash", "actor.stop", "one", "crash in stop"),
    ("crash", "judge", "one", "judge that fails"),
    ("hang", "judge", "one", "judge that hangs"),
    ("hang", "tool.call", "one", "hang"),
    ("hang(deaf)", "actor.handle", "one", "hang that ignores cancellation"),
    ("lie", "judge", "one", "judge that lies"),
    ("corrupt", "reply", "one", "corrupted output"),
    ("corrupt", "mailbox.put", "one", "corrupted message"),
    ("kill", "actor", "one", "kill"),
    ("kill", "actor", "all", "restart storm"),
    ("block(1s)", "loop", "one", "blocked loop"),
]


@pytest.mark.parametrize(("text", "place", "pick", "kind"), KINDS)
def test_an_action_stands_for_a_kind_of_fault(text, place, pick, kind):
    """Reports count faults in the words for what they are at their place."""
    assert kind_of(parse_action(text), place, pick) == kind


def test_built_in_exceptions_have_their_own_names():
    """What has a short name is that exception of Python's, and can be made with one text."""
    assert {"ValueError", "SystemExit", "CancelledError", "TimeoutError", "MemoryError"} <= set(EXCEPTIONS)
    assert not {"KeyboardInterrupt", "GeneratorExit", "StopIteration"} & set(EXCEPTIONS)
    for name, cls in EXCEPTIONS.items():
        assert cls is (asyncio.CancelledError if name == "CancelledError" else getattr(builtins, name))
        assert isinstance(cls("a text"), BaseException)
