"""An outcome as one JSON object, as text for people, and as an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticSerializationError, to_jsonable_python
from rich.console import Group
from rich.table import Table
from rich.text import Text

from .failures import Code
from .text import clean, json_text, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from ..runtime.task import Outcome, Status

__all__ = ["STYLES", "answer", "code_of", "details", "plain", "to_json", "verdict"]

STYLES = {"ok": "green", "fallback": "yellow", "partial": "yellow", "needs_human": "yellow"}
"""How a status looks; every other one is red."""

_DONE: frozenset[Status] = frozenset({"ok", "fallback"})


def code_of(outcome: Outcome) -> Code:
    """Returns 0 where the task was done, be it by a fallback; 1 also where work is left: `partial`, `needs_human`."""
    return Code.DONE if outcome.status in _DONE else Code.FAILED


def to_json(outcome: Outcome) -> str:
    """Returns the outcome as one JSON object on one line; an output that JSON cannot hold stands as Python shows it."""
    fields = {
        "task_id": outcome.task_id,
        "status": outcome.status,
        "output": plain(outcome.output),
        "parts": [_part(part) for part in outcome.parts],
        "usage": plain(outcome.usage),
        "error": outcome.error,
        "seconds": round(outcome.seconds, 6),
        "rung": outcome.rung,
        "failure": outcome.failure,
        "verdicts": plain(outcome.verdicts),
        "evidence": plain(outcome.evidence),
    }
    return json_text(fields)


def _part(part: Any) -> dict[str, Any]:
    return {
        "agent": part.agent,
        "status": part.status,
        "attempts": part.attempts,
        "output": plain(part.output),
        "seconds": round(part.seconds, 6),
        "error": part.error,
        "usage": plain(part.usage),
    }


def plain(value: Any) -> Any:
    """Returns a value as JSON has it; what JSON cannot hold stands as Python shows it."""
    try:
        return to_jsonable_python(value, inf_nan_mode="null", fallback=repr)
    except (PydanticSerializationError, ValueError, RecursionError):
        return repr(value)  # bytes that are no text, or a value that holds itself


def answer(outcome: Outcome) -> str:
    """Returns the output as text without control characters; empty where there is none."""
    if outcome.output is None:
        return ""
    if isinstance(outcome.output, str):
        return clean(outcome.output).rstrip()
    return clean(json_text(plain(outcome.output), indent=2))


def verdict(outcome: Outcome) -> str:
    """Returns the status and what is missing, or who answered, on one line; empty where all is as asked."""
    if outcome.ok:
        return ""
    if outcome.error:
        return f"{outcome.status}: {one_line(outcome.error)}"
    if outcome.status == "fallback" and outcome.parts:
        return f"fallback: {one_line(outcome.parts[-1].agent)} answered"
    return outcome.status


def details(outcome: Outcome, *, verbose: bool = True) -> RenderableType:
    """Returns the answer, what is missing, and (if verbose) a table of who did what."""
    return Group(*_lines(outcome), *([_table(outcome)] if verbose and outcome.parts else []))


def _lines(outcome: Outcome) -> Iterator[Text]:
    if text := answer(outcome):
        yield Text(text)
    if missing := verdict(outcome):
        yield Text(missing, style=STYLES.get(outcome.status, "red"))


def _table(outcome: Outcome) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    for name in ("agent", "status"):
        table.add_column(name, no_wrap=True)
    for name in ("attempts", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("said", no_wrap=True, overflow="ellipsis", ratio=1)
    for part in outcome.parts:
        table.add_row(
            Text(one_line(part.agent)),
            Text(part.status, style=STYLES.get(part.status, "red")),
            str(part.attempts),
            f"{part.seconds:.2f}",
            Text(one_line(part.error or _short(part.output)), style="dim"),
        )
    return table


def _short(output: Any) -> str:
    if output is None:
        return ""
    return output if isinstance(output, str) else json_text(plain(output))
