"""From pydantic's errors to problems: the same words for the same fault, at its place in the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .base import otherwise
from .environment import FromEnvironment
from .guards import Breaker, Budget, Health, Limits, Loops
from .judges import (
    AgentJudge,
    Confidence,
    ConfidenceJudge,
    FunctionJudge,
    QuorumJudge,
    Range,
    Rules,
    RulesJudge,
    SchemaJudge,
)
from .ladder import (
    RUNGS,
    Escalate,
    EscalateRung,
    FallbackRung,
    Restart,
    RestartRung,
    Retry,
    RetryRung,
    Revise,
    ReviseRung,
    Skip,
    SkipRung,
)
from .located import SourceList, SourceMap, locate
from .policies import Backoff, Intensity, Mailbox, Policies
from .problems import Problem, alternatives, did_you_mean, quoted
from .spec import AgentNode, ChaosRules, DynamicNode, IncludeNode, PoolNode, SupervisorNode, Template, Tree
from .values import ID, ID_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    from .located import Location

__all__ = ["TREE", "Vocabulary", "bad_value", "given", "keys_of", "problems_of"]

_KINDS: dict[str, type[BaseModel]] = {
    **{f"{model.kind} node": model for model in (SupervisorNode, DynamicNode, PoolNode, AgentNode)},
    "retry rung": RetryRung,
    "revise rung": ReviseRung,
    "restart rung": RestartRung,
    "fallback rung": FallbackRung,
    "escalate rung": EscalateRung,
    "skip rung": SkipRung,
    "schema judge": SchemaJudge,
    "rules judge": RulesJudge,
    "confidence judge": ConfidenceJudge,
    "function judge": FunctionJudge,
    "agent judge": AgentJudge,
    "quorum judge": QuorumJudge,
}
_PARTS: dict[str, type[BaseModel]] = {
    "tree": SupervisorNode,
    "intensity": Intensity,
    "backoff": Backoff,
    "mailbox": Mailbox,
    "policies": Policies,
    "child": Template,
    "retry": Retry,
    "revise": Revise,
    "restart": Restart,
    "escalate": Escalate,
    "skip": Skip,
    "rules": Rules,
    "confidence": Confidence,
    "breaker": Breaker,
    "tool_breaker": Breaker,
    "budget": Budget,
    "call": Limits,
    "health": Health,
    "loops": Loops,
    "chaos": ChaosRules,
}

_OWNERS: dict[type[BaseModel], str] = {
    Tree: "a tree",
    SupervisorNode: "a supervisor",
    DynamicNode: "a dynamic supervisor",
    PoolNode: "a pool",
    AgentNode: "an agent",
    IncludeNode: "an include",
    Template: "a child of a pool or a dynamic supervisor",
    Policies: "policies",
    Intensity: "an intensity",
    Backoff: "a backoff",
    Mailbox: "a mailbox",
    Retry: "a retry",
    Revise: "a revise",
    Restart: "a restart",
    Escalate: "an escalate",
    Skip: "a skip",
    Rules: "the rules of a judge",
    Range: "a range",
    Confidence: "a confidence",
    Breaker: "a breaker",
    Budget: "a budget",
    Limits: "the limits of a call",
    Health: "a health",
    Loops: "the loops",
    ChaosRules: "the rules of chaos",
    **{model: f"{'an' if tag[0] in 'ae' else 'a'} {tag}" for tag, model in _KINDS.items() if not tag.endswith("node")},
}

_WANTED = {
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "too_short": "a list that is not empty",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}

_MISSING_IN_A_TREE = {
    "use": "use: and a short name or module:Class",
    "name": "name: and the tree's name",
    "tree": "tree: and the root supervisor",
    "child": "child: and what each child is",
    "size": "size: and how many children",
    "capacity": "capacity: and how many messages may wait",
}


@dataclass(frozen=True)
class Vocabulary:
    """What the parts of one kind of document are called.

    Attributes:
        whole: the document.
        owners: every model of it.
        parts: the models that stand under a key.
        named: the models that stand under a name, below a key.
        kinds: the models that pydantic's locations name: branches of a union.
        branches: other steps in these locations that are no keys of the file.
        missing: what is expected in the place of a key that is missing.
    """

    whole: str
    owners: Mapping[type[BaseModel], str]
    parts: Mapping[str, type[BaseModel]]
    named: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    kinds: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    branches: frozenset[str] = frozenset()
    missing: Mapping[str, str] = field(default_factory=dict)

    def steps(self, location: Location) -> Location:
        """Returns the steps of a location that are keys and indices."""
        return tuple(step for step in location if step not in self.kinds and step not in self.branches)

    def model_at(self, around: Location, model: type[BaseModel]) -> type[BaseModel]:
        """Returns the model whose keys stand at a location: that of the last step that says."""
        found = model
        before: str | int = ""
        for step in _without_names(around):
            if step in self.kinds:
                found = self.kinds[str(step)]
            elif before in self.named:
                found = self.named[str(before)]
            elif step in self.parts:
                found = self.parts[str(step)]
            before = step
        return found


TREE = Vocabulary(
    whole="the tree",
    owners=_OWNERS,
    parts=_PARTS,
    named={"ranges": Range},
    kinds=_KINDS,
    branches=frozenset({"backoff mapping", "word"}),
    missing=_MISSING_IN_A_TREE,
)


def given(value: Any) -> str:
    """Returns a value as a message shows it: short, on one line, and not if it came from the environment."""
    if isinstance(value, FromEnvironment):
        return f"{value!r}, from the environment,"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else quoted(str(value))[1:-1]


def keys_of(model: type[BaseModel]) -> list[str]:
    """Returns the keys that a model takes, as they are written."""
    return [str(field.validation_alias or name) for name, field in model.model_fields.items()]


def problems_of(
    errors: Iterable[ErrorDetails],
    top: SourceMap,
    model: type[BaseModel],
    names: Mapping[str, Any],
    words: Vocabulary = TREE,
) -> list[Problem]:
    """Returns as problems what pydantic says of `top` as a `model`; `names` are the file's own policies."""
    return [_problem(error, top, model, names, words) for error in errors]


