"""Several judges: their order, what follows from what they say, and what follows if they do not say anything."""

from __future__ import annotations

import asyncio
import math
import threading
import warnings
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.chaos.simulation.simulate import simulate
from treeward.runtime.evidence import Verdict
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task
from treeward.runtime.usage import Usage
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.errors import InvalidSpec
from treeward.supervisors.events import JudgeFailed
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.judges.confidence import ConfidenceJudge
from treeward.supervisors.judges.judge import Submission
from treeward.supervisors.judges.panel import Panel
from treeward.supervisors.judges.rules import RulesJudge
from treeward.supervisors.judges.schema import SchemaJudge
from treeward.supervisors.work_errors import CannotSay, ModelRetry

ONE_CALL = Usage(model_calls=1, cost=0.5)


@dataclass(frozen=True)
class Scripted:
    """A judge of the user's own: no base class, only what the protocol asks for."""

    name: str
    says: object = True
    cost: float = 0.0
    timeout: float = 10.0
    on_judge_error: str = "reject"
    breaker: BreakerSpec | None = None
    seconds: float = 0.0
    asked: list | None = None

    async def judge(self, submission, system):
        if self.asked is not None:
            self.asked.append(self.name)
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if isinstance(self.says, BaseException):
            raise self.says
        if isinstance(self.says, bool):
            reason = "" if self.says else f"{self.name} is against it"
            return Verdict("whoever", self.says, reason=reason, usage=ONE_CALL)
        return self.says


class Bench:
    """A system to hear panels in, and what was told meanwhile."""

    def __init__(self, system):
        self.system = system
        self.failed = []
        system.observe(lambda event: self.failed.append(event) if isinstance(event, JudgeFailed) else None)

    async def hear(self, panel, output="out"):
        return await panel.hear(Submission(Task("t", "?"), output, "top/worker"), self.system)

    @property
    def now(self):
        return self.system.clock.monotonic()


@pytest.fixture
def bench():
    """`async with bench() as here`: a system of its own."""

    @asynccontextmanager
    async def run():
        async with ActorSystem(seed=1, blocked_after=None) as system:
            yield Bench(system)

    return run


# --- order and mode ---------------------------------------------------------------------------------


async def test_cheap_ones_first(bench):
    """The order is that of the costs; equally dear ones keep theirs."""
    asked = []
    judges = [Scripted(name, cost=cost, asked=asked) for name, cost in (("c", 10), ("a", 0), ("b1", 2), ("b2", 2))]
    async with bench() as here:
        ruling = await here.hear(Panel(judges))
    assert asked == ["a", "b1", "b2", "c"]
    assert [verdict.judge for verdict in ruling.verdicts] == asked
    assert ruling.accepted


def test_the_kinds_of_judges_come_in_the_order_of_what_they_cost():
    """A schema before rules and confidence, these before a function."""
    judges = [
        FunctionJudge(lambda output, task: True, name="f"),
        ConfidenceJudge(),
        RulesJudge(required=("a",)),
        SchemaJudge({}),
    ]
    assert [judge.name for judge in Panel(judges).judges] == ["schema", "confidence", "rules", "f"]


async def test_first_stops_at_the_first_rejection(bench):
    """Whoever is dearer is not asked any more."""
    asked = []
    judges = [Scripted(name, says, asked=asked) for name, says in (("a", True), ("b", False), ("c", False))]
    async with bench() as here:
        ruling = await here.hear(Panel(judges, "first"))
    assert asked == ["a", "b"]
    assert (ruling.accepted, ruling.feedback) == (False, ("b is against it",))


async def test_all_collects_all_verdicts(bench):
    """With `all` each is asked, at the same time, and the feedback of each rejection is kept in its order."""
    judges = [
        Scripted(name, says, cost=cost, seconds=cost)
        for name, says, cost in (("c", False, 3), ("b", True, 2), ("a", False, 1))
    ]
    async with bench() as here:
        ruling = await here.hear(Panel(judges, "all"))
        assert here.now == 3
    assert [verdict.judge for verdict in ruling.verdicts] == ["a", "b", "c"]
    assert (ruling.accepted, ruling.feedback) == (False, ("a is against it", "c is against it"))


