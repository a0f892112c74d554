"""A judge: fields that must be there, ranges, patterns, forbidden content, contradiction with the facts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, ClassVar

from ..checks import check
from ..errors import InvalidSpec
from ..patterns import LONGEST_INPUT, compiled, pieces, search_piece
from ..work_errors import CannotSay
from .judge import JudgeSpec, check_judge, verdict_on
from .plain import MISSING, NotPlain, field_of, is_path, plain, shown, texts_in

if TYPE_CHECKING:
    import re
    from collections.abc import AsyncIterator, Iterable, Iterator

    from ...runtime.evidence import Verdict
    from ...runtime.system import ActorSystem
    from .judge import Submission

__all__ = ["Range", "RulesJudge"]

TURN = 2 * LONGEST_INPUT**2
"""Steps of searching, at worst, after which others get their turn on the loop: about a tenth of a second."""
ONE_SEARCH = 400
AT_THE_BEGINNING = (0,)
"""Where the pieces of a text begin that is not longer than one."""
LONGEST_NUMBER = 64
"""Characters of a text that is read as a number."""


@dataclass(frozen=True, slots=True)
class Range:
    """From `min` to `max`, both included; None: no bound on that side. Raises `InvalidSpec` if nothing is in it."""

    min: float | None = None
    max: float | None = None

    def __post_init__(self) -> None:
        for name, bound in (("min", self.min), ("max", self.max)):
            check(f"range {name}", bound, bound is None or _number(bound) is not None, "a number, or None")
        bounds = [bound for bound in (self.min, self.max) if bound is not None]
        check("range", self, bounds != [], "a min, a max, or both")
        check("range max", self.max, bounds == sorted(bounds), f"not less than the min of {self.min}")

    def holds(self, value: Any) -> bool:
        """Tells whether this is a number in the range. A text is none."""
        number, least, most = _number(value), _number(self.min), _number(self.max)
        if number is None:
            return False
        return (least is None or number >= least) and (most is None or number <= most)

    def __str__(self) -> str:
        least, most = (None if bound is None else _written(bound) for bound in (self.min, self.max))
        if least is None:
            return f"a number, at most {most}"
        return f"a number, at least {least}" if most is None else f"a number from {least} to {most}"


@dataclass(frozen=True, slots=True)
class RulesJudge(JudgeSpec):
    """Accepts what breaks no rule. Fields are paths: `amount`, `customer.id`, `items.0.price`.

    Attributes:
        required: fields that must be there, and not be null, or empty: a text, list or mapping with nothing in it.
        ranges: fields that must be numbers in a range.
        match: fields in which a pattern must be found (`^` and `$` tie it to their ends); numbers are matched as
            they are written.
        forbid: patterns that nothing in the output may match: no text, number or key.
        agrees: fields that must not contradict a fact of the task's context, which is named by its path there.
            If one of the two is a number, they are compared as numbers; texts are the same in any case and
            spacing; one value agrees with a list of facts that has it.

    `ranges`, `match` and `agrees` say nothing of a field that is missing or null, `agrees` nothing where there
    is no such fact. Patterns are Python's, mind case unless they begin with `(?i)`, and cannot hang: one that
    could is refused. A long text is searched in overlapping pieces (see `patterns.search_piece`).

    Raises:
        InvalidSpec: a value is not legal, a pattern could take too long, or there is no rule.
    """

    _: KW_ONLY
    required: tuple[str, ...] = ()
    ranges: Mapping[str, Range] = field(default_factory=dict)
    match: Mapping[str, str] = field(default_factory=dict)
    forbid: tuple[str, ...] = ()
    agrees: Mapping[str, str] = field(default_factory=dict)
    name: str = "rules"
    cost: float = 1.0
    _match: Mapping[str, re.Pattern[str]] = field(init=False, repr=False, compare=False)
    _forbid: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)

    at_once: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_judge(self)
        self._check_fields()
        rules = (self.required, self.ranges, self.match, self.forbid, self.agrees)
        check(f"the judge {self.name!r}", self, any(rules), "at least one rule")
        object.__setattr__(self, "_match", {path: _pattern("match", one) for path, one in self.match.items()})
        object.__setattr__(self, "_forbid", tuple(_pattern("forbid", one) for one in self.forbid))

    def _check_fields(self) -> None:
        for name in ("required", "forbid"):
            given = getattr(self, name)
            check(name, given, isinstance(given, tuple | list), "a tuple of texts")
            object.__setattr__(self, name, tuple(given))
        for name in ("ranges", "match", "agrees"):
            given = getattr(self, name)
            check(name, given, isinstance(given, Mapping), "a mapping from fields")
        for path in (*self.required, *self.ranges, *self.match, *self.agrees, *self.agrees.values()):
            check("field", path, is_path(path), "a path, as customer.id")
        for path, one in self.ranges.items():
            check(f"range of {path}", one, isinstance(one, Range), "a Range(min, max)")

    async def judge(self, submission: Submission, system: ActorSystem) -> Verdict:  # noqa: ARG002 - as all judges
        """Lists every rule that is broken; what is no plain data breaks them all."""
        try:
            data = plain(submission.output)
        except NotPlain as error:
            return verdict_on(self.name, [str(error)])
        search = _Search()
        faults = [*self._missing(data), *self._out_of_range(data), *self._contradictions(data, submission)]
        faults += [fault async for fault in self._mismatches(data, search)]
        faults += await self._forbidden(data, search)
        return verdict_on(self.name, faults)

    def _missing(self, data: Any) -> Iterator[str]:
        for path in self.required:
            value = field_of(data, path)
            if _is_empty(value.strip() if isinstance(value, str) else value):
                yield f"{path} is missing" if value in (MISSING, None) else f"{path} is empty"

    def _out_of_range(self, data: Any) -> Iterator[str]:
        for path, value in _there(data, self.ranges):
            if not self.ranges[path].holds(value):
                yield f"{path} is {shown(value)}: expected {self.ranges[path]}"

    def _contradictions(self, data: Any, submission: Submission) -> Iterator[str]:
        for path, said in _there(data, self.agrees):
            fact = self._fact(path, submission)
            if fact not in (MISSING, None) and not _agree(said, fact):
                yield f"{path} is {shown(said)}, but {self.agrees[path]} is known to be {shown(fact)}"

    def _fact(self, path: str, submission: Submission) -> Any:
        fact = field_of(submission.task.context, self.agrees[path])
        try:
            return fact if fact is MISSING else plain(fact)
        except NotPlain as error:
            raise CannotSay(f"the fact {self.agrees[path]} cannot be compared: {error}") from None

    async def _mismatches(self, data: Any, search: _Search) -> AsyncIterator[str]:
        for path, value in _there(data, self.match):
            text = value if isinstance(value, str) else str(value)
            fits = isinstance(value, str | int | float | Decimal) and not isinstance(value, bool)
            if not fits or await search.first(self._match[path], [(path, text)]) is None:
                yield f"{path} is {shown(value)}: expected what matches {self.match[path]!r}"

    async def _forbidden(self, data: Any, search: _Search) -> list[str]:
        """Returns the first place of each pattern that is found."""
        texts, faults = list(texts_in(data)) if self._forbid else [], []
        for pattern in self._forbid:
            found = await search.first(pattern, texts)
            if found is not None:
                where, match = found
                told = f"{where or 'the output'} has {shown(match[0])} in it"
                faults.append(f"{told}, which matches {pattern.pattern!r}")
        return faults


class _Search:
    """Searches texts piece by piece, and lets others have their turn meanwhile: the timeout's among them."""

    __slots__ = ("_steps",)

    def __init__(self) -> None:
        self._steps = 0

    async def first(
        self, pattern: re.Pattern[str], texts: Iterable[tuple[str, str]]
    ) -> tuple[str, re.Match[str]] | None:
        """Returns where the pattern is found first, and the match there; None if it is in none of the texts."""
        for where, text in texts:
            for begin in pieces(text) if len(text) > LONGEST_INPUT else AT_THE_BEGINNING:
                self._steps += ONE_SEARCH + min(len(text), LONGEST_INPUT) ** 2
                if self._steps > TURN:
                    self._steps = 0
                    await asyncio.sleep(0)
                found = search_piece(pattern, text, begin)
                if found is not None:
                    return where, found
        return None


