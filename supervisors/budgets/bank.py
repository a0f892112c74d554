"""Who waits for room in which ledgers: the order, and the knots that no order would ever undo.

A call gets room in all its ledgers at once, or in none: whoever waits holds nothing by it. Whoever was there first
goes first, and room is kept in all its ledgers for the first one who waits, so that nobody starves. Only the parts
of what is under way may pass: others would have to wait for them in the end.

But what a call is a part of holds on to its own while the call waits. So calls in calls could wait for each other
in a circle: A holds X, and a part of it needs Y; B holds Y, and a part of it needs X. Such a knot is undone as soon
as it is tied. Each who holds something in it does nothing but wait for the part, as the part's own elders do. So
where calls reserve all that is left, the part goes beside them. Where calls have given their word on what they
cost, the word is kept: the part is refused.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from .budget import Call, Demoted, Spent, Wait

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ...runtime.clock import Clock, TimerHandle
    from ...runtime.system import ActorSystem
    from .ledger import Hold, Ledger
    from .purse import Ledgers

__all__ = ["RESERVED", "Bank", "bank_of"]

RESERVED = "all that is left is reserved by others"
"""What is said of a budget for which there was no time left to wait."""

A_MOMENT = 0.001
"""Seconds to the turn of a period that wall clocks can tell apart in any case."""

Key = TypeVar("Key")
Answer: TypeAlias = "tuple[Hold, ...] | Demoted | Spent"
Node: TypeAlias = "Hold | Claim"


class Claim:
    """What one call asks of several ledgers at once. While it waits, it does so for room in `ledger`.

    There it waits for `every` one of the others who hold something, or else for any of them.
    """

    __slots__ = ("answer", "call", "every", "future", "ledger", "ledgers", "number")

    def __init__(self, call: Call, ledgers: Sequence[Ledger], number: int) -> None:
        self.number = number
        self.call = call
        self.ledgers = ledgers
        self.ledger = ledgers[0]
        self.every = True
        self.answer: Answer | None = None
        self.future: asyncio.Future[None] | None = None


class Bank:
    """One runtime's. On its loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count()
        self._held: Counter[str] = Counter()
        """The tasks whose calls hold something."""
        self._wanting: dict[Ledger, dict[Claim, None]] = {}
        """Who waits and needs a ledger, be it that one or another that has no room; oldest first..."""
        self._below: dict[str, dict[Claim, None]] = {}
        """...and who waits and is a part of a task."""
        self._turns: dict[Ledger, TimerHandle] = {}
        self._requests: dict[str, dict[Ledgers, None]] = {}

    # Requests.

    def remember(self, trace: str, ledgers: Ledgers) -> None:
        """Notes who has a ledger for a request."""
        self._requests.setdefault(trace, {})[ledgers] = None

    def forget(self, trace: str) -> None:
        """Drops the ledgers of a request that has ended."""
        for ledgers in self._requests.pop(trace, ()):
            ledgers.forget(trace)

    # Calls.

    async def reserve(self, call: Call, ledgers: Sequence[Ledger], until: float | None) -> Answer:
        """Reserves in all ledgers, or says why not; waits until that monotonic time, None: without end.

        Whoever is cancelled meanwhile has reserved nothing.
        """
        claim = Claim(call, ledgers, next(self._numbers))
        if not self._decide(claim):
            self.changed(self._undone([claim]))
        if claim.answer is None:
            await self._wait(claim, until)
        assert claim.answer is not None  # noqa: S101 - that is what it has waited for
        return claim.answer

    def ended(self, call: Call, ledgers: Iterable[Ledger]) -> None:
        """Takes note that a call holds nothing any more, and serves those who have waited for that."""
        self._held[call.task] -= 1
        if self._held[call.task] < 1:
            del self._held[call.task]
        self.changed(ledgers)

    def changed(self, ledgers: Iterable[Ledger]) -> None:
        """Serves those who wait for these ledgers: there may be room."""
        todo = list(ledgers)
        for ledger in todo:  # it grows on the way
            todo += self._served(ledger)

    # One who waits.

    async def _wait(self, claim: Claim, until: float | None) -> None:
        claim.future = asyncio.get_running_loop().create_future()
        left = None if until is None else max(0.0, until - self._clock.monotonic())
        timer = None if left is None else self._clock.call_later(left, self._give_up, claim)
        try:
            await claim.future
        except asyncio.CancelledError:
            self._take_back(claim)
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _give_up(self, claim: Claim) -> None:
        """Ends the waiting, if it has not ended in the same moment."""
        if claim.future is not None and not claim.future.done():
            self._answer(claim, claim.ledger, Spent(claim.ledger.owner, RESERVED))
            self.changed(claim.ledgers)

    def _take_back(self, claim: Claim) -> None:
        """Undoes it all, be it that it was granted at the very moment at which nobody wanted it any more."""
        self._leave(claim)
        if isinstance(claim.answer, tuple):
            for ledger, hold in zip(claim.ledgers, claim.answer, strict=True):
                ledger.release(hold, self._clock.time())
            self.ended(claim.call, claim.ledgers)
        else:
            self.changed(claim.ledgers)

    def _served(self, ledger: Ledger) -> list[Ledger]:
        """Decides on those who wait for a ledger, in their order; returns the ledgers of those who wait no more."""
        served: list[Ledger] = []
        parts: list[Claim] = []
        waiting: set[tuple[str, ...]] = set()
        for claim in list(self._wanting.get(ledger, ())):
            lineage = claim.call.lineage
            if claim.ledger is not ledger or lineage in waiting:
                continue  # where there is no room for one, there is none for another part of the same
            if self._decide(claim):
                served += claim.ledgers
                continue
            waiting.add(lineage)
            if self._is_part(claim):
                parts.append(claim)
                if claim.ledger is ledger and not claim.every and not ledger.lenient:
                    break  # nor for anybody
        return served + self._undone(parts)

    def _undone(self, claims: list[Claim]) -> list[Ledger]:
        """Looks at all whom these claims wait for, now that they do; returns the ledgers of those who wait no more."""
        served: list[Ledger] = []
        claims = [claim for claim in claims if self._tied(claim)]
        while claims:
            moved: list[Claim] = []
            for claim in self._doubtful(claims):
                before = claim.ledger
                if claim.answer is not None:
                    continue
                if self._decide(claim):
                    served += claim.ledgers
                elif claim.ledger is not before:
                    moved.append(claim)
            claims = moved
        return served

    # Decisions.

    def _decide(self, claim: Claim) -> bool:
        """Grants or refuses what is claimed, if it need not wait; tells whether it did."""
        beside: set[Hold] = set()
        while True:
            ledger, answer = self._ask(claim, beside)
            if not isinstance(answer, Wait):
                break
            self._join(claim, ledger, answer)
            knot = self._knot(claim) - beside
            if not knot:
                return False
            beside |= knot
        self._answer(claim, ledger, answer, beside)
        return True

    def _ask(self, claim: Claim, beside: set[Hold]) -> tuple[Ledger, Wait | Demoted | Spent | None]:
        """Returns what the ledgers say together: to go elsewhere before a no, a no before to wait."""
        now = self._clock.time()
        answers = [(one, one.ask(claim.call, now, beside, self._ahead(one, claim))) for one in claim.ledgers]
        kinds = (Demoted, Spent, Wait)
        return next((pair for kind in kinds for pair in answers if isinstance(pair[1], kind)), answers[0])

    def _ahead(self, ledger: Ledger, claim: Claim) -> int:
        """Returns for how many there has to be room in a ledger before there is for a claim: for the first one."""
        if self._is_part(claim):
            return 0
        first = next(iter(self._wanting.get(ledger, ())), claim)
        return int(first is not claim)

    def _is_part(self, claim: Claim) -> bool:
        """Tells whether it is a part of what holds something, here or elsewhere."""
        return any(task in self._held for task in claim.call.lineage)

    def _answer(
        self, claim: Claim, ledger: Ledger, answer: Demoted | Spent | None, beside: Collection[Hold] = ()
    ) -> None:
        """Grants, or refuses for that ledger's reason; whoever has waited is told."""
        self._leave(claim)
        if answer is None:
            now = self._clock.time()
            claim.answer = tuple(one.enter(claim.call, now, beside) for one in claim.ledgers)
            self._held[claim.call.task] += 1
        else:
            claim.answer = answer
            ledger.refuse(answer)
        if claim.future is not None and not claim.future.done():
            claim.future.set_result(None)

    # Knots.

    def _knot(self, claim: Claim) -> set[Hold]:
        """Returns of those for whom a claim waits all who wait for it in their turn."""
        if not self._is_part(claim) or not self._tied(claim):
            return set()
        others = set(self._others(claim))
        if claim.every:
            return others & self._waiting_for(claim)
        return others if others <= self._stuck(claim) else set()

    def _tied(self, claim: Claim) -> bool:
        """Tells whether there is anything to undo: those for whom it waits do not all work, they wait too."""
        waits = (bool(self._parts(hold)) for hold in self._others(claim))
        return any(waits) if claim.every else all(waits)

    def _waiting_for(self, claim: Claim) -> set[Node]:
        """Returns who cannot go on before a claim is granted."""
        nodes = self._reached(claim)
        found: set[Node] = {claim}
        while more := {node for node in nodes - found if self._waits(node, found)}:
            found |= more
        return found

    def _stuck(self, claim: Claim) -> set[Node]:
        """Returns who cannot go on in a knot where some wait for any of several, and not even one of these can.

        Whoever waits for all of several is not stuck for those who wait for himself: he would go beside them.
        """
        stuck = self._reached(claim)
        beside: dict[Node, set[Node]] = {
            node: self._waiting_for(node) for node in stuck if isinstance(node, Claim) and node.every
        }
        while free := {node for node in stuck - {claim} if not self._waits(node, stuck - beside.get(node, set()))}:
            stuck -= free
        return stuck

    def _waits(self, node: Node, nodes: set[Node]) -> bool:
        """Tells whether a node waits for these."""
        if isinstance(node, Claim):
            waits = (hold in nodes for hold in self._others(node))
            return any(waits) if node.every else all(waits)
        return any(part in nodes for part in self._parts(node))

    def _reached(self, claim: Claim) -> set[Node]:
        """Returns a claim, for whom it waits, for whom they wait, and so on: as far as they wait."""
        todo: list[Node] = [claim]
        found, ledgers = set(todo), set()
        for node in todo:  # it grows on the way
            new: set[Node] = set()
            if not isinstance(node, Claim):
                new.update(self._parts(node))
            elif node.ledger not in ledgers:
                ledgers.add(node.ledger)
                new.update(hold for hold in node.ledger.under_way if self._parts(hold))
            todo += new - found
            found |= new
        return found

    def _others(self, claim: Claim) -> Iterator[Hold]:
        """Yields for whom a claim waits: those who hold something in its ledger, and are not its own elders."""
        return (hold for hold in claim.ledger.under_way if hold.task not in claim.call.lineage)

    def _parts(self, hold: Hold) -> Collection[Claim]:
        """Returns for whom somebody waits who holds something: for his parts that wait."""
        return self._below.get(hold.task, ())

    def _doubtful(self, claims: list[Claim]) -> list[Claim]:
        """Returns the claims that these wait for, perhaps in a knot; oldest first."""
        found = {node for claim in claims for node in self._reached(claim) - {claim}}
        doubtful = [node for node in found if isinstance(node, Claim)]
        return sorted(doubtful, key=lambda claim: claim.number)

    # Who waits.

    def _join(self, claim: Claim, ledger: Ledger, answer: Wait) -> None:
        """Notes that a claim waits, and for which ledger."""
        claim.ledger, claim.every = ledger, answer.every
        for one in claim.ledgers:
            self._wanting.setdefault(one, {})[claim] = None
        for task in claim.call.lineage:
            self._below.setdefault(task, {})[claim] = None
        turn = ledger.turn()
        if turn is not None and ledger not in self._turns:
            left = max(A_MOMENT, turn - self._clock.time())
            self._turns[ledger] = self._clock.call_later(left, self._turned, ledger)

    def _leave(self, claim: Claim) -> None:
        for ledger in claim.ledgers:
            _drop(self._wanting, ledger, claim)
            if ledger not in self._wanting and ledger in self._turns:
                self._turns.pop(ledger).cancel()
        for task in claim.call.lineage:
            _drop(self._below, task, claim)

    def _turned(self, ledger: Ledger) -> None:
        """Begins a ledger's new period: there is room again."""
        del self._turns[ledger]
        self.changed((ledger,))


def _drop(waiting: dict[Key, dict[Claim, None]], key: Key, claim: Claim) -> None:
    """Takes a claim out, and the key if it was the last one there."""
    claims = waiting.get(key)
    if claims is not None:
        claims.pop(claim, None)
        if not claims:
            del waiting[key]


_BANKS: WeakKeyDictionary[ActorSystem, Bank] = WeakKeyDictionary()


def bank_of(system: ActorSystem) -> Bank:
    """Returns the bank of an actor system; it lives and goes with it."""
    found = _BANKS.get(system)
    if found is None:
        found = _BANKS[system] = Bank(system.clock)
    return found