async def test_nobody_to_ask_is_no_objection(bench):
    """A panel without judges accepts."""
    async with bench() as here:
        ruling = await here.hear(Panel())
    assert (ruling.accepted, ruling.escalate, ruling.verdicts, ruling.feedback) == (True, False, (), ())


async def test_names_are_unique(bench):
    """Judges of one name are told apart by a number, in the order in which they were given."""
    names = ["schema", "schema", "schema-2", "schema"]
    async with bench() as here:
        ruling = await here.hear(Panel([Scripted(name) for name in names]))
    assert [verdict.judge for verdict in ruling.verdicts] == ["schema", "schema-2", "schema-2-2", "schema-3"]


async def test_what_judging_costs_is_added_up(bench):
    """The verdicts of a ruling know what each has cost; the ruling has the sum, failures included."""
    judges = [Scripted("a"), Scripted("b", CannotSay("?", ONE_CALL), on_judge_error="accept"), Scripted("c")]
    async with bench() as here:
        ruling = await here.hear(Panel(judges))
    assert ruling.accepted
    assert ruling.usage == Usage(model_calls=3, cost=1.5)


# --- rejections -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "feedback"),
    [
        (Verdict("x", False, reason="why", feedback="mend"), "mend"),
        (Verdict("x", False, reason="why"), "why"),
        (Verdict("x", False), "j rejected it, and gave no reason"),
        (ModelRetry("begin with 'Dear'"), "begin with 'Dear'"),
        (ModelRetry(), "j wants another try"),
    ],
)
async def test_every_rejection_has_feedback(bench, verdict, feedback):
    """The feedback, or else the reason, or else that there is none; `ModelRetry` is a rejection with feedback."""
    async with bench() as here:
        ruling = await here.hear(Panel([Scripted("j", verdict)]))
        assert here.failed == []
    assert (ruling.accepted, ruling.escalate, ruling.feedback) == (False, False, (feedback,))
    assert ruling.verdicts[0].error is None


async def test_texts_are_bounded(bench):
    """A judge that writes a book is cut short."""
    async with bench() as here:
        long = await here.hear(Panel([Scripted("j", Verdict("x", False, reason="r" * 10**6, feedback="f" * 10**6))]))
        retry = await here.hear(Panel([Scripted("j", ModelRetry("f" * 10**6))]))
        broken = await here.hear(Panel([Scripted("j", LookupError("f" * 10**6))]))
    texts = [long.verdicts[0].reason, *long.feedback, *retry.feedback, broken.verdicts[0].error]
    assert [len(text) for text in texts] == [4000] * 4


# --- judges that fail -------------------------------------------------------------------------------

FAILURES = [
    pytest.param(LookupError("boom"), "LookupError: boom", id="raises"),
    pytest.param(CannotSay("the model is down"), "the model is down", id="cannot_say"),
    pytest.param(SystemExit(3), "SystemExit: 3", id="exits"),
    pytest.param(asyncio.CancelledError("mine"), "CancelledError: mine", id="cancels_itself"),
    pytest.param("yes", "j returned 'yes': expected a Verdict", id="text"),
    pytest.param(None, "j returned None: expected a Verdict", id="nothing"),
    pytest.param(Verdict("x", "no"), "expected a Verdict", id="no_boolean"),
    pytest.param(Verdict("x", True, 7.0), "j gave the score 7.0: expected 0 to 1", id="score"),
    pytest.param(Verdict("x", True, math.nan), "j gave the score nan: expected 0 to 1", id="nan"),
    pytest.param(Verdict("x", True, usage=None), "j gave the usage None: expected a Usage", id="no usage"),
    pytest.param(
        Verdict("x", True, usage=Usage(cost="much")), "expected a Usage of numbers, 0 or more", id="a usage of words"
    ),
    pytest.param(Verdict("x", True, "high"), "TypeError", id="score_is_text"),
    pytest.param(Verdict("x", True, error="asleep"), "asleep", id="says_that_it_could_not"),
]
AGREED = [("accept", True, False), ("reject", False, False), ("escalate", False, True)]


