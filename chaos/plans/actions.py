"""Every action that a plan may name: what it takes, where it is legal, what it does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...trees.problems import alternatives, did_you_mean, quoted
from .amounts import Span
from .arguments import (
    MISSING,
    Argument,
    Unfit,
    choice,
    duration,
    duration_either_way,
    exception,
    rate,
    size,
    suspensions_or_time,
    text,
    whole,
)
from .course import OFF
from .grammar import InvalidProgram, parse
from .points import ACTOR, CALLS, CLOCK, LOOP, MAILBOX, PLACES, SENDS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping

    from .grammar import Action, Program, Value

__all__ = ["ACTIONS", "CORRUPTIONS", "ActionKind", "arguments_of", "drawn", "kind_of", "legal_at", "program_at"]

CORRUPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "wrong_type": "a field of another type, or another type in the place of all of it",
        "missing": "a field is not there",
        "extra": "a field that does not belong there",
        "stale": "what was right one time before",
        "foreign": "what belongs to another task",
        "empty": "nothing in it",
        "truncated": "its end is cut off",
        "random": "one of these, drawn anew each time",
    }
)
"""The ways in which a value may be changed, and what each means."""


@dataclass(frozen=True, slots=True)
class ActionKind:
    """One row of the table.

    Attributes:
        name: as a program has it.
        what: what it does, in a sentence.
        fault: what kind of fault it is, in the words in which a report counts them.
        at: the names of the places at which it is legal.
        arguments: what it takes, in the order of those without a name.
    """

    name: str
    what: str
    fault: str
    at: tuple[str, ...]
    arguments: tuple[Argument, ...] = ()

    @property
    def form(self) -> str:
        """How it is written: `crash(error, message, when, after)`; what may be left out is in brackets."""
        names = (each.name if each.is_required else f"[{each.name}]" for each in self.arguments)
        inside = ", ".join(names)
        return f"{self.name}({inside})" if inside else self.name


_ERROR = Argument(
    "error",
    exception,
    "InjectedCrash",
    "a built-in exception, `CancelledError`, or `module:Class` of an allowed module",
)
_MESSAGE = Argument("message", text, "", "what the exception says")
_HOW_LONG = Argument("time", duration, MISSING, "how long, a duration or a range to draw from")
_CORRUPTION = Argument(
    "kind", choice(*CORRUPTIONS), "random", "what is wrong with it, see [kinds of corruption](#kinds-of-corruption)"
)

_MESSAGE_CALLS = tuple(name for name in CALLS if name not in ("actor.start", "actor.stop"))

_TABLE = (
    ActionKind(OFF, "Nothing happens, and the visit is used up.", "none", tuple(PLACES)),
    ActionKind(
        "crash",
        "An exception is raised: in the place of the code, in the middle of it, or after it has done all.",
        "crash",
        CALLS,
        (
            _ERROR,
            _MESSAGE,
            Argument(
                "when",
                choice("before", "during", "after"),
                None,
                "`before`, unless `after` is given; `during` is where it waits for something",
            ),
            Argument(
                "after",
                suspensions_or_time,
                None,
                "with `during`: at the so-manyth wait, 1 if left out, or after so much time",
            ),
        ),
    ),
    ActionKind(
        "hang",
        "It never comes to an end; a cancellation ends it, unless it is `deaf`.",
        "hang",
        CALLS,
        (Argument("how", choice("deaf"), None, "`deaf` if it ignores being cancelled"),),
    ),
    ActionKind("slow", "It begins only after a time.", "slow", CALLS, (_HOW_LONG,)),
    ActionKind("block", "The event loop is held, and nothing else runs.", "blocked loop", (*CALLS, LOOP), (_HOW_LONG,)),
    ActionKind(
        "corrupt",
        "What is returned, or sent, is changed.",
        "corrupted output",
        (*_MESSAGE_CALLS, *SENDS),
        (_CORRUPTION,),
    ),
    ActionKind("lie", "The verdict is turned round: what was rejected is accepted.", "judge that lies", ("judge",)),
    ActionKind(
        "leak",
        "Memory is kept for as long as the incarnation lives.",
        "leak",
        CALLS,
        (Argument("size", size, MISSING, "how much each time, such as 64kB or 1MB"),),
    ),
    ActionKind(
        "delegate",
        "The task is passed on to the next agent, and by that one to the next, without end. Tasks only.",
        "endless delegation",
        ("actor.handle",),
    ),
    ActionKind(
        "poison",
        "From now on, this message kills every incarnation that gets it.",
        "poison message",
        ("actor.handle",),
        (_ERROR,),
    ),
    ActionKind("drop", "It is lost.", "drop", SENDS),
    ActionKind(
        "duplicate",
        "It comes more than once.",
        "duplicate",
        SENDS,
        (Argument("times", whole(2, 100), 2, "how often it comes in all, 2 to 100"),),
    ),
    ActionKind("delay", "It comes later; others overtake it.", "delay", SENDS, (_HOW_LONG,)),
    ActionKind(
        "reorder",
        "It waits until the next one has gone past it.",
        "reorder",
        SENDS,
        (Argument("within", duration, Span(1.0, 1.0), "how long it waits at most"),),
    ),
    ActionKind("kill", "The incarnation is ended without being asked.", "kill", (ACTOR,)),
    ActionKind("stop", "The incarnation is asked to stop, as if somebody had called `stop`.", "stop", (ACTOR,)),
    ActionKind(
        "flood",
        "Messages that mean nothing to anybody come in a stream.",
        "flood",
        (MAILBOX,),
        (
            Argument("rate", rate, MISSING, "how many, such as 100/s"),
            Argument("lasts", duration, MISSING, "how long it goes on"),
        ),
    ),
    ActionKind(
        "jump",
        "The wall clock is put forward or back. Timers and deadlines do not look at it.",
        "clock jump",
        (CLOCK,),
        (Argument("by", duration_either_way, MISSING, "how far, such as 1h, -30s, or a range"),),
    ),
    ActionKind(
        "freeze",
        "The wall clock stands still for a time, and is right afterwards.",
        "clock freeze",
        (CLOCK,),
        (_HOW_LONG,),
    ),
    ActionKind(
        "suspend",
        "The whole process is stopped for a time, as a laptop that is closed: all that was due is late.",
        "suspended process",
        (CLOCK,),
        (_HOW_LONG,),
    ),
)

ACTIONS: Mapping[str, ActionKind] = MappingProxyType({kind.name: kind for kind in _TABLE})
"""The table. There are no other actions."""


def legal_at(place: str) -> tuple[ActionKind, ...]:
    """Returns the actions that are legal at a place, in the table's order."""
    return tuple(kind for kind in _TABLE if place in kind.at)


