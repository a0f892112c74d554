"""The declared tree as people look at it, without what came from the environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..supervisors.work.ladder import Escalate, Fallback, describe
from .environment import FromEnvironment, masked
from .judges import AgentJudge, Asked, FunctionJudge
from .spec import AgentNode, DynamicNode, PoolNode, SupervisorNode
from .values import duration_text
from .work import ladder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..supervisors.work.ladder import Rung
    from .guards import Breaker, Budget
    from .policies import Intensity
    from .spec import Node, Template, Tree

__all__ = ["FORMATS", "Format", "render"]

Format: TypeAlias = Literal["text", "mermaid", "dot", "json"]


def render(tree: Tree, format: Format = "text") -> str:  # noqa: A002 - the option's own name
    """Returns a drawing of the tree; a text from the environment stands there as it was written."""
    return FORMATS[format](tree)


def _text(tree: Tree) -> str:
    entry = tree.entry_path
    return "\n".join(
        f"{lead}{node.id}  {', '.join(_facts(node))}{_bracketed(node)}{' <- entry' if path == entry else ''}"
        for lead, path, node in _drawn(tree.tree, tree.tree.id, "", "")
    )


def _bracketed(node: Node) -> str:
    return "".join(f" [{what}]" for what in _guards(node))


def _drawn(node: Node, path: str, lead: str, below: str) -> Iterator[tuple[str, str, Node]]:
    """Yields each node with the lines that lead to it, and its path."""
    yield lead, path, node
    children = node.children if isinstance(node, SupervisorNode) else ()
    for index, child in enumerate(children, 1):
        corner, line = ("└── ", "    ") if index == len(children) else ("├── ", "│   ")
        yield from _drawn(child, f"{path}/{child.id}", below + corner, below + line)


def _facts(node: Node) -> Iterator[str]:
    match node:
        case AgentNode():
            yield f"use {masked(node.use)}"
        case PoolNode():
            yield f"pool of {node.size}, {node.route}"
            yield f"use {masked(node.child.use)}"
        case DynamicNode():
            yield "dynamic" if node.max_children is None else f"dynamic, at most {node.max_children}"
            if node.child is not None:
                yield f"use {masked(node.child.use)}"
        case SupervisorNode():
            yield node.strategy
    if not isinstance(node, AgentNode):
        yield _limit(node.intensity)
    yield node.restart
    if node.significant:
        yield "significant"


def _limit(intensity: Intensity) -> str:
    return f"{intensity.restarts} restarts in {duration_text(intensity.within)}"


# --- what is done for work --------------------------------------------------------------------------


def _guards(node: Node) -> Iterator[str]:
    """Yields what stands between a node and its work: judges, breakers, ladder, budgets."""
    child = node if isinstance(node, AgentNode) else getattr(node, "child", None)
    if child is not None:
        yield from _worker(child)
    ladder = node.recovery if child is None or child.recovery is None else child.recovery
    if ladder is not None:
        yield describe(tuple(map(_shown, ladder_of(ladder)))) if ladder else "no recovery"
    budgets = node.budget if child in (None, node) else (*child.budget, *node.budget)
    if budgets:
        yield f"budget {', '.join(map(_budget, budgets))}"


def _worker(node: AgentNode | Template) -> Iterator[str]:
    if node.judges:
        yield f"judges: {', '.join(map(_judge, node.judges))}"
    if node.breaker is not None:
        yield f"breaker {_breaker(node.breaker)}"
    if node.tool_breaker is not None:
        yield f"tool breaker {_breaker(node.tool_breaker)}"


def _judge(judge: Asked) -> str:
    match judge:
        case Asked(name=str(name)):
            return str(masked(name))
        case FunctionJudge(function=name):
            return _end_of(name, ":")
        case AgentJudge(agent=name):
            return _end_of(name, "/")
    return judge.kind


def _end_of(name: str, separator: str) -> str:
    return name.template if isinstance(name, FromEnvironment) else name.rpartition(separator)[2]


def _breaker(breaker: Breaker) -> str:
    share = None if breaker.rate is None else f"{breaker.rate:.0%}"
    counts = [str(limit) for limit in (breaker.failures, share) if limit is not None]
    return f"{' or '.join(counts)}/{duration_text(breaker.within)}"


def _shown(rung: Rung) -> Rung:
    """Returns a rung in which names from the environment stand as they were written."""
    match rung:
        case Fallback(to=names):
            return Fallback(tuple(map(str, masked(names))))
        case Escalate(to=str(name)):
            return Escalate(str(masked(name)))
    return rung


def _budget(budget: Budget) -> str:
    money = [] if budget.cost is None else [f"${budget.cost:g}"]
    time = [] if budget.seconds is None else [str(duration_text(budget.seconds))]
    amounts = {unit: getattr(budget, unit) for unit in ("tokens", "calls", "restarts")}
    counts = [f"{amount} {unit}" for unit, amount in amounts.items() if amount is not None]
    cheaper = "" if budget.cheaper is None else f", {masked(budget.cheaper)} from {budget.demote_at:.0%}"
    return f"{' or '.join([*money, *counts, *time])}/{budget.per}{cheaper}"


# --- other forms ------------------------------------------------------------------------------------


def _mermaid(tree: Tree) -> str:
    names, entry_path = _numbered(tree), tree.entry_path
    lines = ["flowchart TD"]
    for path, node in tree.walk():
        before, after = ("([", "])") if isinstance(node, AgentNode) else ("[", "]")
        entry = ["entry"] if path == entry_path else []
        label = "<br/>".join(map(_for_mermaid, [node.id, *_facts(node), *_guards(node), *entry]))
        lines.append(f'    {names[path]}{before}"{label}"{after}')
        if "/" in path:
            lines.append(f"    {names[path.rpartition('/')[0]]} --> {names[path]}")
    return "\n".join(lines)


def _for_mermaid(label: str) -> str:
    escaped = label.replace("#", "#35;").replace('"', "#quot;").replace("\n", " ")
    return escaped.replace("<", "#lt;").replace(">", "#gt;")


def _dot(tree: Tree) -> str:
    names, entry_path = _numbered(tree), tree.entry_path
    lines = [f"digraph {_for_dot(str(masked(tree.name)))} {{", "    node [fontname=sans];"]
    for path, node in tree.walk():
        shape = "ellipse" if isinstance(node, AgentNode) else "box"
        entry = ["entry"] if path == entry_path else []
        label = _for_dot("\n".join([node.id, *_facts(node), *_guards(node), *entry]))
        lines.append(f"    {names[path]} [shape={shape}, label={label}];")
        if "/" in path:
            lines.append(f"    {names[path.rpartition('/')[0]]} -> {names[path]};")
    return "\n".join([*lines, "}"])


def _for_dot(label: str) -> str:
    return '"' + label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _json(tree: Tree) -> str:
    data = masked(tree.model_dump()) | {"entry": tree.entry_path, "fingerprint": tree.fingerprint}
    return json.dumps(data, indent=2, ensure_ascii=False)


def _numbered(tree: Tree) -> dict[str, str]:
    return {path: f"n{number}" for number, (path, _) in enumerate(tree.walk(), 1)}


FORMATS: Mapping[Format, Callable[[Tree], str]] = {
    "text": _text,
    "mermaid": _mermaid,
    "dot": _dot,
    "json": _json,
}
