"""`/desk`: the cases that wait for a person, on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, get_args

from rich.console import Group
from rich.text import Text

from ..agents.desk import Shown
from ..agents.errors import UnknownCase
from ..trees.desk import desks_of
from .commands import Mistake, ago, as_text, facts, listed, person, two_words, verb_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from rich.console import RenderableType

    from ..agents.case import Case
    from ..agents.events import CaseAnswered, CaseOpened
    from ..trees.desk import DeskHandle
    from ..trees.runtime import Runtime

__all__ = ["HELP", "closed", "desk", "opened"]

HELP = """\
/desk                    what waits for a person; /desk list STATE: open, answered, returned, dropped, all
/desk ID                 one case: what was asked, why nobody could answer, what was tried
/desk answer ID TEXT     answer it; whoever waits gets the text
/desk return ID NOTE     have it tried again, with the note
/desk drop ID REASON     close it without an answer"""

FORMS = {"list": "[STATE]", "show": "ID", "answer": "ID TEXT", "return": "ID NOTE", "drop": "ID REASON"}
STATES: tuple[str, ...] = get_args(Shown)
DONE = {"answer": "answered", "return": "returned", "drop": "dropped"}


async def desk(runtime: Runtime, words: str) -> AsyncIterator[RenderableType]:
    """Does what stands behind `/desk`, and yields what is to be shown.

    Where the tree has several desks, an id that more than one has is written with the desk's path: `a/desk:case-1`.

    Raises:
        Mistake: the words are none of `FORMS`.
        AgentError: there is no such desk, or no such case, or it cannot be done any more.
    """
    verb, rest = verb_of("/desk", words, FORMS)
    if verb == "list":
        yield await _list(runtime, rest or "open")
    elif verb == "show":
        if not rest:
            raise Mistake("the id is missing: expected /desk show ID")
        handle, id_ = await _find(runtime, rest)
        yield _shown(await handle.show(id_), runtime.system.clock.time())
    else:
        yield await _decide(runtime, verb, *two_words("/desk", rest, f"{verb} {FORMS[verb]}"))


async def _list(runtime: Runtime, state: str) -> RenderableType:
    if state not in STATES:
        raise Mistake(f"there is no state {state!r}: expected one of {', '.join(STATES)}")
    wanted, desks = cast("Shown", state), desks_of(runtime.system)
    now, rows = runtime.system.clock.time(), []
    for path in desks or (None,):
        handle = runtime.desk if path is None else runtime.desk_at(path)  # without any, this says so
        rows += [_row(case, path if len(desks) > 1 else None, now) for case in await handle.list(wanted)]
    if not rows:
        return Text("no case waits for a person" if state == "open" else f"no case is {state}", style="dim")
    return listed(("case", "state", "since", "from", "reason", "request"), rows)


def _row(case: Case, path: str | None, now: float) -> tuple[str, ...]:
    id_ = case.id if path is None else f"{path}:{case.id}"
    return id_, case.state, ago(now - case.opened), case.agent or "-", case.reason, as_text(case.request)


async def _find(runtime: Runtime, word: str) -> tuple[DeskHandle, str]:
    """Returns the desk that has a case, and the case's id there."""
    path, colon, id_ = word.rpartition(":")
    if colon:
        return runtime.desk_at(path), id_
    desks = desks_of(runtime.system)
    if len(desks) < 2:
        return runtime.desk, word
    having = [path for path in desks if await _has(runtime.desk_at(path), word)]
    if len(having) > 1:
        raise Mistake(f"{word} is at {' and at '.join(having)}: say which, such as {having[0]}:{word}")
    return runtime.desk_at((having or desks)[0]), word


async def _has(handle: DeskHandle, id_: str) -> bool:
    try:
        await handle.show(id_)
    except UnknownCase:
        return False
    return True


async def _decide(runtime: Runtime, verb: str, word: str, text: str) -> RenderableType:
    handle, id_ = await _find(runtime, word)
    act = handle.return_ if verb == "return" else getattr(handle, verb)
    case: Case = await act(id_, text, by=person())
    again = f": {case.agent or 'whoever waits for it'} tries again" if verb == "return" else ""
    return Text(f"{word} is {DONE[verb]}{again}", style="green")


# One case.


def _shown(case: Case, now: float) -> RenderableType:
    hint = f"/desk answer {case.id} TEXT   /desk return {case.id} NOTE   /desk drop {case.id} REASON"
    lines: list[RenderableType] = [
        Text(f"{case.id}, {case.state}, opened {ago(now - case.opened)} ago", style="bold"),
        facts(_facts(case)),
    ]
    return Group(*lines, *([Text(hint, style="dim")] if case.state in ("open", "returned") else []))


def _facts(case: Case) -> Iterator[tuple[str, str]]:
    yield "request", as_text(case.request)
    yield "reason", case.reason
    yield from ((name, as_text(value)) for name, value in _optional(case) if value)
    yield from _evidence(case.evidence if isinstance(case.evidence, dict) else {})
    for said in case.said:
        yield said.action, f"{said.text} ({said.by})"


def _optional(case: Case) -> Iterator[tuple[str, Any]]:
    yield "from", case.agent
    yield "kind", case.kind
    yield "draft", case.draft
    yield "facts", dict(case.context)


def _evidence(evidence: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields what was tried, what that has cost, what there was of an answer, and the breakers."""
    for attempt in evidence.get("attempts") or ():
        how = attempt.get("error") or attempt.get("failure") or "rejected"
        yield "tried", f"{attempt['agent']}, attempt {attempt['attempt']} ({attempt['rung']}): {how}"
    spent = {name: value for name, value in (evidence.get("spent") or {}).items() if value}
    if spent:
        yield "spent", ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in spent.items())
    if evidence.get("partial") is not None:
        yield "partial", as_text(evidence["partial"])
    for path, state in (evidence.get("breakers") or {}).items():
        yield "breaker", f"{path} {state}"


# In one line, as it happens.


def opened(event: CaseOpened, *, several: bool) -> str:
    """Returns the line about a case that waits; with the desk's path, if there are several."""
    word = f"{event.path}:{event.case}" if several else event.case
    return f"{word} waits for a person: {event.reason} (/desk {word})"


def closed(event: CaseAnswered, *, several: bool) -> str:
    """Returns the line about a case that was decided."""
    word = f"{event.path}:{event.case}" if several else event.case
    return f"{word} was {event.action} by {event.by} (/desk {word})"
