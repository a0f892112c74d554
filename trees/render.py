"""The declared tree as people look at it, without what came from the environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, TypeAlias

from .environment import masked
from .spec import AgentNode, DynamicNode, PoolNode, SupervisorNode
from .values import duration_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .policies import Intensity
    from .spec import Node, Tree

__all__ = ["FORMATS", "Format", "render"]

Format: TypeAlias = Literal["text", "mermaid", "dot", "json"]


def render(tree: Tree, format: Format = "text") -> str:  # noqa: A002 - the option's own name
    """Returns a drawing of the tree; a text from the environment stands there as it was written."""
    return FORMATS[format](tree)


def _text(tree: Tree) -> str:
    entry = tree.entry_path
    return "\n".join(
        f"{lead}{node.id}  {', '.join(_facts(node))}{' <- entry' if path == entry else ''}"
        for lead, path, node in _drawn(tree.tree, tree.tree.id, "", "")
    )


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


def _mermaid(tree: Tree) -> str:
    names, entry_path = _numbered(tree), tree.entry_path
    lines = ["flowchart TD"]
    for path, node in tree.walk():
        before, after = ("([", "])") if isinstance(node, AgentNode) else ("[", "]")
        entry = ["entry"] if path == entry_path else []
        label = "<br/>".join([node.id, *_facts(node), *entry])
        lines.append(f'    {names[path]}{before}"{_for_mermaid(label)}"{after}')
        if "/" in path:
            lines.append(f"    {names[path.rpartition('/')[0]]} --> {names[path]}")
    return "\n".join(lines)


def _for_mermaid(label: str) -> str:
    return label.replace("#", "#35;").replace('"', "#quot;").replace("\n", " ")


def _dot(tree: Tree) -> str:
    names, entry_path = _numbered(tree), tree.entry_path
    lines = [f"digraph {_for_dot(str(masked(tree.name)))} {{", "    node [fontname=sans];"]
    for path, node in tree.walk():
        shape = "ellipse" if isinstance(node, AgentNode) else "box"
        entry = ["entry"] if path == entry_path else []
        label = _for_dot("\n".join([node.id, *_facts(node), *entry]))
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
