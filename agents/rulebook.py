"""How rules are written, and what can be wrong with them before anything is asked. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator

from ..supervisors.patterns import compiled, normal
from .conditions import Condition, Part, search
from .errors import InvalidRules, did_you_mean, nearest
from .templates import Template, lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    MayCall: TypeAlias = "Callable[[str], bool]"

__all__ = ["Rule", "Rulebook", "Step", "read_rules"]

_TYPES = {"int": int, "float": float, "str": str}
_WHOLE_WORD = r"(?<!\w)(?:{})(?!\w)"
_NAME = r"^[A-Za-z_]\w*$"


class Step(Part):
    """A tool call. `as` names its result; with `for_each`, it is made once for each `{item}` of a list."""

    call: str
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    as_: str | None = Field(None, alias="as", pattern=_NAME)
    for_each: str | None = None

    @field_validator("arguments")
    @classmethod
    def _template(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        Template(arguments)
        return arguments

    def fields(self) -> frozenset[str]:
        """Returns the fields that it needs, but its own item's."""
        found = Template(self.arguments).fields()
        if self.for_each is None:
            return found
        return frozenset(path for path in found if _head(path) != "item") | {self.for_each}

    def gives(self) -> set[str]:
        """Returns the name of its result, if it has one."""
        return set() if self.as_ is None else {self.as_}


