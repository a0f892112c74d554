"""A quorum as judge: weighted votes of several."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.runtime.evidence import Verdict
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task
from treeward.runtime.usage import Usage
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.errors import InvalidSpec
from treeward.supervisors.events import JudgeFailed
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.judges.judge import Submission
from treeward.supervisors.judges.panel import Panel
from treeward.supervisors.judges.quorum import Quorum
from treeward.supervisors.judges.seat import Heard
from treeward.supervisors.work_errors import CannotSay, ModelRetry

ONE_CALL = Usage(model_calls=1, cost=0.5)
SAID = {"+": True, "-": False, "?": None}


def member(name="m", answer=True, **options):
    return FunctionJudge(lambda output, task: answer, name=name, **options)


def heard(says):
    """Returns what members said: one character each, + for yes, - for no, ? for a failure."""
    found = []
    for number, sign in enumerate(says):
        judge, name = member(f"m{number}"), f"m{number}"
        if sign == "?":
            found.append(Heard(judge, name, cause="broken", usage=ONE_CALL))
        else:
            reason = "" if sign == "+" else f"because {number}"
            verdict = Verdict(name, sign == "+", reason=reason, usage=ONE_CALL)
            found.append(Heard(judge, name, verdict, usage=ONE_CALL))
    return found


def quorum_of(says, weights=None, **options):
    return Quorum([member(f"m{n}") for n in range(len(says))], weights, **options)


@pytest.mark.parametrize(
    ("says", "weights", "accept_at", "accepted", "share"),
    [
        ("+", None, 0.5, True, 1.0),
        ("-", None, 0.5, False, 0.0),
        ("++-", None, 0.5, True, 2 / 3),
        ("+--", None, 0.5, False, 1 / 3),
        ("+-", None, 0.5, False, 0.5),
        ("+-", (2, 1), 0.5, True, 2 / 3),
        ("+-", (1, 2), 0.5, False, 1 / 3),
        ("+--", (2, 1, 1), 0.5, False, 0.5),
        ("++-", None, 2 / 3, True, 2 / 3),
        ("++-", None, 0.7, False, 2 / 3),
        ("+++", None, 1.0, True, 1.0),
        ("++-", None, 1.0, False, 2 / 3),
        ("+" * 10, (0.1,) * 10, 1.0, True, 1.0),
        ("++?", None, 0.5, True, 1.0),
        ("+-?", None, 0.5, False, 0.5),
        ("+?", None, 0.5, True, 1.0),
        ("+??", None, 0.5, None, None),
        ("?", None, 0.5, None, None),
        ("-??", (2, 1, 1), 0.5, False, 0.0),
        ("+?-", (1, 2, 1), 0.5, False, 0.5),
        ("+?", (1, 1.01), 0.5, None, None),
    ],
)
def test_the_weight_decides(says, weights, accept_at, accepted, share):
    """More than half of the weight that spoke, and `accept_at`, must accept; half of all must have spoken."""
    quorum = quorum_of(says, weights, accept_at=accept_at)
    if accepted is None:
        with pytest.raises(CannotSay, match="quorum: too few could say") as caught:
            quorum.weigh(heard(says))
        assert caught.value.usage.model_calls == len(says)
        return
    verdict = quorum.weigh(heard(says))
    assert (verdict.judge, verdict.accepted) == ("quorum", accepted)
    assert verdict.score == pytest.approx(share)
    assert verdict.usage.model_calls == len(says)


def test_the_reason_has_what_each_said():
    """Who accepts, who rejects and why, who could not say and why; feedback is that of those who reject."""
    verdict = quorum_of("+-?-").weigh(heard("+-?-"))
    assert verdict.reason == (
        "33% of the votes accept: m0 accepts; m1 rejects (because 1); m2 could not say (broken); m3 rejects (because 3)"
    )
    assert verdict.feedback == "because 1\nbecause 3"
    assert quorum_of("+").weigh(heard("+")).feedback == ""


@given(st.lists(st.tuples(st.sampled_from("+-?"), st.floats(0.01, 100)), min_size=1, max_size=8), st.floats(0.5, 1))
def test_more_consent_never_turns_yes_into_no(votes, accept_at):
    """If a member changes its mind to yes, an accepting quorum goes on accepting."""
    says, weights = "".join(sign for sign, _ in votes), tuple(weight for _, weight in votes)
    quorum = quorum_of(says, weights, accept_at=accept_at)
    try:
        before = quorum.weigh(heard(says))
    except CannotSay:
        return
    for place, sign in enumerate(says):
        if sign == "-" and before.accepted:
            assert quorum.weigh(heard(f"{says[:place]}+{says[place + 1 :]}")).accepted


# --- asked ------------------------------------------------------------------------------------------


def slow(seconds, answer=True):
    async def judge(output, task):
        await asyncio.sleep(seconds)
        return answer

    return judge


async def hear(panel, system):
    return await panel.hear(Submission(Task("t", "?"), "out", "top/a"), system)


async def test_members_are_asked_at_the_same_time():
    """A quorum takes as long as its slowest member."""
    async with ActorSystem(seed=1, blocked_after=None) as system:
        quorum = Quorum([FunctionJudge(slow(seconds)) for seconds in (3, 5, 4)])
        assert (await hear(Panel([quorum]), system)).accepted
        assert system.clock.monotonic() == 5


async def test_a_member_that_is_late_has_no_vote():
    """Each has its own timeout; the others decide."""
    async with ActorSystem(seed=1, blocked_after=None) as system:
        quorum = Quorum([FunctionJudge(slow(60), timeout=2.0, name="late"), member("a"), member("b", False)], (1, 2, 1))
        (verdict,) = (await hear(Panel([quorum]), system)).verdicts
        assert verdict.accepted
        assert "quorum/late could not say (quorum/late had no verdict within 2 s)" in verdict.reason
        assert system.clock.monotonic() == 2


async def test_a_members_own_on_judge_error_does_not_apply():
    """A member that fails has no vote, and does not pass for one that accepts."""
    broken = FunctionJudge(lambda output, task: 1 / 0, name="broken", on_judge_error="accept")
    async with ActorSystem(seed=1, blocked_after=None) as system:
        ruling = await hear(Panel([Quorum([broken, member("no", False)])]), system)
    assert not ruling.accepted
    assert ruling.verdicts[0].error is None


async def test_a_quorum_that_cannot_say_is_a_judge_that_failed():
    """Then its own `on_judge_error` decides; each failure is an event."""
    events = []
    broken = [FunctionJudge(lambda output, task: 1 / 0, name=f"b{n}") for n in range(2)]
    async with ActorSystem(seed=1, blocked_after=None) as system:
        system.observe(events.append)
        ruling = await hear(Panel([Quorum([*broken, member()], on_judge_error="escalate")]), system)
    assert (ruling.accepted, ruling.escalate) == (False, True)
    assert [event.judge for event in events if isinstance(event, JudgeFailed)] == ["quorum/b0", "quorum/b1", "quorum"]


async def test_a_member_may_ask_for_another_try():
    """`ModelRetry` is a no with feedback, of a member too."""

    def strict(output, task):
        raise ModelRetry("begin with 'Dear'")

    async with ActorSystem(seed=1, blocked_after=None) as system:
        ruling = await hear(Panel([Quorum([FunctionJudge(strict)])]), system)
    assert (ruling.accepted, ruling.feedback) == (False, ("begin with 'Dear'",))


async def test_a_members_breaker_stays_with_the_panel():
    """A member that fails too often is not asked any more, and its vote is gone at once."""
    asked = []

    def broken(output, task):
        asked.append(output)
        raise LookupError("down")

    fragile = FunctionJudge(broken, name="fragile", breaker=BreakerSpec(failures=2))
    panel = Panel([Quorum([fragile, member("a")])])
    async with ActorSystem(seed=1, blocked_after=None) as system:
        for _ in range(4):
            assert (await hear(panel, system)).accepted
    assert len(asked) == 2
    assert list(panel.breakers) == ["quorum/fragile"]
    assert panel.breakers["quorum/fragile"].view(0.0).state == "open"


async def test_a_quorum_in_a_quorum():
    """A member may be several itself."""
    inner = Quorum([member("a", False), member("b", False)], name="inner")
    async with ActorSystem(seed=1, blocked_after=None) as system:
        ruling = await hear(Panel([Quorum([inner, member("c"), member("d")])]), system)
    assert ruling.accepted
    assert "quorum/inner rejects (0% of the votes accept: quorum/inner/a rejects" in ruling.verdicts[0].reason


async def test_without_a_panel():
    """It can be asked by itself, as any judge."""
    async with ActorSystem(seed=1, blocked_after=None) as system:
        verdict = await Quorum([member(), member()]).judge(Submission(Task("t", "?"), "out", "top/a"), system)
    assert verdict.accepted


# --- the spec ---------------------------------------------------------------------------------------


def test_cost_and_timeout_follow_from_its_members():
    """The cost is the sum of theirs, the timeout a second more than the longest; both can be said."""
    quorum = Quorum([member(cost=2, timeout=3.0), member(cost=5, timeout=20.0)])
    assert (quorum.cost, quorum.timeout, quorum.name, quorum.on_judge_error) == (7, 21.0, "quorum", "reject")
    told = Quorum([member()], cost=1, timeout=5.0)
    assert (told.cost, told.timeout) == (1, 5.0)
    assert Quorum([told], name="x").cost == 1


@pytest.mark.parametrize(
    ("judges", "options"),
    [
        ([], {}),
        (["critic"], {}),
        ([member()], {"weights": (1, 2)}),
        ([member()], {"weights": (0,)}),
        ([member()], {"weights": (-1,)}),
        ([member()], {"weights": 1}),
        ([member()], {"accept_at": 0.4}),
        ([member()], {"accept_at": 1.1}),
        ([member()], {"cost": -1}),
        ([member()], {"timeout": 0}),
    ],
)
def test_illegal_values(judges, options):
    """A quorum has members, weights above 0, and at least a majority to accept."""
    with pytest.raises(InvalidSpec, match="expected"):
        Quorum(judges, **options)
