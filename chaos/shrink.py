"""The fewest faults with which a seed still fails, as a plan that stands alone.

First the faults that happened are taken away, as many at a time as go: delta debugging, `ddmin` of Zeller and
Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (IEEE TSE 28(2), 2002). What is left is written down as
rules that name their visits, and run. Then what was drawn for them is made simpler, where it still fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

from .plans.amounts import Span
from .plans.choices import Choices
from .plans.grammar import Action, Program, Term, parse_action
from .subject import Subject
from .trial import run_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from .faults.fired import Fired, Occurrence
    from .plans.plan import Fault, Plan
    from .plans.work import Work
    from .trial import Trial

__all__ = ["MOST_TRIES", "Shrunken", "ddmin", "shrink"]

T = TypeVar("T")

MOST_TRIES = 300
"""Runs that shrinking may take, where nothing else is said."""

FOR_FAULTS = 75
"""Of a hundred of them, those for which faults are left out; what is left of them is for the plan."""


@dataclass(frozen=True)
class Shrunken:
    """A failure with as few faults as were found.

    Attributes:
        plan: stands alone: its rules name the visits at which they act, its knobs have one value each.
        trial: a run of that plan, from the seed of the failure.
        before: how many faults happened in the failing run.
        tries: how many runs it took.
        complete: whether it ended by itself: no further fault can be left out. If not, the tries were used up.
        exact: whether the plan fails as the seed did. If not, `plan` is the one that was run, with its knobs and
            faults as this seed draws them, and `only` names the faults that are needed.
        only: the faults that are needed.
    """

    plan: Plan
    trial: Trial
    before: int
    tries: int
    complete: bool
    exact: bool
    only: tuple[Occurrence, ...]

    @property
    def faults(self) -> int:
        """How many faults are left."""
        return len(self.only)


class _Spent(Exception):
    """The tries are used up, or nobody wants any more."""


def shrink(
    subject: Subject,
    failing: Trial,
    *,
    most_tries: int = MOST_TRIES,
    told: Callable[[int, int], object] = lambda *_: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Shrunken:
    """Returns the failure with as few faults as `most_tries` runs can find.

    Args:
        subject: what was tried.
        failing: a run that failed. What counts as the same failure is a violation of what failed first there.
        most_tries: a bound for the runs.
        told: hears after each run how many there were, and how many faults are left.
        stopped: whether it is to end before the next run, with what it has by then.
    """
    shrinking = _Shrinking(subject, failing, most_tries, told)
    shrinking.stopped = stopped
    return shrinking.result()


class _Shrinking:
    def __init__(self, subject: Subject, failing: Trial, most_tries: int, told: Callable[[int, int], object]) -> None:
        self._subject = subject
        self._failing = failing
        self._wanted = failing.violations[0].invariant
        self._most_tries = most_tries
        self._told = told
        self._tries = 0
        self._left = len(_occurrences(failing.fired))
        self._best = failing
        self._known: dict[frozenset[Occurrence], bool] = {}
        self.stopped: Callable[[], bool] = lambda: False

    def result(self) -> Shrunken:
        complete, whole = True, self._most_tries
        self._most_tries = max(1, whole * FOR_FAULTS // 100)
        try:
            ddmin(_occurrences(self._before_it_failed()), self._fails_with)
        except _Spent:
            complete = False
        only = _occurrences(self._best.fired)
        self._most_tries = whole
        plan, trial = self._as_plan()
        return Shrunken(
            plan=plan or _settled(self._subject.plan, self._failing),
            trial=trial or self._best,
            before=len(_occurrences(self._failing.fired)),
            tries=self._tries,
            complete=complete,
            exact=plan is not None,
            only=tuple(only),
        )

    # Fewer faults. ------------------------------------------------------------------------------------

    def _before_it_failed(self) -> Sequence[Fired]:
        """Returns the faults that may have led to it: later ones go at once, if it fails without them."""
        end = self._failing.violations[0].at
        before = [fired for fired in self._failing.fired if fired.at <= end]
        if len(before) == len(self._failing.fired) or self._fails_with(_occurrences(before)):
            return before
        return self._failing.fired

    def _fails_with(self, occurrences: Sequence[Occurrence]) -> bool:
        only = frozenset(occurrences)
        if only not in self._known:
            trial = self._try(self._subject, only)
            self._known[only] = trial is not None
            if trial is not None:
                self._best = trial
                self._left = len(_occurrences(trial.fired))
        return self._known[only]

    def _try(self, subject: Subject, only: frozenset[Occurrence] | None = None) -> Trial | None:
        """Runs once, and returns the run if it fails as it should."""
        if self._tries >= self._most_tries or self.stopped():
            raise _Spent
        self._tries += 1
        trial = run_trial(subject, self._failing.seed, policy=self._failing.policy, only=only)
        self._told(self._tries, self._left)
        return trial if any(one.invariant == self._wanted for one in trial.violations) else None

    # A plan of what is left. --------------------------------------------------------------------------

    def _as_plan(self) -> tuple[Plan | None, Trial | None]:
        """Returns a plan with those faults alone, and its run, if it fails; with simpler arguments, if it does then.

        What is drawn beside an action's arguments may come out in another way once those are no longer drawn: then they
        stay as the original plan has them.
        """
        for terms in (_as_drawn, _as_written):
            plan = _alone(self._subject.plan, self._best, terms)
            trial = self._fails_as(plan)
            if trial is not None:
                return self._with_less_work(*self._simpler(plan, trial))
        return None, None

    def _fails_as(self, plan: Plan) -> Trial | None:
        subject = Subject(self._subject.tree, plan, self._subject.allow, self._subject.invariants)
        try:
            return self._try(subject)
        except _Spent:
            return None

    def _simpler(self, plan: Plan, trial: Trial) -> tuple[Plan, Trial]:
        for index, _ in enumerate(plan.faults):
            for simpler in _with_round_times(plan, index):
                found = self._fails_as(simpler)
                if found is not None:
                    plan, trial = simpler, found
                    break
        return plan, trial

    def _with_less_work(self, plan: Plan, trial: Trial) -> tuple[Plan, Trial]:
        """Returns the plan with as few requests as still make it fail, the last works looked at first."""
        for index in reversed(range(len(plan.work))):
            enough, few = plan.work[index].times, 0 if len(plan.work) > 1 and plan.parity is None else 1
            while few < enough:
                times = (few + enough) // 2
                found = self._fails_as(fewer := _with_times(plan, index, times))
                if found is None:
                    few = times + 1
                else:
                    enough, plan, trial = times, fewer, found
        return plan, trial


def ddmin(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """Returns as few of the items as still fail, in their order: none of them can be left out alone.

    All of them together are taken to fail. `fails` is asked of none first: it may need no item at all.
    """
    if not items or fails(()):
        return ()
    parts = 2
    while len(items) > 1:
        some = next((part for part in _parts(items, parts) if fails(part)), None)
        rest = None if some is not None or parts == 2 else next((r for r in _rests(items, parts) if fails(r)), None)
        if some is not None:
            items, parts = some, 2
        elif rest is not None:
            items, parts = rest, max(parts - 1, 2)
        elif parts < len(items):
            parts = min(2 * parts, len(items))
        else:
            break
    return items


def _parts(items: Sequence[T], number: int) -> Iterator[Sequence[T]]:
    """Yields the items in so many parts."""
    yield from (items[low:high] for low, high in _bounds(len(items), number))


def _rests(items: Sequence[T], number: int) -> Iterator[Sequence[T]]:
    """Yields what is left without each of those parts."""
    yield from ([*items[:low], *items[high:]] for low, high in _bounds(len(items), number))


def _bounds(length: int, number: int) -> Iterator[tuple[int, int]]:
    yield from ((length * part // number, length * (part + 1) // number) for part in range(number))


def _occurrences(fired: Sequence[Fired]) -> list[Occurrence]:
    """Returns what names the faults, each once, in their order: one may hit several."""
    return list(dict.fromkeys(one.occurrence for one in fired))


# --- a plan that stands alone -----------------------------------------------------------------------


def _settled(plan: Plan, trial: Trial) -> Plan:
    """Returns the plan as one seed has it: with nothing drawn for the tree, and the rules that fired."""
    knobs = {name: Choices((value,)) for name, value in trial.knobs.items()}
    changes: dict[str, Any] = {"knobs": knobs, "swarm": False, "work": tuple(_given(plan, trial))}
    return plan.only({fired.rule for fired in trial.fired}).model_copy(update=changes)


def _given(plan: Plan, trial: Trial) -> Iterator[Work]:
    """Yields the works that a run has given, with no chance left about it."""
    given = {name.rpartition(" ")[0] for name in trial.answers} | set(trial.answers)
    for work in plan.work:
        if work.id is None or work.chance == 1:
            yield work
        elif work.id in given:
            yield work.model_copy(update={"chance": 1.0})


def _alone(plan: Plan, trial: Trial, terms: Callable[[Fault, Sequence[Fired]], tuple[Term, ...]]) -> Plan:
    """Returns the plan with rules that name the visits at which a run had its faults."""
    settled = _settled(plan, trial)
    faults = []
    for rule, fault in settled.rules.items():
        fired = {one.number: one for one in trial.fired if one.rule == rule}
        hits = [fired[number] for number in sorted(fired)]
        program = Program((terms(fault, hits),))
        faults.append(fault.model_copy(update={"do": program, "shape": None, "on": tuple(sorted(fired))}))
    first = trial.violations[0]
    title = f"{plan.name}, shrunk: seed {trial.seed}, policy {trial.policy} fails {first.invariant}"
    return settled.model_copy(update={"faults": tuple(faults), "title": title})


def _as_drawn(_: Fault, hits: Sequence[Fired]) -> tuple[Term, ...]:
    """Returns a term for each visit, with the arguments that were drawn; equal ones in a row become one."""
    return _terms([parse_action(one.action) for one in hits])


def _as_written(fault: Fault, hits: Sequence[Fired]) -> tuple[Term, ...]:
    """Returns a term for each visit, with the arguments as the plan has them, where it is clear which they were."""
    written: dict[str, list[Action]] = {}
    for term in fault.program.terms:
        written.setdefault(term.action.name, []).append(term.action)
    drawn = [parse_action(one.action) for one in hits]
    return _terms([written[one.name][0] if len(written.get(one.name, ())) == 1 else one for one in drawn])


def _terms(actions: Sequence[Action]) -> tuple[Term, ...]:
    if len(set(actions)) == 1:  # its rule names the visits
        return (Term(actions[0]),)
    return tuple(Term(action, times=len(list(same))) for action, same in groupby(actions))


# --- simpler arguments ------------------------------------------------------------------------------


def _with_times(plan: Plan, index: int, times: int) -> Plan:
    """Returns the plan with so many requests of one work; with none, without it."""
    changed = (plan.work[index].model_copy(update={"times": times}),) if times else ()
    return plan.model_copy(update={"work": (*plan.work[:index], *changed, *plan.work[index + 1 :])})


def _with_round_times(plan: Plan, index: int) -> Iterator[Plan]:
    """Yields the plan with rounder times in one of its faults: to whole seconds first, then to fewer digits."""
    fault = plan.faults[index]
    for places in (0, 1, 2):
        terms = tuple(_rounded(term, places) for term in fault.do.terms)
        if terms != fault.do.terms:
            changed = fault.model_copy(update={"do": Program((terms,))})
            faults = (*plan.faults[:index], changed, *plan.faults[index + 1 :])
            yield plan.model_copy(update={"faults": faults})


def _rounded(term: Term, places: int) -> Term:
    action = term.action
    args = tuple(_round(value, places) for value in action.args)
    options: Mapping[str, Any] = {name: _round(value, places) for name, value in action.options.items()}
    return Term(Action(action.name, args, options), term.chance, term.times)


def _round(value: Any, places: int) -> Any:
    """Returns a time rounded to so many places of a second, unless it came to nothing by that."""
    if not isinstance(value, Span) or not value.is_fixed:
        return value
    rounded = round(value.low, places)
    return Span(rounded, rounded) if rounded else value