def program_at(place: str, text: str) -> Program:
    """Reads a program that is to stand at a place, and checks all that it says there.

    Raises:
        InvalidProgram: it is no program, names an action that does not exist or is not legal there, or gives one what
            it does not take.
    """
    program = parse(text)
    for term in program.terms:
        _check_place(term.action, place, text)
        _bound(term.action, text)
    return program


def arguments_of(action: Action) -> dict[str, Any]:
    """Returns all arguments of an action by name, those that were left out with their defaults.

    Raises:
        InvalidProgram: it does not exist, or does not take what it is given.
    """
    try:
        return _bound(action, "")
    except InvalidProgram as error:  # only now does anybody need the text
        raise InvalidProgram(str(action), error.position, error.what, error.legal, error.hint) from None


def drawn(action: Action, source: random.Random) -> Action:
    """Returns the action with one duration in the place of each range, drawn in the order of the arguments."""
    if not any(map(_is_open, (*action.args, *action.options.values()))):
        return action
    args = tuple(_drawn(value, source) for value in action.args)
    options = {name: _drawn(value, source) for name, value in action.options.items()}
    return replace(action, args=args, options=options)


def kind_of(action: Action, place: str, pick: str = "one") -> str:
    """Returns what kind of fault it is that an action stands for at a place, in a few words."""
    special = _SPECIAL.get((action.name, place)) or _SPECIAL.get((action.name, pick))
    if special:
        return special
    if action.name == "hang" and arguments_of(action)["how"] == "deaf":
        return "hang that ignores cancellation"
    if action.name == "corrupt" and place in SENDS:
        return "corrupted output" if place == "reply" else "corrupted message"
    return ACTIONS[action.name].fault