@pytest.mark.parametrize(("on_judge_error", "accepted", "escalate"), AGREED)
@pytest.mark.parametrize(("says", "cause"), FAILURES)
async def test_a_judge_that_fails_is_no_verdict(bench, says, cause, on_judge_error, accepted, escalate):
    """What becomes of the output is what was agreed; the verdict says why, and so does an event."""
    async with bench() as here:
        ruling = await here.hear(Panel([Scripted("j", says, on_judge_error=on_judge_error)]))
        (told,) = here.failed
    assert (ruling.accepted, ruling.escalate, ruling.feedback) == (accepted, escalate, ())
    (verdict,) = ruling.verdicts
    assert (verdict.judge, verdict.accepted) == ("j", accepted)
    assert cause in verdict.error
    assert (told.path, told.incarnation, told.judge, told.task) == ("top/worker", 0, "j", "t")
    assert cause in told.cause


@pytest.mark.parametrize(("on_judge_error", "accepted", "escalate"), AGREED)
async def test_a_judge_that_is_late_is_no_verdict(bench, on_judge_error, accepted, escalate):
    """Its timeout is its own, and exact."""
    async with bench() as here:
        judge = Scripted("j", seconds=60, timeout=2.5, on_judge_error=on_judge_error)
        ruling = await here.hear(Panel([judge]))
        assert here.now == 2.5
    assert (ruling.accepted, ruling.escalate) == (accepted, escalate)
    assert ruling.verdicts[0].error == "j had no verdict within 2.5 s"


async def test_each_judge_has_its_own_timeout(bench):
    """One that is late does not take the time of the others."""
    judges = [Scripted(f"j{n}", seconds=9, on_judge_error="accept") for n in range(3)]
    async with bench() as here:
        ruling = await here.hear(Panel(judges))
        assert here.now == 27
    assert [verdict.error for verdict in ruling.verdicts] == [None] * 3


@pytest.mark.parametrize("mode", ["first", "all"])
async def test_an_escalation_is_never_an_acceptance(bench, mode):
    """Also if all others accept; with `first` nobody else is asked."""
    asked = []
    judges = [
        Scripted("a", asked=asked),
        Scripted("b", LookupError("x"), on_judge_error="escalate", asked=asked),
        Scripted("c", asked=asked),
    ]
    async with bench() as here:
        ruling = await here.hear(Panel(judges, mode))
    assert (ruling.accepted, ruling.escalate) == (False, True)
    assert asked == (["a", "b"] if mode == "first" else ["a", "b", "c"])


async def test_a_judge_that_does_not_await_is_a_judge_that_failed(bench):
    """A user's class with a `def judge` is no judge, and says so when it is asked."""

    class Hasty(Scripted):
        def judge(self, submission, system):
            return Verdict("x", True)

    async with bench() as here:
        ruling = await here.hear(Panel([Hasty("j")]))
    assert not ruling.accepted
    assert "await" in ruling.verdicts[0].error


async def test_a_judge_that_ignores_its_end_holds_nobody_up(bench):
    """The ruling comes at the timeout; the judge is abandoned, counted, and forgotten once it has ended."""
    free = asyncio.Event()

    async def stubborn(output, task):
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue

    panel = Panel([FunctionJudge(stubborn, timeout=1.0)])
    async with bench() as here:
        assert not (await here.hear(panel)).accepted
        assert here.now == 1.0
        assert panel.abandoned == 1
        free.set()
        await asyncio.sleep(0.1)
        assert panel.abandoned == 0


@pytest.mark.parametrize("mode", ["first", "all"])
async def test_whoever_stops_waiting_is_free_at_once(bench, mode):
    """If the hearing is cancelled, so is the judge; a stubborn one is not waited for."""
    free, began = asyncio.Event(), asyncio.Event()

    async def stubborn(output, task):
        began.set()
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue

    panel = Panel([FunctionJudge(stubborn, breaker=BreakerSpec(failures=1))], mode)
    async with bench() as here:
        hearing = asyncio.ensure_future(here.hear(panel))
        await began.wait()
        hearing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hearing
        assert here.now == 0.0
        assert panel.abandoned == 1
        assert here.failed == []
        assert panel.breakers["stubborn"].view(0.0).state == "closed"
        free.set()
        await asyncio.sleep(0.1)