def _pattern(what: str, pattern: str) -> re.Pattern[str]:
    check(f"{what} pattern", pattern, isinstance(pattern, str), "a regular expression")
    try:
        return compiled(pattern, ignore_case=False)
    except ValueError as error:
        raise InvalidSpec(f"{what}: {error}") from None


def _there(data: Any, paths: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Yields the fields that are there, with their values."""
    for path in paths:
        value = field_of(data, path)
        if value is not MISSING and value is not None:
            yield path, value


def _is_empty(value: Any) -> bool:
    return value is MISSING or value is None or value in ("", [], {})


def _number(value: Any) -> Decimal | None:
    """Returns a finite number as the decimal that it is written as; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    return number if number.is_finite() else None


def _written(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else str(bound)


def _read_number(value: Any) -> Decimal | None:
    """Returns a number, or the one that a text is."""
    if not isinstance(value, str) or len(value) > LONGEST_NUMBER:
        return _number(value)
    try:
        return _number(Decimal(value.strip()))
    except InvalidOperation:
        return None


def _agree(said: Any, fact: Any) -> bool:
    """Tells whether what is said does not contradict a fact."""
    if isinstance(fact, list) and not isinstance(said, list):
        return any(_agree(said, one) for one in fact)
    if isinstance(said, list) and isinstance(fact, list):
        return len(said) == len(fact) and all(map(_agree, said, fact))
    if isinstance(said, Mapping) and isinstance(fact, Mapping):
        return said.keys() == fact.keys() and all(_agree(said[key], fact[key]) for key in said)
    if isinstance(said, str) and isinstance(fact, str):
        return _normal(said) == _normal(fact)
    if isinstance(said, bool) or isinstance(fact, bool):
        return said is fact
    number = _read_number(said)
    return said == fact if number is None else number == _read_number(fact)


def _normal(text: str) -> str:
    return " ".join(text.split()).casefold()