_SPECIAL = {
    ("crash", "actor.start"): "crash in start",
    ("crash", "actor.stop"): "crash in stop",
    ("crash", "judge"): "judge that fails",
    ("hang", "judge"): "judge that hangs",
    ("kill", "all"): "restart storm",
}


def _is_open(value: Value) -> bool:
    return isinstance(value, Span) and not value.is_fixed


def _drawn(value: Value, source: random.Random) -> Value:
    if not isinstance(value, Span) or value.is_fixed:
        return value
    length = round(value.draw(source), 6)
    return Span(length, length)


def _check_place(action: Action, place: str, text: str) -> None:
    kind = ACTIONS.get(action.name)
    names = [each.name for each in legal_at(place)]
    legal = f"one of {', '.join(names)}"
    if kind is None:
        hint = did_you_mean(action.name, names) or did_you_mean(action.name, ACTIONS)
        raise InvalidProgram(text, action.at, f"{quoted(action.name)} is no action", legal, hint)
    if place not in kind.at:
        what = f"{action.name} makes no sense at {place}"
        raise InvalidProgram(text, action.at, what, legal, f"{action.name} is for {alternatives(kind.at)}")


def _bound(action: Action, text: str) -> dict[str, Any]:
    kind = ACTIONS.get(action.name)
    if kind is None:
        legal = f"one of {', '.join(ACTIONS)}"
        what = f"{quoted(action.name)} is no action"
        raise InvalidProgram(text, action.at, what, legal, did_you_mean(action.name, ACTIONS))
    given = dict(_named(action, kind, text))
    bound = {each.name: each.default for each in kind.arguments}
    for argument in kind.arguments:
        if argument.name in given:
            key, value = given[argument.name]
            bound[argument.name] = _read(argument, value, action.places.get(key, action.at), text)
        elif argument.is_required:
            what = f"{action.name} needs {argument.name}"
            raise InvalidProgram(text, action.at, what, kind.form, f"{argument.name} is {argument.what}")
    _fit(action, bound, text)
    return bound


def _named(action: Action, kind: ActionKind, text: str) -> Iterator[tuple[str, tuple[int | str, Value]]]:
    """Yields each argument's name with its key among the places, and its value."""
    names = [each.name for each in kind.arguments]
    if len(action.args) > len(names):
        what = f"{kind.name} takes {len(names) or 'no'} argument{'' if len(names) == 1 else 's'}"
        raise InvalidProgram(text, action.places.get(len(names), action.at), what, kind.form)
    for index, value in enumerate(action.args):
        yield names[index], (index, value)
    for name, value in action.options.items():
        at = action.places.get(name, action.at)
        if name not in names:
            legal = f"one of {', '.join(names)}" if names else f"{kind.name} alone"
            what = f"{kind.name} has no argument {quoted(name)}"
            raise InvalidProgram(text, at, what, legal, did_you_mean(name, names))
        if name in names[: len(action.args)]:
            raise InvalidProgram(text, at, f"the argument {quoted(name)} is given twice", "it once")
        yield name, (name, value)


def _read(argument: Argument, value: Value, at: int, text: str) -> Any:
    try:
        return argument.read(value)
    except ValueError as error:
        words = error.words if isinstance(error, Unfit) else ()
        what = f"{argument.name} is {quoted(str(value)) if isinstance(value, str) else value}"
        raise InvalidProgram(text, at, what, str(error), did_you_mean(value, words)) from None


def _fit(action: Action, bound: dict[str, Any], text: str) -> None:
    """Fills in what one argument says of another, or says what does not go together."""
    if action.name != "crash":
        return
    if bound["when"] is None:
        bound["when"] = "before" if bound["after"] is None else "during"
    if bound["after"] is not None and bound["when"] != "during":
        what = f"after is given, but when is {bound['when']}"
        raise InvalidProgram(text, action.places.get("after", action.at), what, "when=during, or no after")
