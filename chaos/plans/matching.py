"""`where`: whom a fault is for, and which of the visits of a point, as a value and as something that can be asked.

Rules are asked at every visit, so what many visits have in common is worked out once: which of the rules there are for
one point, path, name and type of message is kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from ...runtime.task import Task
from ...supervisors.judges.judge import Submission
from ...supervisors.supervisor import Supervisor
from ...trees.base import Also, OrOne, Spec, short
from ...trees.values import Count, Text, illegal
from .globs import LONGEST, Names, Paths, is_path_glob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ...runtime.cell import Cell
    from ...runtime.faults import Visit

__all__ = ["Matcher", "Sieve", "Where", "WhereOrPath", "is_supervisor", "sieve_of"]

R = TypeVar("R")

_Key: TypeAlias = "tuple[str, str, str, type, bool]"
"""What a visit has in common with many others: its point, path and name, the type of its message, and whether it is a
supervisor's."""

_MOST_KEPT = 10_000
"""Such visits whose rules are kept: actors may come and go under ever new names."""


def _several(value: Any) -> Any:
    """Returns one text, or one number, as a list of it."""
    if isinstance(value, list | tuple):
        return tuple(value)
    return (value,)


def _path_glob(pattern: str) -> str:
    if not is_path_glob(pattern):
        raise illegal("a path such as team/writer, with * for any characters of an id and ** for any number of ids")
    return pattern


def _name_glob(pattern: str) -> str:
    if len(pattern) > LONGEST:
        raise illegal(f"a name, with * for any characters, of at most {LONGEST} of them")
    return pattern


PathGlobs: TypeAlias = Annotated[
    tuple[Annotated[Text, AfterValidator(_path_glob)], ...], Field(strict=False), BeforeValidator(_several), OrOne()
]
NameGlobs: TypeAlias = Annotated[
    tuple[Annotated[Text, AfterValidator(_name_glob)], ...], Field(strict=False), BeforeValidator(_several), OrOne()
]
Incarnations: TypeAlias = Annotated[
    tuple[Annotated[Count, Field(ge=1)], ...], Field(strict=False), BeforeValidator(_several), OrOne()
]


class Where(Spec):
    """Whom a fault is for, and which visits. All that is said has to be so; of a list, one."""

    path: PathGlobs = Field(
        (),
        description="Paths of actors: `*` stands for any characters of an id, `**` for any number of ids; without a "
        "slash it is an id, wherever it is. Everybody if the key is absent.",
        examples=["team/writer", "**/billing-*", ["writer", "editor"]],
    )
    role: Literal["agent", "supervisor", "any"] = Field(
        "agent", description="Agents (all actors that are no supervisors), supervisors, or any actor."
    )
    incarnation: Incarnations = Field(
        (), description="In which of its lives, from 1; in any if the key is absent.", examples=[1, [1, 2]]
    )
    message: NameGlobs = Field(
        (), description="Names of the message's type; any message if the key is absent.", examples=["Task", "Tool*"]
    )
    kind: NameGlobs = Field(
        (),
        description="Kinds of the task, in the words of the agents' capabilities; any message if the key is absent.",
        examples=["refund"],
    )
    tool: NameGlobs = Field((), description="Names of the tool.", examples=["payments.refund", "payments.*"])
    judge: NameGlobs = Field((), description="Names of the judge.", examples=["refund-policy"])
    topic: NameGlobs = Field((), description="Topics.", examples=["orders.*"])


WhereOrPath: TypeAlias = Annotated[
    Where,
    short("path", (str, list, tuple), "a path, a list of paths, or a mapping"),
    Also({"type": "string"}, {"type": "array", "items": {"type": "string"}}),
]


def is_supervisor(cell: Cell) -> bool:
    """Tells whether an actor is a supervisor: of any kind, pools included."""
    cls = cell.factory.cls
    return isinstance(cls, type) and Supervisor in cls.__mro__  # it is asked so often that issubclass shows