@pytest.mark.realtime
async def test_a_judge_that_blocks_its_thread_is_late_and_no_more():
    """With `dispatcher: thread` a function that blocks holds neither the loop nor the ruling up."""
    free = threading.Event()

    def blocking(output, task):
        free.wait(10)

    async with ActorSystem(blocked_after=None) as system:
        panel = Panel([FunctionJudge(blocking, dispatcher="thread", timeout=0.05)])
        ruling = await panel.hear(Submission(Task("t", "?"), "out", "top/a"), system)
    free.set()
    assert ruling.verdicts[0].error == "blocking had no verdict within 0.05 s"


# --- breakers ---------------------------------------------------------------------------------------


async def test_a_judge_that_fails_too_often_is_not_asked_any_more(bench):
    """Its breaker opens; until it closes, the judge has no verdict, at once. A probe that succeeds closes it."""
    asked, spec = [], BreakerSpec(failures=2, cooldown=30.0)
    broken = Scripted("j", LookupError("x"), breaker=spec, asked=asked, on_judge_error="escalate")
    panel = Panel([broken])
    async with bench() as here:
        rulings = [await here.hear(panel) for _ in range(4)]
        assert len(asked) == 2
        assert [ruling.escalate for ruling in rulings] == [True] * 4
        assert rulings[3].verdicts[0].error == "the circuit breaker of judge j is open for another 30 s"
        assert len(here.failed) == 4
        await asyncio.sleep(30)
        panel.adopt([replace(broken, says=True)], "first")
        assert (await here.hear(panel)).accepted
        assert panel.breakers["j"].view(here.now).state == "closed"


@pytest.mark.parametrize(
    ("says", "counts"),
    [(True, False), (False, False), (ModelRetry("x"), False), (LookupError("x"), True), ("yes", True)],
)
async def test_what_counts_for_a_judges_breaker(bench, says, counts):
    """A judge that rejects works; one that fails, or says what is no verdict, does not."""
    panel = Panel([Scripted("j", says, breaker=BreakerSpec(failures=1))])
    async with bench() as here:
        await here.hear(panel)
        assert (panel.breakers["j"].view(here.now).state == "open") is counts


async def test_a_slow_judge_and_a_dear_one_open_theirs(bench):
    """A timeout is a failure; slow and dear calls count as the spec says."""
    late = Scripted("late", seconds=60, timeout=1.0, breaker=BreakerSpec(failures=1))
    slow = Scripted("slow", seconds=5, breaker=BreakerSpec(failures=1, slow=4.0))
    dear = Scripted("dear", breaker=BreakerSpec(failures=1, dear=0.4))
    panel = Panel([late, slow, dear], "all")
    async with bench() as here:
        await here.hear(panel)
        assert {name: breaker.view(here.now).state for name, breaker in panel.breakers.items()} == dict.fromkeys(
            ("late", "slow", "dear"), "open"
        )


async def test_a_breaker_tells_of_its_changes(bench):
    """Whoever made the panel hears whose breaker went from where to where, and why."""
    told = []
    panel = Panel(
        [Scripted("j", LookupError("x"), breaker=BreakerSpec(failures=1))], "first", lambda *a: told.append(a)
    )
    async with bench() as here:
        await here.hear(panel)
    assert told == [("j", "closed", "open", "1 failures within 120 s")]


# --- other judges -----------------------------------------------------------------------------------


