"""What a test lets go wrong, and where: each call makes one fault of a plan.

    chaos.actor("team/writer").crash(on_message=2)
    chaos.tool("payments.refund").slow("20s", chance=0.3)
    chaos.judge("refund-policy").hang(times=2)
    chaos.at("reply", "team/writer").drop()

It happens once, at the next visit, unless the call says how often: `times=3`, `times=None` for always, `chance=0.3` at
any visit, `on_message=2` (or `[2, 3]`) at visits counted from now.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from ..plans.amounts import amount
from ..plans.grammar import Action, Program, Term

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..plans.amounts import Amount
    from .rule import Rule

__all__ = ["ActorSpot", "Often", "Spot"]


class Often(TypedDict, total=False):
    """How often, when, and at which visits something happens: see the module.

    Keys:
        times: how often at most; None for any number of times.
        chance: at each visit, from above 0 to 1; it happens any number of times then, unless `times` is there too.
        on_message: the only visits at which it happens, counted from 1 from now on.
        message: the name of the message's type; `*` stands for any characters.
        kind: the kind of the task.
        incarnation: the actor's life in which it happens, from 1.
        from_, for_: when it begins, in seconds or as `"10s"` from now; how long it goes on.
    """

    times: int | None
    chance: float
    on_message: int | Iterable[int]
    message: str
    kind: str
    incarnation: int
    from_: float | str
    for_: float | str


_WHERE = ("message", "kind", "incarnation")
_FIELDS = ("from_", "for_")


class Spot:
    """One place for whoever `where` says. What makes no sense there is a ValueError that says what does."""

    def __init__(self, add: Callable[[dict[str, Any]], Rule], place: str, where: dict[str, Any]) -> None:
        self._add = add
        self._place = place
        self._where = where

    def do(self, program: str | Program, **often: Unpack[Often]) -> Rule:
        """Lets a program of the plan's grammar run, such as `"30%->crash(ValueError) | 5%->hang"`."""
        return self._fault(self._place, program, often)

    # What runs there.

    def crash(
        self,
        error: str | type[BaseException] = "InjectedCrash",
        *,
        when: str = "before",
        after: Amount | str | None = None,
        **often: Unpack[Often],
    ) -> Rule:
        """Raises an exception: `before` the code, `during` it (`after` so many waits, or `"2s"`), or `after` it."""
        name = error if isinstance(error, str) else _named(error)
        return self._happens("crash", (name,), {"when": None if when == "before" else when, "after": after}, often)

    def hang(self, *, deaf: bool = False, **often: Unpack[Often]) -> Rule:
        """Never comes to an end; `deaf`: not if it is cancelled, either."""
        return self._happens("hang", ("deaf",) if deaf else (), {}, often)

    def slow(self, time: Amount | str, **often: Unpack[Often]) -> Rule:
        """Begins only after a time, such as `"5s"`, or one that is drawn from `"1s..5s"`."""
        return self._happens("slow", (time,), {}, often)

    def block(self, time: Amount | str, **often: Unpack[Often]) -> Rule:
        """Holds the event loop for a time: nothing else runs."""
        return self._happens("block", (time,), {}, often)

    def corrupt(self, how: str = "random", **often: Unpack[Often]) -> Rule:
        """Changes what is returned or sent; the ways are those of a plan, such as `missing` or `wrong_type`."""
        return self._happens("corrupt", (how,), {}, often)

    def lie(self, **often: Unpack[Often]) -> Rule:
        """Turns a judge's verdict round."""
        return self._happens("lie", (), {}, often)

    def leak(self, size: Amount | str, **often: Unpack[Often]) -> Rule:
        """Keeps memory, such as `"1MB"`, for as long as the incarnation lives."""
        return self._happens("leak", (size,), {}, often)

    # What is sent there.

    def drop(self, **often: Unpack[Often]) -> Rule:
        """Loses what is sent."""
        return self._happens("drop", (), {}, often)

    def duplicate(self, copies: int = 2, **often: Unpack[Often]) -> Rule:
        """Sends it so many times."""
        return self._happens("duplicate", (copies,), {}, often)

    def delay(self, time: Amount | str, **often: Unpack[Often]) -> Rule:
        """Sends it later."""
        return self._happens("delay", (time,), {}, often)

    def reorder(self, within: Amount | str = "1s", **often: Unpack[Often]) -> Rule:
        """Holds it back until the next one has gone past it, for so long at most."""
        return self._happens("reorder", (within,), {}, often)

    # The fault.

    def _happens(self, name: str, args: tuple[Any, ...], options: dict[str, Any], often: Often) -> Rule:
        return self._there(self._place, name, args, options, often)

    def _there(self, place: str, name: str, args: tuple[Any, ...], options: dict[str, Any], often: Often) -> Rule:
        """Makes the fault of one action at a place: how often is said in its program."""
        given = {key: value for key, value in options.items() if value is not None}
        action = Action(name, tuple(map(_value, args)), {key: _value(value) for key, value in given.items()})
        ever = "chance" in often or "on_message" in often
        times = often.get("times", None if ever else 1)
        return self._fault(place, Program(((Term(action, often.get("chance", 1.0), times),),)), often)

    def _fault(self, place: str, program: str | Program, often: Often, more: dict[str, Any] | None = None) -> Rule:
        unknown = sorted(set(often) - set(Often.__annotations__))
        if unknown:
            legal = ", ".join(Often.__annotations__)
            raise TypeError(f"{', '.join(unknown)} is no argument here: expected some of {legal}")
        said: dict[str, Any] = dict(often)
        fault: dict[str, Any] = {"at": place, "do": str(program), **(more or {})}
        where = self._where | {key: said[key] for key in _WHERE if key in said}
        if where:
            fault["where"] = where
        fault |= {key.rstrip("_"): said[key] for key in _FIELDS if key in said}
        if "on_message" in said:
            on = said["on_message"]
            fault["on"] = list(on) if isinstance(on, Iterable) else [on]
        return self._add(fault)


