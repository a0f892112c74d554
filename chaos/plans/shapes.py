"""The four shapes of a fault: the usual programs, by name.

They are those of AgentChaos (https://github.com/floritange/AgentChaos): once, always, now and then, several in a row.

    shape                    the program of `crash`        meaning
    single                   1*crash->off                  at the first visit, and never again
    persistent               crash                         at every visit
    intermittent             30%->crash                    at any visit, with a chance
    burst                    3*crash->off                  at the first visits, one after the other, and never again

`after=N` lets the first N visits go by; `intermittent(20%)` and `burst(5)` say how often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...trees.problems import did_you_mean, quoted
from .amounts import Share
from .course import OFF
from .grammar import Action, InvalidProgram, Program, Term, parse_action

if TYPE_CHECKING:
    from .grammar import Value

__all__ = ["SHAPES", "Shape", "shape"]

SHAPES = ("single", "persistent", "intermittent", "burst")

CHANCE = 0.3
"""Of `intermittent`, where nothing else is said."""
TIMES = 3
"""Of `burst`, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How often a fault happens: a name, and what is said beside it.

    Attributes:
        name: one of the four.
        after: visits that are let go by first.
        chance: at each visit.
        times: how often at most; None: any number of times.
    """

    name: str
    after: int = 0
    chance: float = 1.0
    times: int | None = None

    def program(self, action: Action) -> Program:
        """Returns the program in which that action happens so often."""
        quiet = (Term(Action(OFF), times=self.after),) if self.after else ()
        end = () if self.times is None else (Term(Action(OFF)),)
        return Program(((*quiet, Term(action, self.chance, self.times), *end),))

    def __str__(self) -> str:
        args: dict[str, tuple[Value, ...]] = {
            "intermittent": () if self.chance == CHANCE else (Share(self.chance),),
            "burst": () if self.times in (TIMES, None) else (self.times,),
        }
        return str(Action(self.name, args.get(self.name, ()), {"after": self.after} if self.after else {}))


def shape(text: str) -> Shape:
    """Reads a shape: `single`, `burst(5, after=10)`. Raises `InvalidProgram`, which says where the text goes wrong."""
    written = parse_action(text)
    if written.name not in SHAPES:
        what = f"{quoted(written.name)} is no shape"
        raise InvalidProgram(text, written.at, what, f"one of {', '.join(SHAPES)}", did_you_mean(written.name, SHAPES))
    forms = {"intermittent": "intermittent(20%, after=0)", "burst": "burst(3, after=0)"}
    form = forms.get(written.name, f"{written.name}(after=0)")
    for name in written.options:
        if name != "after":
            raise InvalidProgram(text, written.places[name], f"{written.name} has no argument {quoted(name)}", form)
    if len(written.args) > (written.name in forms):
        at = written.places[len(written.args) - 1]
        raise InvalidProgram(text, at, f"{written.name} has too many arguments", form)
    return Shape(written.name, _after(written, text), _chance(written, text), _times(written, text))


def _after(written: Action, text: str) -> int:
    after = written.options.get("after", 0)
    if not isinstance(after, int) or after < 0:
        raise InvalidProgram(text, written.places["after"], f"after is {after}", "a number of visits, 0 or more")
    return after


def _chance(written: Action, text: str) -> float:
    if written.name != "intermittent":
        return 1.0
    share = written.args[0] if written.args else Share(CHANCE)
    if not isinstance(share, Share) or not 0 < share.of_one <= 1:
        raise InvalidProgram(text, written.places[0], f"the chance is {share}", "more than 0%, up to 100%")
    return share.of_one


def _times(written: Action, text: str) -> int | None:
    if written.name != "burst":
        return 1 if written.name == "single" else None
    times = written.args[0] if written.args else TIMES
    if not isinstance(times, int) or times < 1:
        raise InvalidProgram(text, written.places[0], f"the count is {times}", "a whole number, 1 or more")
    return times