class Sieve:
    """One `where`, compiled."""

    __slots__ = ("_messages", "_names", "_paths", "_verdicts", "incarnations", "kinds", "role")

    def __init__(self, where: Where) -> None:
        self._verdicts: dict[tuple[str, str, str], bool] = {}
        self._paths = Paths(where.path)
        self._messages = Names(where.message)
        self._names = [Names(patterns) for patterns in (where.tool, where.judge, where.topic)]
        self.role = None if where.role == "any" else where.role
        """Which one is meant; None for any."""
        self.incarnations = frozenset(where.incarnation) or None
        """Which ones are meant; None for all."""
        self.kinds = Names(where.kind) if where.kind else None
        """Which kinds of task are meant; None for all, and for what is no task."""

    def has_visits(self, path: str, name: str, message: str) -> bool:
        """Tells whether visits at that path, of that name and with a message of that type may be meant."""
        key = path, name, message
        verdict = self._verdicts.get(key)
        if verdict is None:
            if len(self._verdicts) >= _MOST_KEPT:
                self._verdicts.clear()
            named = all(patterns.match(name) for patterns in self._names)
            verdict = self._verdicts[key] = named and self._paths.match(path) and self._messages.match(message)
        return verdict

    def has_actor(self, cell: Cell) -> bool:
        """Tells whether an actor that lives is meant, by its path, its role and its incarnation."""
        role = "supervisor" if is_supervisor(cell) else "agent"
        lives = self.incarnations is None or cell.incarnation in self.incarnations
        return lives and self.role in (None, role) and self._paths.match(cell.path)


@lru_cache(maxsize=1_000)
def sieve_of(where: Where) -> Sieve:
    """Returns a `where` compiled: once for all runs of a plan, with what is known by then of who is meant."""
    return Sieve(where)


class Matcher(Generic[R]):
    """All rules of a plan that have a point, each with whatever its owner wants to have back.

    Args:
        rules: the name of the point, whom the rule is for, and what is returned for it.
        is_supervisor: tells by its path whether an actor is one. It is asked at a visit, once at most.
    """

    def __init__(self, rules: Iterable[tuple[str, Where, R]], is_supervisor: Callable[[str], bool]) -> None:
        self._rules: dict[str, list[tuple[Sieve, R]]] = {}
        for point, where, owner in rules:
            self._rules.setdefault(point, []).append((sieve_of(where), owner))
        self._is_supervisor = is_supervisor
        self._concerned: dict[_Key, _Concerned[R]] = {}

    def at(self, visit: Visit) -> Sequence[R]:
        """Returns the owners of the rules that a visit is for, in the order in which they were given."""
        path, message = visit.path, visit.message
        key = visit.point.name, path, visit.name, type(message), self._is_supervisor(path)
        found = self._concerned.get(key)
        if found is None:
            found = self._concern(key)
        if not found.is_picky:
            return found.owners
        kind = _task_kind(message)
        return [
            rule
            for sieve, rule in found.rules  # written out: it is asked at every visit
            if (sieve.incarnations is None or visit.incarnation in sieve.incarnations)
            and (sieve.kinds is None or sieve.kinds.match(kind))
        ]

    def _concern(self, key: _Key) -> _Concerned[R]:
        if len(self._concerned) >= _MOST_KEPT:
            self._concerned.clear()
        point, path, name, message, is_supervisor = key
        roles = None, "supervisor" if is_supervisor else "agent"
        rules = ((sieve, owner) for sieve, owner in self._rules.get(point, ()) if sieve.role in roles)
        found = _Concerned([each for each in rules if each[0].has_visits(path, name, message.__name__)])
        self._concerned[key] = found
        return found


class _Concerned(Generic[R]):
    """The rules that visits with much in common are for; `is_picky` if some look at more than that."""

    __slots__ = ("is_picky", "owners", "rules")

    def __init__(self, rules: list[tuple[Sieve, R]]) -> None:
        self.rules = rules
        self.owners = [owner for _, owner in rules]
        self.is_picky = any(sieve.incarnations is not None or sieve.kinds is not None for sieve, _ in rules)


def _task_kind(message: Any) -> str:
    """Returns the kind of the task that a message is, or is about; empty if it is none, or of no kind."""
    task = message.task if type(message) is Submission else message
    return task.kind or "" if isinstance(task, Task) else ""
