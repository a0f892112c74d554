"""`/dlq`: the dead letters, on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from ..runtime.errors import describe
from ..runtime.task import Outcome, Task
from .commands import Mistake, ago, as_text, facts, listed, verb_of
from .outcomes import STYLES, answer, verdict
from .text import one_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from rich.console import RenderableType

    from ..runtime.dead_letters import DeadLetter
    from ..trees.letters import LettersHandle
    from ..trees.runtime import Runtime

__all__ = ["HELP", "dlq"]

HELP = """\
/dlq                     the messages that reached nobody; /dlq list REASON
/dlq ID                  one of them
/dlq redrive ID          give it to its recipient again; /dlq redrive all, or all REASON
/dlq purge ID            throw it away; /dlq purge all, or all REASON"""

FORMS = {"list": "[REASON]", "show": "ID", "redrive": "ID | all [REASON]", "purge": "ID | all [REASON]"}


async def dlq(runtime: Runtime, words: str) -> AsyncIterator[RenderableType]:
    """Does what stands behind `/dlq`, and yields what is to be shown, as it comes.

    Raises:
        Mistake: the words are none of `FORMS`.
        TreewardError: there is no such letter, or what became of one that was redriven.
    """
    verb, rest = verb_of("/dlq", words, FORMS)
    letters, now = runtime.dead_letters, runtime.system.clock.time()
    if verb == "list":
        yield _list(letters, rest or None, now)
        return
    word, _, reason = rest.partition(" ")
    if not word:
        raise Mistake(f"the id is missing: expected /dlq {verb} {FORMS[verb]}")
    if reason and (verb == "show" or word != "all"):
        raise Mistake(f"{reason.strip()!r} is too much: expected /dlq {verb} {FORMS[verb]}")
    match verb:
        case "show":
            yield _shown(letters.show(word), now)
        case "purge":
            yield _purge(letters, word, reason.strip() or None)
        case _:
            async for line in _redrive(letters, word, reason.strip() or None):
                yield line


def _list(letters: LettersHandle, reason: str | None, now: float) -> RenderableType:
    found = letters.list(reason)
    head = Text(_counts(letters, found, reason), style="dim")
    if not found:
        return head
    rows = [
        (one.id, ago(now - one.at), one.reason, one.recipient, one.kind, one.error or _content(one)) for one in found
    ]
    return Group(head, listed(("letter", "since", "reason", "for", "kind", "what"), rows))


def _counts(letters: LettersHandle, found: Sequence[DeadLetter], reason: str | None) -> str:
    every = ", ".join(f"{count} {name}" for name, count in sorted(letters.counts.items()))
    kept = f"{_number(len(found))}{f' with the reason {reason}' if reason else ''}"
    return f"{kept}; so far {every}" if every else kept


def _number(count: int) -> str:
    return f"{count or 'no'} dead letter{'' if count == 1 else 's'}"


def _content(letter: DeadLetter) -> str:
    message = letter.message
    return as_text(message.input if isinstance(message, Task) else message)


def _shown(letter: DeadLetter, now: float) -> RenderableType:
    head = Text(f"{letter.id}, {letter.reason}, {ago(now - letter.at)} ago", style="bold")
    hint = Text(f"/dlq redrive {letter.id}   /dlq purge {letter.id}", style="dim")
    return Group(head, facts(_facts(letter)), hint)


def _facts(letter: DeadLetter) -> Iterator[tuple[str, str]]:
    yield "for", letter.recipient
    yield "kind", letter.kind
    yield "content", _content(letter)
    if isinstance(letter.message, Task):
        yield "task", letter.message.id
        yield "key", letter.message.idempotency_key
    if letter.error:
        yield "error", letter.error
    for attempt in letter.evidence.attempts if letter.evidence is not None else ():
        how = attempt.error or attempt.failure or "rejected"
        yield "tried", f"{attempt.agent}, attempt {attempt.attempt} ({attempt.rung}): {how}"


def _purge(letters: LettersHandle, word: str, reason: str | None) -> RenderableType:
    count = letters.purge(reason=reason) if word == "all" else letters.purge(word)
    return Text(f"{_number(count)} thrown away", style="green")


async def _redrive(letters: LettersHandle, word: str, reason: str | None) -> AsyncIterator[RenderableType]:
    if word != "all":
        letter = letters.show(word)
        yield Text(f"{word} is given to {letter.recipient} again", style="dim")
        yield _became(word, await letters.redrive(word))
        return
    count = len(letters.list(reason))
    yield Text(f"{_number(count)} given again", style="dim")
    for id_, ended in (await letters.redrive_all(reason)).items():
        yield _became(id_, ended)


def _became(letter: str, ended: Any) -> Text:
    """Returns what became of a letter that was redriven, on one line."""
    if isinstance(ended, BaseException):
        return Text(one_line(f"{letter}: {describe(ended)}"), style="red")
    if not isinstance(ended, Outcome):
        return Text(f"{letter}: handled" + ("" if ended is None else f", {as_text(ended)}"), style="green")
    said = "; ".join(filter(None, (one_line(answer(ended)), verdict(ended))))
    return Text(f"{letter}: {said or ended.status}", style=STYLES.get(ended.status, "red"))