class ActorSpot(Spot):
    """One actor, or all that a pattern of paths means: its handler, its start and its stop, its mailbox, its life."""

    def crash_in_start(self, error: str | type[BaseException] = "InjectedCrash", **often: Unpack[Often]) -> Rule:
        """Raises an exception in the place of `on_start`."""
        return Spot(self._add, "actor.start", self._where).crash(error, **often)

    def crash_in_stop(self, error: str | type[BaseException] = "InjectedCrash", **often: Unpack[Often]) -> Rule:
        """Raises an exception in the place of `on_stop`."""
        return Spot(self._add, "actor.stop", self._where).crash(error, **often)

    def hang_in_start(self, *, deaf: bool = False, **often: Unpack[Often]) -> Rule:
        """Never comes to the end of its start."""
        return Spot(self._add, "actor.start", self._where).hang(deaf=deaf, **often)

    def poison(self, error: str | type[BaseException] = "InjectedCrash", **often: Unpack[Often]) -> Rule:
        """Makes its next message one that kills every incarnation that gets it, from now on."""
        name = error if isinstance(error, str) else _named(error)
        return self._happens("poison", (name,), {}, often)

    def delegate(self, **often: Unpack[Often]) -> Rule:
        """Passes its next task on to whoever handles it already, without end."""
        return self._happens("delegate", (), {}, often)

    def drop(self, **often: Unpack[Often]) -> Rule:
        """Loses a message on its way into the mailbox."""
        return self._mailbox.drop(**often)

    def duplicate(self, copies: int = 2, **often: Unpack[Often]) -> Rule:
        """Puts a message into the mailbox so many times."""
        return self._mailbox.duplicate(copies, **often)

    def delay(self, time: Amount | str, **often: Unpack[Often]) -> Rule:
        """Puts a message into the mailbox later."""
        return self._mailbox.delay(time, **often)

    def reorder(self, within: Amount | str = "1s", **often: Unpack[Often]) -> Rule:
        """Holds a message back until the next one has gone past it."""
        return self._mailbox.reorder(within, **often)

    def flood(self, rate: Amount | str, lasts: Amount | str) -> Rule:
        """Sends messages that mean nothing to anybody: `flood("100/s", "10s")`."""
        return self._there("mailbox", "flood", (rate, lasts), {}, {"times": None})

    def kill(self, every: float | str | None = None, **often: Unpack[Often]) -> Rule:
        """Ends the incarnation without asking: at once, or `every="20s±10s"` until all is healed."""
        return self._timed("kill", every, often)

    def stop(self, every: float | str | None = None, **often: Unpack[Often]) -> Rule:
        """Asks the actor to stop: at once, or again and again."""
        return self._timed("stop", every, often)

    @property
    def _mailbox(self) -> Spot:
        return Spot(self._add, "mailbox.put", self._where)

    def _timed(self, name: str, every: float | str | None, often: Often) -> Rule:
        """Makes the fault of all actors that are meant, not of one that is drawn."""
        term = Term(Action(name), often.get("chance", 1.0), often.get("times"))
        more = {"pick": "all"} if every is None else {"pick": "all", "every": every}
        return self._fault("actor", Program(((term,),)), often, more)


def _named(error: type[BaseException]) -> str:
    """Returns how a plan names an exception: its own name, if it is one of Python's, else where it lives."""
    if error.__module__ in ("builtins", "asyncio.exceptions"):
        return error.__name__
    return f"{error.__module__}:{error.__qualname__}"


def _value(given: Any) -> Any:
    """Returns an argument as the grammar has it: a text may be an amount."""
    found = amount(given) if isinstance(given, str) else None
    return given if found is None else found