async def test_other_judges_can_be_adopted(bench):
    """The judges and the mode can change; a breaker stays if name and spec do."""
    spec = BreakerSpec(failures=1)
    panel = Panel([Scripted("a", LookupError("x"), breaker=spec), Scripted("b", breaker=spec)], "all")
    async with bench() as here:
        await here.hear(panel)
        kept, other = panel.breakers["a"], panel.breakers["b"]
        panel.adopt([Scripted("a", breaker=spec), Scripted("b", breaker=BreakerSpec(failures=2))], "first")
        assert panel.mode == "first"
        assert panel.breakers["a"] is kept
        assert panel.breakers["b"] is not other
        assert (await here.hear(panel)).verdicts[0].error == "the circuit breaker of judge a is open for another 30 s"
        panel.adopt([], "all")
        assert (panel.judges, panel.breakers) == ((), {})
        assert (await here.hear(panel)).accepted


@pytest.mark.parametrize(("judges", "mode"), [(["critic"], "first"), ([lambda output: True], "first"), ([], "some")])
def test_what_is_no_judge_is_refused(judges, mode):
    """A panel takes what has the attributes of a judge, and a mode that there is."""
    with pytest.raises(InvalidSpec, match="expected"):
        Panel(judges, mode)


# --- always -----------------------------------------------------------------------------------------

SAYS = st.sampled_from([True, False, LookupError("x"), ModelRetry("again"), "nonsense", Verdict("x", True, 2.0)])
JUDGES = st.lists(
    st.builds(
        Scripted,
        name=st.sampled_from(["a", "b"]),
        says=SAYS,
        cost=st.integers(0, 3),
        seconds=st.sampled_from([0.0, 0.0, 5.0, 20.0]),
        on_judge_error=st.sampled_from(["accept", "reject", "escalate"]),
        breaker=st.sampled_from([None, BreakerSpec(failures=1)]),
    ),
    max_size=5,
)


@given(JUDGES, st.sampled_from(["first", "all"]))
async def test_a_ruling_accepts_if_and_only_if_no_verdict_rejects(judges, mode):
    """Whatever judges do: accepted means that none rejects, escalation is never acceptance, time is bounded."""
    async with ActorSystem(seed=1, blocked_after=None) as system:
        here, panel = Bench(system), Panel(judges, mode)
        for _ in range(2):
            begun = here.now
            ruling = await here.hear(panel)
            assert ruling.accepted is all(verdict.accepted for verdict in ruling.verdicts)
            assert not (ruling.accepted and ruling.escalate)
            assert all(ruling.feedback)
            assert here.now - begun <= 10.0 * max(1, len(judges))
            if ruling.accepted or mode == "all":
                assert len(ruling.verdicts) == len(judges)
            assert len({verdict.judge for verdict in ruling.verdicts}) == len(ruling.verdicts)


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(object),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.frozensets(st.integers()),
    max_leaves=10,
)
STRICT = [
    replace(judge, on_judge_error="accept")
    for judge in (
        SchemaJudge({"type": "object", "required": ["amount"], "properties": {"amount": {"type": "number"}}}),
        RulesJudge(required=("amount",), forbid=("secret",), match={"amount": "."}),
        ConfidenceJudge(),
    )
]


@given(HOSTILE)
async def test_no_output_can_make_these_judges_fail(output):
    """Even where a judge that fails accepts: what is no good output is rejected, never let through by a failure."""
    async with ActorSystem(seed=1, blocked_after=None) as system:
        here = Bench(system)
        for one in (output, {"amount": output}, {"confidence": output}):
            ruling = await here.hear(Panel(STRICT, "all"), one)
            assert not ruling.accepted
            assert here.failed == []
            assert [verdict.error for verdict in ruling.verdicts] == [None] * 3


def test_who_gives_up_at_once_leaves_no_judge_that_was_never_asked(bench):
    """Ended before the judge's own task has begun, in whatever order tasks run: Python has nothing to warn of."""

    async def main():
        async with bench() as judges:
            hearing = asyncio.ensure_future(judges.hear(Panel((Scripted("slow", seconds=1.0),))))
            await asyncio.sleep(0)
            hearing.cancel()
            await asyncio.wait({hearing})
            await asyncio.sleep(2)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for seed in range(20):
            simulate(main, seed=seed).result()
    assert [str(one.message) for one in warned] == []