def _problem(
    error: ErrorDetails, top: SourceMap, model: type[BaseModel], names: Mapping[str, Any], words: Vocabulary
) -> Problem:
    location, kind = error["loc"], error["type"]
    path = words.steps(location) + tuple(error.get("ctx", {}).get("at", ()))
    unknown_key = kind == "extra_forbidden" or location[-1:] == ("[key]",)
    if location[-1:] == ("[key]",):
        path = path[:-1]
    place = locate(top, path, key=unknown_key)
    if kind == "extra_forbidden":
        said = _unknown_key(str(path[-1]), words.owners, words.model_at(location[:-1], model))
    elif kind == "missing":
        said = _missing_key(str(path[-1]), words, words.model_at(location[:-1], model))
    elif kind == "policy_name":
        said = _unknown_policy(error["ctx"]["shelf"], error["input"], names)
    else:
        said = bad_value(error, _name(_written(top, path), words.whole))
    return Problem(*place, *said)


def _unknown_key(key: str, owners: Mapping[type[BaseModel], str], owner: type[BaseModel]) -> tuple[str, str, str]:
    legal = keys_of(owner)
    what = f"{quoted(key)} is not a key of {owners[owner]}"
    if key in RUNGS and owners[owner].endswith(" rung"):
        return what, f"{legal[0]} alone", "each rung is an item of its own"
    return what, f"one of {', '.join(legal)}" if len(legal) > 1 else legal[0], did_you_mean(key, legal)


def _without_names(around: Location) -> Location:
    """Returns a location without the name of a policy, which is no key."""
    return (*around[:2], *around[3:]) if around[:1] == ("policies",) else around


def _missing_key(key: str, words: Vocabulary, owner: type[BaseModel]) -> tuple[str, str, str]:
    return f"{quoted(key)} is missing in {words.owners[owner]}", words.missing.get(key, ""), ""


def _unknown_policy(shelf: str, name: Any, policies: Mapping[str, Any]) -> tuple[str, str, str]:
    named = policies.get(shelf)
    known = sorted(named) if isinstance(named, dict) else []
    if shelf == "backoff" and "none" not in known:
        known.append("none")
    other = otherwise(shelf)
    legal = f"{alternatives(known)}, or {other}" if known else f"{other}: there is none under policies"
    return f"{given(name)} is not the name of a policy for {shelf}", legal, did_you_mean(name, known)


def _written(top: SourceMap, path: Location) -> Location:
    """Returns the steps of a path that are in the file: short forms leave some out."""
    here: Any = top
    kept: list[str | int] = []
    for step in path:
        leads = isinstance(here, SourceList) and isinstance(step, int) and step < len(here)
        if leads or (isinstance(here, SourceMap) and step in here):
            here = here[step]
            kept.append(step)
    return tuple(kept)


def _name(path: Sequence[str | int], whole: str) -> str:
    """Returns the words for what stands at a path: its key, and for an item the key of its list."""
    if path and isinstance(path[-1], int):
        return f"an item of {path[-2]}" if len(path) > 1 else "an item"
    return str(path[-1]) if path else whole


def bad_value(error: ErrorDetails, name: str) -> tuple[str, str, str]:
    """Returns what is wrong with a value, what is legal, and the hint, for what pydantic says about it."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    what = f"{name} is {given(value)}".removesuffix(",")
    if kind == "literal_error":
        expected = str(context["expected"])
        words = expected.split("'")[1::2] or [expected]
        return what, alternatives(words), did_you_mean(value, words)
    if kind == "illegal":
        return what, str(context["legal"]), did_you_mean(value, context["words"])
    if kind == "no_kind":
        return f"{name} is no {context['noun']}", str(context["legal"]), _near_key(value, context["kinds"])
    if kind in ("root_kind", "unfit"):
        return str(context["why"]), str(context["legal"]), str(context.get("hint", ""))
    if kind in ("value_error", "assertion_error"):
        return f"{what}: {error['msg'].partition(', ')[2]}", "", ""
    return what, _wanted(kind, context) or error["msg"].removeprefix("Input should be ").rstrip("."), ""


def _near_key(value: Any, words: Sequence[str]) -> str:
    keys = list(value) if isinstance(value, dict) else []
    return next(filter(None, (did_you_mean(key, words) for key in keys[:5])), "")


def _wanted(kind: str, context: Mapping[str, Any]) -> str:
    if kind == "string_pattern_mismatch" and context["pattern"] == ID:
        return ID_WORDS
    if kind == "string_too_long":
        return f"at most {context['max_length']} characters"
    if kind == "greater_than":
        return f"more than {context['gt']:g}"
    if kind == "greater_than_equal":
        return f"{context['ge']:g} or more"
    if kind == "less_than_equal":
        return f"{context['le']:,g} or less"
    return _WANTED.get(kind, "")
