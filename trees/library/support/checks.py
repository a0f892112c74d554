"""What has to be true of the support tree whatever goes wrong: checks of a run under faults, by its files and answers.

Each is a function of the run (`treeward.chaos.World`), and yields what it has found. They know nothing of how the
tree works: they look into the files with SQL of their own.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from ....agents.state import state_path
from ....runtime.entropy import Entropy
from .desks import DATABASE
from .honesty import denied, left_out, left_to_a_person, unfounded
from .ledger import Ledger
from .people import DEFAULT_CUSTOMER
from .seed import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ....chaos.world import Request, World
    from .ledger import Written

__all__ = [
    "answers_are_honest",
    "changes_are_made_once",
    "effects",
    "fill_books",
    "nothing_is_lost",
    "only_what_was_asked_for",
    "refunds_are_made_once",
]

ANSWERED: Final = frozenset({"ok", "fallback"})
"""The statuses of an answer that leaves nothing to a person: it has to tell of all that was done."""
NOBODY_TOLD: Final = ("I could not pass", "nobody was told of it", "the desk did not take it", "support/desk: ")
"""What an outcome says, to the customer or to whoever asks, where no person could be told."""


FOLDER: Final = "support"

_MADE: Final[dict[float, bytes]] = {}
"""Books that were made in this process, by the moment at which they begin."""


def fill_books(world: World) -> None:
    """Lays the books ready: the same as the tree would make, made once in a process."""
    path, now = state_path(DATABASE), world.loop.wall()
    if now in _MADE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_MADE[now])
    else:
        open_store(path, now=now, rng=Entropy(1).stream("support")).close()
        _MADE[now] = path.read_bytes()


# --- money and plans ----------------------------------------------------------------------------------


def refunds_are_made_once(world: World) -> Iterator[str]:
    """A charge is given back once, for one request, and of charges that repeat each other one always remains."""
    ledger = _ledger(world)
    for name in "payment", "idempotency_key":
        counted = Counter(row[name] for row in ledger.given_back)
        yield from (f"{number} refunds have the {name} {value}" for value, number in counted.items() if number > 1)
    for row in ledger.without_a_charge:
        yield f"customer {row['customer']} has every charge for {row['period_start']} back: {row['back']}"


def changes_are_made_once(world: World) -> Iterator[str]:
    """A request changes a plan once, and ends it once; what it costs is invoiced; the subscription is as the last."""
    ledger = _ledger(world)
    written = ledger.written
    for rows in written.changes, written.cancellations:
        asked = Counter((row["idempotency_key"].partition("/")[0], row["subscription"]) for row in rows)
        yield from (f"{number} of the same for {who}" for who, number in asked.items() if number > 1)
    yield from (
        f"{row['net']} is due, and {row['due']} invoiced" for row in written.changes if row["net"] != row["due"]
    )
    now = {row["id"]: row for row in ledger.touched}
    for row in {row["subscription"]: row for row in written.changes}.values():
        there = now[row["subscription"]]
        if (there["plan"], there["interval"]) != (row["to_plan"], row["to_interval"]):
            yield f"subscription {there['id']} is on {there['plan']}, and was changed to {row['to_plan']}"
    for row in written.cancellations:
        if now[row["subscription"]]["ends_on"] is None:
            yield f"subscription {row['subscription']} was canceled, and goes on"


def only_what_was_asked_for(world: World) -> Iterator[str]:
    """Whatever was written, a request that was accepted has asked for it: for its own customer."""
    customers = {_key(request): _customer(request) for request in world.accepted}
    for row in _ledger(world).written.every:
        key = row["idempotency_key"].partition("/")[0]
        if key not in customers:
            yield f"nobody has asked for {row['idempotency_key']}"
        elif row["customer"] != customers[key]:
            yield f"customer {customers[key]} has asked for {row['idempotency_key']}, and {row['customer']} has it"


def effects(world: World) -> Mapping[str, Any]:
    """Returns what was written for each request, without what depends on the order of all of them, or on the day."""
    written = Ledger(world.state / FOLDER).written
    return {request.name: sorted(_plainly(written.on_behalf_of(_key(request)))) for request in world.accepted}


def _plainly(written: Written) -> Iterator[str]:
    yield from (f"payment {row['payment']} back: {row['reason']}" for row in written.refunds)
    for row in written.changes:
        yield f"subscription {row['subscription']}: {row['from_plan']} to {row['to_plan']}, {row['to_interval']}"
    for row in written.cancellations:
        yield f"subscription {row['subscription']} ends {'at once' if row['immediate'] else 'with its period'}"


# --- answers ------------------------------------------------------------------------------------------


def answers_are_honest(world: World) -> Iterator[str]:
    """Each answer claims what is in the books and no more, denies nothing, and names cases that there are."""
    ledger = _ledger(world)
    cases = {case["id"] for case in ledger.cases}
    last = _last_steps(world)
    for request in world.accepted:
        if request.outcome is None or not isinstance(request.outcome.output, str):
            continue
        text, written = request.outcome.output, ledger.written.on_behalf_of(_key(request))
        faults = [*unfounded(text, written, cases)]
        if last[_key(request)] <= (request.ended_at or 0.0):
            faults += denied(text, written)
            if request.outcome.status in ANSWERED and not left_to_a_person(text):
                faults += left_out(text, written)
        yield from (f"{request.name}: {fault}, in {text!r}" for fault in faults)


def _last_steps(world: World) -> dict[str, float]:
    """Returns when the last step was done under each key: an answer can tell of those that came before it.

    Somebody may have asked again, and a copy of a message may have come late.
    """
    keys = {request.task: _key(request) for request in world.accepted}
    last = dict.fromkeys(keys.values(), 0.0)
    for call in world.log.find("tool.called"):
        key = keys.get(call.facts["trace"])
        if key is not None:
            last[key] = max(last[key], call.at)
    return last


def nothing_is_lost(world: World) -> Iterator[str]:
    """Each request that was accepted has an end; one that is left to a person has a case, or says that it has none."""
    keys = [case["key"] for case in _ledger(world).cases]
    for request in world.accepted:
        outcome = request.outcome
        if outcome is None:
            yield f"{request.name} has no end"
        elif outcome.status in ANSWERED and not (isinstance(outcome.output, str) and outcome.output):
            yield f"{request.name} is {outcome.status} without an answer: {outcome.output!r}"
        elif outcome.status in {"failed", "canceled"} and not outcome.error:
            yield f"{request.name} is {outcome.status}, and nobody says why"
        elif outcome.status == "needs_human" and not _has_case(request, keys):
            yield f"{request.name} is left to a person, and nobody was told: {outcome.output!r}"


def _has_case(request: Request, keys: list[str]) -> bool:
    assert request.outcome is not None  # noqa: S101 - it is looked at first
    said = f"{request.outcome.output} {request.outcome.error}"
    return any(words in said for words in NOBODY_TOLD) or any(key.partition("/")[0] == _key(request) for key in keys)


# --- the run ------------------------------------------------------------------------------------------


def _ledger(world: World) -> Ledger:
    """Returns what is in the files of a closed tree: the same for all checks."""
    found: Ledger = world.kept.setdefault("support", Ledger(world.state / FOLDER))
    return found


def _key(request: Request) -> str:
    return request.key or request.task


def _customer(request: Request) -> int:
    return int(request.context.get("customer_id", DEFAULT_CUSTOMER))
