"""The grammar in which a plan says what happens at a fault point, and how often: a text becomes a `Program`.

    program      chain | chain | ...          alternatives, each with a course of its own
    chain        term -> term -> ...          what comes after what
    term         [P%][N*] action              with a chance, at most so many times; `*` alone: any number of times
    action       name  or  name(argument, name=argument, ...)

    30%*->crash(ValueError)          at three visits of ten
    1*off->3*hang->off               the second, third and fourth visit
    1%->drop | 2%->delay(1s..5s)     now this, now that

It is the grammar of fail-rs (https://docs.rs/fail, `fail::cfg`), with named arguments, amounts with units, and
alternatives. An arrow behind `P%` and `N*` belongs to them, and may be left out. Which actions there are, and what they
take, is not said here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the fields of what a plan holds
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeAlias

from ...trees.problems import quoted
from .amounts import Amount, Rate, Share, Size, Span, amount, number_text

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "LONGEST",
    "Action",
    "Chain",
    "InvalidProgram",
    "Program",
    "Term",
    "Value",
    "parse",
    "parse_action",
    "program_or_none",
]

LONGEST = 2000
"""Characters of a program."""

Value: TypeAlias = Amount | str
"""What an argument may be: an amount, or a word or a text."""

_WORD = r"[A-Za-z_](?:[\w.:/]|-(?=\w))*"
_IS_WORD = re.compile(rf"{_WORD}\Z")


class InvalidProgram(ValueError):
    """A text that is no program, or one that cannot be meant.

    Attributes:
        text: all of it.
        position: the character, from 0, at which the fault is.
        what, legal, hint: what was given there, what is legal, and how to mend it; the last two may be empty.
    """

    def __init__(self, text: str, position: int, what: str, legal: str = "", hint: str = "") -> None:
        self.text = text
        self.position = position
        self.what = what
        self.legal = legal
        self.hint = hint
        super().__init__(text, position, what, legal, hint)

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return f"at character {self.position + 1} of {quoted(self.text)}"

    def __str__(self) -> str:
        expected = f"expected {self.legal}" if self.legal else ""
        return "; ".join(part for part in (f"{self.what}, {self.place}", expected, self.hint) if part)


@dataclass(frozen=True, slots=True)
class Action:
    """What is to happen: a name, with arguments by position (`args`) and by name (`options`).

    `at` is where it stands in its text, `places` where its arguments do; equality does not look at them.
    """

    name: str
    args: tuple[Value, ...] = ()
    options: Mapping[str, Value] = field(default_factory=dict, hash=False)
    at: int = field(default=0, compare=False, repr=False)
    places: Mapping[int | str, int] = field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        named = (f"{name}={_written(value)}" for name, value in self.options.items())
        inside = ", ".join([*map(_written, self.args), *named])
        return f"{self.name}({inside})" if inside else self.name


@dataclass(frozen=True, slots=True)
class Term:
    """An action with its chance at a visit, from above 0 to 1, and how often it may happen; None: without end."""

    action: Action
    chance: float = 1.0
    times: int | None = None

    def __str__(self) -> str:
        chance = "" if self.chance == 1 else str(Share(self.chance))
        times = "" if self.times is None else f"{self.times}*"
        return f"{chance}{times}{'->' if chance else ''}{self.action}"


Chain: TypeAlias = tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """What happens at the visits of a point: alternatives, each a chain of terms. `str` writes it as it is read."""

    chains: tuple[Chain, ...]

    @property
    def terms(self) -> tuple[Term, ...]:
        """All terms of all alternatives."""
        return tuple(term for chain in self.chains for term in chain)

    def __str__(self) -> str:
        return " | ".join("->".join(map(str, chain)) for chain in self.chains)


def parse(text: str) -> Program:
    """Reads a program. Raises `InvalidProgram`, which says where the text goes wrong."""
    return _Parser(text).program()


def program_or_none(text: object) -> Program | None:
    """Reads a program where it is for others to say what is wrong with one."""
    try:
        return parse(text) if isinstance(text, str) else None
    except InvalidProgram:
        return None


def parse_action(text: str) -> Action:
    """Reads a lone action, without chance and count. Raises `InvalidProgram`."""
    parser = _Parser(text)
    action = parser.action()
    parser.end()
    return action


def _written(value: Value) -> str:
    if isinstance(value, str):
        return value if _IS_WORD.match(value) else _in_quotes(value)
    return str(value) if isinstance(value, Span | Share | Rate | Size) else number_text(value)


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# --- reading ----------------------------------------------------------------------------------------

_TOKEN = re.compile(
    rf"""\s*(?:
        (?P<arrow>->)
      | (?P<amount>[+\-±]?[0-9][\w./±]*(?:(?<=\.\.)[+\-][0-9][\w.]*)?)
      | (?P<word>{_WORD})
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<sign>[|%*(),=])
    )""",
    re.VERBOSE,
)
_SHOWN = {"arrow": "->", "end": "the end"}


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Parser:
    """Reads one text, from its left to its right."""

    def __init__(self, text: str) -> None:
        self._text = text
        if len(text) > LONGEST:
            self._refuse(0, f"the text has {len(text):,} characters", f"at most {LONGEST:,}")
        self._tokens = list(self._split())
        self._next = 0

    def program(self) -> Program:
        chains = [self._chain()]
        while self._take("|"):
            chains.append(self._chain())
        self.end("-> and another term, or | and an alternative")
        return Program(tuple(chains))

    def action(self) -> Action:
        name = self._word("the name of an action, such as crash or delay(2s)")
        args: list[Value] = []
        options: dict[str, Value] = {}
        places: dict[int | str, int] = {}
        if self._take("("):
            while not self._take(")"):
                self._argument(args, options, places)
                if not self._take(",") and self._token.text != ")":
                    self._unexpected(", or )")
        return Action(name.text, tuple(args), options, name.at, places)

    def end(self, legal: str = "nothing more") -> None:
        if self._token.kind != "end":
            self._unexpected(legal)

    def _chain(self) -> Chain:
        terms = [self._term()]
        while self._take("->"):
            terms.append(self._term())
        return tuple(terms)

    def _term(self) -> Term:
        chance, times = 1.0, None
        if self._token.kind == "amount" and self._after.text == "%":
            chance = self._chance()
            self._take("->")
        if self._take("*"):
            self._take("->")
        elif self._token.kind == "amount" and self._after.text == "*":
            times = self._times()
            self._take("->")
        return Term(self.action(), chance, times)

    def _chance(self) -> float:
        token = self._advance()
        self._advance()
        share = amount(f"{token.text}%")
        if not isinstance(share, Share) or not 0 < share.of_one <= 1:
            self._refuse(token.at, f"the chance is {quoted(token.text)[1:-1]}%", "more than 0%, up to 100%")
        return share.of_one

    def _times(self) -> int:
        token = self._advance()
        self._advance()
        times = amount(token.text)
        if not isinstance(times, int) or times < 1:
            self._refuse(token.at, f"the count is {quoted(token.text)[1:-1]}*", "a whole number, 1 or more, or * alone")
        return times

    def _argument(self, args: list[Value], options: dict[str, Value], places: dict[int | str, int]) -> None:
        at = self._token.at
        if self._token.kind == "word" and self._after.text == "=":
            name = self._advance().text
            self._advance()
            if name in options:
                self._refuse(at, f"the argument {quoted(name)} is given twice", "it once")
            places[name] = self._token.at
            options[name] = self._value()
            return
        if options:
            self._refuse(at, "an argument without a name stands behind one with a name", "those without names first")
        places[len(args)] = at
        args.append(self._value())

    def _value(self) -> Value:
        token = self._token
        if token.kind == "word":
            return self._advance().text
        if token.kind == "text":
            return re.sub(r"\\(.)", r"\1", self._advance().text[1:-1], flags=re.DOTALL)
        if token.kind != "amount":
            self._unexpected("an argument: a word, a number, or an amount such as 2s, 1s..5s, 100/s or 1MB")
        text = self._advance().text + ("%" if self._take("%") else "")
        value = amount(text)
        if value is None:
            legal = "a number, a duration such as 500ms or 2s, a range such as 1s..5s, a rate such as 100/s, or a size"
            self._refuse(token.at, f"{quoted(text)} is no amount", legal)
        return value

    # Tokens.

    def _split(self) -> Iterator[_Token]:
        position, end = 0, len(self._text.rstrip())
        while position < end:
            match = _TOKEN.match(self._text, position)
            if match is None or match.lastgroup is None:
                self._strange(position)
            yield _Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup))
            position = match.end()
        yield _Token("end", "", end)
        yield _Token("end", "", end)  # so that there is always one after this one

    def _strange(self, position: int) -> NoReturn:
        rest = self._text[position:].lstrip()
        at = len(self._text) - len(rest)
        if rest[0] in "\"'":
            self._refuse(at, "a text begins that does not end", f"a {rest[0]} at its end")
        self._refuse(at, f"{quoted(rest[0])} has no meaning here", "terms such as 30%->crash, 3*hang or delay(1s..5s)")

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    @property
    def _after(self) -> _Token:
        return self._tokens[min(self._next + 1, len(self._tokens) - 1)]

    def _advance(self) -> _Token:
        token = self._token
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _take(self, text: str) -> bool:
        if self._token.kind in ("arrow", "sign") and self._token.text == text:
            self._advance()
            return True
        return False

    def _word(self, legal: str) -> _Token:
        if self._token.kind != "word":
            self._unexpected(legal)
        return self._advance()

    def _unexpected(self, legal: str) -> NoReturn:
        token = self._token
        self._refuse(token.at, "the text ends" if token.kind == "end" else f"{quoted(token.text)} stands", legal)

    def _refuse(self, at: int, what: str, legal: str = "", hint: str = "") -> NoReturn:
        raise InvalidProgram(self._text, at, what, legal, hint)