class Rule(Part):
    """When it fits, what to do, and what to say.

    Attributes:
        match: patterns, one of which the input must have in it; named groups are fields.
        words: what the input must have in it as words; a list is a choice of them.
        types: of groups that are no text: `int` or `float`. A group that is none does not fit.
        when: conditions on facts of the context, groups, and results of the steps before it.
        steps: tool calls, one after the other.
        answer: the output, a text or data with fields; or `needs_human`, why a person has to decide; or
            `then`, rules of which the first that fits goes on.
        refused: the answer if a tool says no, with `{error}`; without it, a person has to decide.
    """

    match: list[str] = Field(default_factory=list)
    words: list[str | list[str]] = Field(default_factory=list)
    types: dict[str, Literal["int", "float", "str"]] = Field(default_factory=dict)
    when: dict[str, Condition] = Field(default_factory=dict)
    steps: list[Step] = Field(default_factory=list)
    answer: Any = None
    needs_human: str | None = None
    then: list[Rule] = Field(default_factory=list)
    refused: Any = None
    _patterns: tuple[re.Pattern[str], ...] = PrivateAttr(())
    _words: tuple[re.Pattern[str], ...] = PrivateAttr(())

    @field_validator("match", mode="before")
    @classmethod
    def _one_or_many(cls, match: Any) -> Any:
        return [match] if isinstance(match, str) else match

    @field_validator("when", mode="before")
    @classmethod
    def _short_tests(cls, when: Any) -> Any:
        """Reads `{plan: pro}` as `{plan: {is: pro}}`, and a list as `{in: [...]}`."""
        if not isinstance(when, dict):
            return when
        return {key: _test(value) for key, value in when.items()}

    @field_validator("answer", "needs_human", "refused")
    @classmethod
    def _template(cls, value: Any) -> Any:
        Template(value)
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        ends = [name for name in ("answer", "needs_human", "then") if getattr(self, name) not in (None, [])]
        if len(ends) != 1:
            raise ValueError(f"has {' and '.join(ends) or 'no end'}: expected one of answer, needs_human, then")
        self._patterns = tuple(compiled(pattern) for pattern in self.match)
        self._words = tuple(_any_word([word] if isinstance(word, str) else word) for word in self.words)
        strange = sorted(set(self.types) - self.groups())
        if strange:
            raise ValueError(f"types names {', '.join(strange)}, which is no group of its patterns")
        return self

    def groups(self) -> set[str]:
        """Returns the names of the groups that all of its patterns have."""
        named = [set(pattern.groupindex) for pattern in self._patterns]
        return set.intersection(*named) if named else set()

    def fits(self, text: str | None, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Returns the groups if the rule fits, or None. `text` is None where the input is no text."""
        groups = self._found(text)
        if groups is None or (self._words and not self._has_words(text)):
            return None
        known = {**values, **groups}
        return groups if all(test.holds(lookup(path, known)) for path, test in self.when.items()) else None

    def _has_words(self, text: str | None) -> bool:
        return text is not None and all(search(pattern, text) for pattern in self._words)

    def _found(self, text: str | None) -> dict[str, Any] | None:
        if not self._patterns:
            return {}
        for pattern in self._patterns:
            match = None if text is None else search(pattern, text)
            groups = None if match is None else self._typed(match.groupdict())
            if groups is not None:
                return groups
        return None

    def _typed(self, groups: dict[str, str | None]) -> dict[str, Any] | None:
        try:
            return {
                name: _TYPES[self.types.get(name, "str")](found) for name, found in groups.items() if found is not None
            }
        except ValueError:
            return None


class Rulebook(Part):
    """Rules in their order, and the answer where none fits."""

    rules: list[Rule] = Field(min_length=1)
    otherwise: Any = None

    @field_validator("otherwise")
    @classmethod
    def _template(cls, value: Any) -> Any:
        Template(value)
        return value


def read_rules(rules: Any, otherwise: Any, reads: Iterable[str] | None, may_call: MayCall) -> Rulebook:
    """Returns rules that are written as data.

    Raises:
        InvalidRules: all that is wrong with them, each with its place. Fields that nothing gives are found
            where it is said what the agent `reads`, and so are tools that it may not call.
    """
    try:
        book = Rulebook(rules=rules, otherwise=otherwise)
    except ValidationError as error:
        raise InvalidRules(tuple(_fault(fault) for fault in error.errors(include_url=False))) from None
    known = None if reads is None else {"input", *reads}
    problems = [
        *_check_all("rules", book.rules, known, may_call),
        *_unknown("otherwise", Template(otherwise).fields(), known),
    ]
    if problems:
        raise InvalidRules(tuple(problems))
    return book


def _check_all(place: str, rules: Sequence[Rule], known: set[str] | None, may_call: MayCall) -> Iterator[str]:
    for number, rule in enumerate(rules):
        yield from _check(f"{place}[{number}]", rule, known, may_call)


def _check(place: str, rule: Rule, known: set[str] | None, may_call: MayCall) -> Iterator[str]:
    """Finds the fields that nothing gives, and the tools that may not be used."""
    known = None if known is None else known | rule.groups()
    yield from _unknown(f"{place}.when", rule.when, known)
    for number, step in enumerate(rule.steps):
        here = f"{place}.steps[{number}]"
        yield from _unknown(here, step.fields(), known)
        if not may_call(step.call):
            yield f"{here}.call: the agent may not call {step.call}: add it to its `tools`"
        known = None if known is None else known | step.gives()
    for end in ("answer", "needs_human"):
        yield from _unknown(f"{place}.{end}", Template(getattr(rule, end)).fields(), known)
    with_error = None if known is None else known | {"error"}
    yield from _unknown(f"{place}.refused", Template(rule.refused).fields(), with_error)
    yield from _check_all(f"{place}.then", rule.then, known, may_call)


def _unknown(place: str, fields: Iterable[str], known: set[str] | None) -> Iterator[str]:
    for path in sorted(fields):
        if known is not None and _head(path) not in known:
            mend = did_you_mean(nearest(_head(path), known), f"known here are {', '.join(sorted(known))}")
            yield f"{place}: nothing gives {path}: {mend}"


def _fault(fault: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]).removeprefix(".")
    if fault["type"] == "extra_forbidden":
        mend = did_you_mean(nearest(str(fault["loc"][-1]), _KEYS), f"legal are {', '.join(sorted(_KEYS))}")
        return f"{place}: unknown key: {mend}"
    return f"{place}: {fault['msg'].removeprefix('Value error, ')}"


_KEYS = {field.alias or name for model in (Rule, Step, Condition) for name, field in model.model_fields.items()}


def _test(value: Any) -> Any:
    if isinstance(value, dict | Condition):
        return value
    return {"in": value} if isinstance(value, list) else {"is": value}


def _any_word(words: Sequence[str]) -> re.Pattern[str]:
    """Returns the pattern of a choice of words, each whole."""
    choice = "|".join(re.escape(normal(word)) for word in words)
    return re.compile(_WHOLE_WORD.format(choice), re.IGNORECASE)


def _head(path: str) -> str:
    return path.partition(".")[0]
