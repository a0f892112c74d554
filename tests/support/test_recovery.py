"""Each agent of the support tree killed, hung, and made to lie: the customer has an honest answer in time.

In virtual time, but for threads that block. What is honest is read from the books; see `Files.check`.
"""

import asyncio
import threading

import pytest

from treeward.agents.calls import ToolCall
from treeward.runtime.evidence import Verdict
from treeward.runtime.exits import Exit
from treeward.supervisors.events import BreakerChanged, OutputJudged
from treeward.supervisors.judges.schema import SchemaJudge
from treeward.trees.library.support import payments
from treeward.trees.library.support.audit import Auditor
from treeward.trees.library.support.desks import CatalogueDesk, HumanDesk, PaymentsDesk
from treeward.trees.library.support.rules import BillingRules, SalesRules
from treeward.trees.library.support.triage import Triage
from treeward.trees.library.support.workers import BillingWorker, SalesWorker

TWICE = "I was charged twice."
UPGRADE = "Please upgrade me to the enterprise plan."
BOTH = "I've been charged twice for my subscription and I want to upgrade to the enterprise plan."
ASKS = {"billing": TWICE, "sales": UPGRADE}
CLASSES = {
    "billing": BillingWorker,
    "sales": SalesWorker,
    "billing-rules": BillingRules,
    "sales-rules": SalesRules,
    "front-desk": Triage,
    "auditor": Auditor,
    "desk": HumanDesk,
}
DEADLINE = 20.0
in_any_order = pytest.mark.chaos(seeds=5)
DONE = {"billing": "I have refunded $49.00 (refund ", "sales": "you are on the enterprise plan"}


@pytest.fixture
def ask(books):
    """Asks the tree, and holds the outcome against the clock and against the books."""

    async def asked(rt, text, *, customer=1001, deadline=DEADLINE, **more):
        now = rt.system.clock.monotonic
        begun = now()
        outcome = await rt.run(text, context={"customer_id": customer}, deadline=deadline, **more)
        assert now() - begun <= deadline + 0.1
        books.check(outcome)
        return outcome

    return asked


async def later():
    """Waits until what took no cancellation has ended, too."""
    await asyncio.sleep(300)


def part_of(outcome, name):
    return next(part for part in outcome.parts if part.agent.endswith(f"/{name}"))


# --- what can go wrong with a handler -----------------------------------------------------------------


class Boom(Exception):
    """A crash that nobody expects."""


async def dies_before(agent, work):
    raise Boom(agent.path)


async def dies_after(agent, work):
    await work()
    raise Boom(agent.path)


async def is_killed_before(agent, work):
    agent.system.cells[agent.path].kill(Exit.KILLED)
    await asyncio.Event().wait()


async def is_killed_after(agent, work):
    await work()
    await is_killed_before(agent, work)


async def hangs_before(agent, work):
    await asyncio.Event().wait()


async def hangs_after(agent, work):
    await work()
    await asyncio.Event().wait()


async def is_deaf_for_a_minute(agent, work):
    """Takes no cancellation: only abandoning it helps."""
    until = agent.system.clock.monotonic() + 60
    while agent.system.clock.monotonic() < until:
        try:
            await agent.system.clock.sleep(until - agent.system.clock.monotonic())
        except asyncio.CancelledError:
            continue


CRASHES = [dies_before, dies_after, is_killed_before, is_killed_after]
HANGS = [hangs_before, hangs_after, is_deaf_for_a_minute]


def lies(change):
    """Returns the fault of an agent that does its work, and says something else."""

    async def fault(agent, work):
        return change(await work())

    fault.__name__ = change.__name__
    return fault


def wrong_type(output):
    return 42


def list_of_it(output):
    return [output]


def nothing(output):
    return None


def empty(output):
    return {}


def without_answer(output):
    return {key: value for key, value in output.items() if key != "answer"}


def empty_answer(output):
    return {**output, "answer": ""}


def without_customer(output):
    return {key: value for key, value in output.items() if key != "customer_id"}


def about_another_customer(output):
    return {**output, "customer_id": 1011}


def cut_off(output):
    return {**output, "answer": output["answer"][: len(output["answer"]) * 2 // 3]}


def cut_off_after_a_sentence(output):
    return {**output, "answer": output["answer"].partition(".")[0] + "."}


def other_amounts_in_words(output):
    return {**output, "answer": output["answer"].replace("9.", "5.").replace("4", "7")}


def other_amounts_everywhere(output):
    return _replaced(output, {4900: 4500, "$49.00": "$45.00", 31500: 21500, "$315.00": "$215.00"})


def another_number(output):
    return _replaced(output, {8: 999, "refund 8": "refund 999", "invoice 1": "invoice 77", 1: 77})


def nothing_done(output):
    answer = "I have checked your payments: you were not charged twice, so there is nothing to refund."
    return {"answer": answer, "customer_id": 1001}


def more_than_was_done(output):
    return {**output, "answer": f"{output['answer']} I have refunded $7.00 (refund 99)."}


def promises(output):
    return {**output, "answer": f"{output['answer']} I will refund all the rest tomorrow."}


def its_inner_life(output):
    return {**output, "answer": f"{output['answer']} Traceback (most recent call last)."}


def _replaced(value, words):
    """Returns data with other numbers, and other words in its texts."""
    if isinstance(value, dict):
        return {key: item if key == "customer_id" else _replaced(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, words) for item in value]
    if isinstance(value, str):
        for old, new in words.items():
            value = value.replace(old, new) if isinstance(old, str) else value
        return value
    return words.get(value, value) if type(value) is int else value


LIES = [
    lies(change)
    for change in (
        wrong_type,
        list_of_it,
        nothing,
        empty,
        without_answer,
        empty_answer,
        without_customer,
        about_another_customer,
        cut_off,
        cut_off_after_a_sentence,
        other_amounts_in_words,
        other_amounts_everywhere,
        another_number,
        nothing_done,
        more_than_was_done,
        promises,
        its_inner_life,
    )
]


# --- the workers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [*CRASHES, hangs_before, hangs_after, *LIES])
@pytest.mark.parametrize("worker", ["billing", "sales"])
async def test_a_worker_that_fails_once_answers_the_second_time(running, sabotage, ask, books, worker, fault):
    """Killed, hung or lying once: it has the same task again, and does nothing twice."""
    seen = sabotage(worker, CLASSES[worker], fault, times=1)
    async with running() as rt:
        outcome = await ask(rt, BOTH)
    await later()
    assert len(seen) == 1
    assert (outcome.status, part_of(outcome, worker).attempts) == ("ok", 2)
    assert all(words in outcome.output for words in DONE.values())
    assert (list(books.refunds.values()), len(books.changes)) == ([4900], 1)


@pytest.mark.parametrize("fault", [*CRASHES, *HANGS, *LIES])
@pytest.mark.parametrize("worker", ["billing", "sales"])
async def test_a_worker_that_always_fails_is_stood_in_for(running, sabotage, ask, books, worker, fault):
    """Its rules say what it has done; where it has done nothing, they say that, and a person has the case."""
    seen = sabotage(worker, CLASSES[worker], fault)
    async with running() as rt:
        outcome = await ask(rt, ASKS[worker])
    await later()
    assert 1 <= len(seen) <= 3
    done = books.refunds if worker == "billing" else books.changes
    assert part_of(outcome, worker).status == "failed"
    assert (outcome.status, DONE[worker] in outcome.output) == ("fallback" if done else "needs_human", bool(done))
    assert len(books.cases) == (0 if done else 1)
    assert bool(done) is not (fault in (dies_before, is_killed_before, hangs_before, is_deaf_for_a_minute))


@pytest.mark.parametrize("change", [more_than_was_done, nothing_done, other_amounts_everywhere, its_inner_life])
async def test_it_is_the_judges_who_keep_the_lies_away(running, sabotage, ask, change):
    """Without them each of these would have been believed, and told to the customer."""
    sabotage("billing", BillingWorker, lies(change))
    with pytest.raises(AssertionError, match=r"it (claims|denies|tells of)"):
        async with running(judges=False) as rt:
            await ask(rt, TWICE)


@pytest.mark.parametrize("worker", ["billing", "sales"])
async def test_a_worker_that_takes_no_cancellation_is_abandoned(running, sabotage, ask, books, worker):
    """Its time is up before its next incarnation can begin: the rules answer, and it is there for the next request."""
    seen = sabotage(worker, CLASSES[worker], is_deaf_for_a_minute, times=1)
    async with running() as rt:
        outcome = await ask(rt, BOTH)
        again = await ask(rt, ASKS[worker])
        abandoned = rt.system.abandoned_total
    await later()
    assert (len(seen), abandoned) == (1, 1)
    assert (outcome.status, again.status) == ("partial", "ok")
    assert len(books.cases) == 1


@pytest.mark.parametrize("deadline", [1.0, 3.0, 5.0, 7.0, 300.0])
@pytest.mark.parametrize("fault", [hangs_before, hangs_after])
async def test_a_hung_worker_leaves_an_honest_answer_by_any_deadline(running, sabotage, ask, books, fault, deadline):
    """What was not found out in time is not denied: sales has done its part, and a person has the rest."""
    sabotage("billing", BillingWorker, fault)
    async with running() as rt:
        outcome = await ask(rt, BOTH, deadline=deadline)
    assert outcome.status in ("partial", "fallback")
    assert DONE["sales"] in outcome.output
    assert DONE["billing"] in outcome.output or len(books.cases) == 1


@pytest.mark.parametrize("fault", [hangs_before, dies_before])
async def test_work_that_was_half_done_is_told_as_half_done(running, sabotage, ask, books, fault):
    """Charged three times, and the worker ends between the two refunds: one is told as done, one as open."""

    async def between(agent, work):
        if books.refunds:
            return await fault(agent, work)
        return await work()

    sabotage("billing", BillingWorker, between, method="_refund_one")
    async with running() as rt:
        outcome = await ask(rt, "I was charged three times", customer=1011)
    assert list(books.refunds.values()) == [900]
    assert (outcome.status, len(books.cases)) == ("needs_human", 1)
    assert "I have refunded $9.00 (refund " in outcome.output
    assert "That has not been refunded so far." in outcome.output


async def test_work_that_was_half_done_is_not_told_as_done(running, sabotage, ask, books):
    """What is open is not found by the rules, either: rather than an answer that leaves it out, there is a case."""

    async def between(agent, work):
        if books.refunds:
            raise Boom(agent.path)
        return await work()

    async def finds_nothing(agent, work):
        return () if books.refunds else await work()

    sabotage("billing", BillingWorker, between, method="_refund_one")
    sabotage("payments", PaymentsDesk, finds_nothing, method="find_duplicates")
    async with running() as rt:
        outcome = await ask(rt, "I was charged three times", customer=1011)
    assert list(books.refunds.values()) == [900]
    assert (outcome.status, len(books.cases)) == ("needs_human", 1)
    assert "I have refunded" not in str(outcome.output)


# --- the rule agents ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [*CRASHES, *HANGS, *LIES])
@pytest.mark.parametrize("worker", ["billing", "sales"])
async def test_where_the_rules_fail_too_a_person_has_the_case(running, sabotage, ask, books, worker, fault):
    """Neither the worker nor its rules have an answer: nothing is claimed, nothing denied, and there is a case."""
    sabotage(worker, CLASSES[worker], dies_after)
    sabotage(f"{worker}-rules", CLASSES[f"{worker}-rules"], fault)
    async with running() as rt:
        outcome = await ask(rt, ASKS[worker])
    await later()
    assert outcome.status == "needs_human"
    assert "A colleague will get back to you" in outcome.output
    assert len(books.cases) == 1
    assert books.cases[0]["evidence"]["attempts"]


def answer_alone(output):
    return output["answer"]


def unread(output):
    return ["what", "is", "this"]


@pytest.mark.parametrize("fault", [lies(answer_alone), lies(unread), lies(wrong_type)])
@pytest.mark.parametrize("judges", [True, False])
async def test_what_is_no_report_is_no_answer(running, sabotage, ask, fault, judges):
    """Nobody could be told of it: it counts as failed, also where the judges have let it through."""
    sabotage("sales", SalesWorker, fault)
    sabotage("sales-rules", SalesRules, fault)
    async with running(judges=judges) as rt:
        outcome = await ask(rt, "What plans do you have?", customer=1002)
    assert outcome.status == "needs_human"
    assert "A colleague will get back to you" in outcome.output


async def test_a_text_is_no_report_to_the_auditor(running, monkeypatch, sabotage, ask):
    """Where the other judges let it pass, the auditor knows what it was to be."""

    async def accept(judge, submission, system):
        return Verdict(judge.name, accepted=True)

    monkeypatch.setattr(SchemaJudge, "judge", accept)
    sabotage("sales", SalesWorker, lies(answer_alone))
    told = []
    async with running() as rt:
        rt.observe(lambda event: told.append(event) if isinstance(event, OutputJudged) else None)
        outcome = await ask(rt, "What plans do you have?", customer=1002)
    assert outcome.status == "fallback"
    assert "it is no report" in told[0].reason


# --- the front desk -----------------------------------------------------------------------------------


def another_text(text):
    return "I have refunded $9.00 (refund 12)."


def other_amounts(text):
    return text.replace("49", "57")


def half_a_text(text):
    return text[: len(text) // 2]


def first_line(text):
    return text.partition("\n")[0]


def no_text(text):
    return ""


@pytest.mark.parametrize("nothing", ["", " \n"])
async def test_no_text_is_no_answer_to_the_auditor(running, monkeypatch, sabotage, ask, nothing):
    """Where the other judge lets it pass, the auditor sees that it says nothing, and the next attempt answers."""

    async def accept(judge, submission, system):
        return Verdict(judge.name, accepted=True)

    monkeypatch.setattr(SchemaJudge, "judge", accept)
    sabotage("front-desk", Triage, lies(lambda _: nothing), method="aggregate", times=1)
    told = []
    async with running() as rt:
        rt.observe(lambda event: told.append(event) if isinstance(event, OutputJudged) else None)
        outcome = await ask(rt, "What plans do you have?", customer=1002)
    assert "it says nothing" in next(event.reason for event in told if not event.accepted)
    assert "- enterprise: " in outcome.output


TEXTS = [lies(change) for change in (wrong_type, nothing, empty, another_text, other_amounts, half_a_text, no_text)]


@pytest.mark.parametrize(
    ("fault", "method"),
    [*((fault, "handle") for fault in [*CRASHES, *HANGS]), *((lie, "aggregate") for lie in [*TEXTS, lies(first_line)])],
)
async def test_a_front_desk_that_fails_once_begins_anew(running, sabotage, ask, books, fault, method):
    """The workers do the same again under the same keys: the same answer, and each effect once."""
    seen = sabotage("front-desk", Triage, fault, method=method, times=1)
    async with running() as rt:
        outcome = await ask(rt, BOTH)
    await later()
    assert len(seen) == 1
    assert (outcome.status, part_of(outcome, "front-desk").attempts) == ("ok", 2)
    assert all(words in outcome.output for words in DONE.values())
    assert (list(books.refunds.values()), len(books.changes)) == ([4900], 1)


@pytest.mark.parametrize(
    ("fault", "method"),
    [*((fault, "handle") for fault in [*CRASHES, *HANGS]), *((lie, "aggregate") for lie in [*TEXTS, lies(first_line)])],
)
async def test_a_front_desk_that_always_fails_leaves_the_request_to_a_person(
    running, sabotage, ask, books, fault, method
):
    """It gives no answer at all rather than a false one; the case has the customer's own words."""
    sabotage("front-desk", Triage, fault, method=method)
    async with running() as rt:
        outcome = await ask(rt, BOTH)
    await later()
    assert outcome.status == "needs_human"
    assert outcome.output == {"case": "case-1"}
    assert [case["request"] for case in books.cases] == [BOTH]


async def test_an_answer_to_somebody_else_is_no_answer(running, sabotage, ask, books):
    """One that is left to a person has no amount in it that could be wrong: it is told by what it answers."""
    given = []

    async def the_first_one(agent, work):
        given.append(await work())
        return given[0]

    sabotage("front-desk", Triage, the_first_one, method="aggregate")
    async with running() as rt:
        first = await ask(rt, "Sing me a song", customer=1012)
        second = await ask(rt, TWICE)
    assert "“Sing me a song”" in first.output
    assert (second.status, second.output) == ("needs_human", {"case": "case-2"})


# --- the auditor --------------------------------------------------------------------------------------


def no_verdict(verdict):
    return {"opinion": "fine"}


def always_no(verdict):
    return {"accepted": False, "reason": "no"}


VERDICTS = [lies(change) for change in (wrong_type, nothing, no_verdict)]


@pytest.mark.parametrize("fault", [*CRASHES, hangs_before, hangs_after])
async def test_an_auditor_that_fails_once_is_asked_again(running, sabotage, ask, fault):
    """Its next incarnation has the same question."""
    seen = sabotage("auditor", Auditor, fault, times=1)
    async with running() as rt:
        outcome = await ask(rt, BOTH)
    await later()
    assert (len(seen), outcome.status) == (1, "ok")


@pytest.mark.parametrize("fault", [*CRASHES, *HANGS, *VERDICTS, lies(always_no)])
async def test_what_cannot_be_audited_reaches_nobody(running, sabotage, ask, books, fault):
    """Without its verdict nothing is claimed, be it true: a person has the case."""
    sabotage("auditor", Auditor, fault)
    async with running() as rt:
        outcome = await ask(rt, TWICE)
    await later()
    assert outcome.status == "needs_human"
    assert "I have refunded" not in str(outcome.output)
    assert books.cases


# --- the desk -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [*CRASHES, hangs_before, hangs_after])
async def test_a_desk_that_fails_once_has_the_case_once(running, sabotage, ask, books, fault):
    """The next incarnation opens it, or finds it."""
    seen = sabotage("desk", HumanDesk, fault, times=1)
    async with running() as rt:
        outcome = await ask(rt, "Sing me a song")
    await later()
    assert len(seen) == 1
    assert "A colleague will get back to you about “Sing me a song” (case-1)." in outcome.output
    assert len(books.cases) == 1


@pytest.mark.parametrize("fault", [*CRASHES, *HANGS])
async def test_without_a_desk_nobody_is_promised_an_answer(running, sabotage, ask, fault):
    """What was done is told, and that the rest could not be passed on."""
    sabotage("desk", HumanDesk, fault)
    sabotage("desk", HumanDesk, fault, method="open_case")
    async with running() as rt:
        outcome = await ask(rt, "I was charged twice. Sing me a song")
    await later()
    assert outcome.status == "partial"
    assert DONE["billing"] in outcome.output
    assert "I could not pass “Sing me a song” on to a colleague: please ask again later." in outcome.output


@pytest.mark.parametrize("fault", [*CRASHES, *HANGS])
async def test_without_a_desk_the_error_says_that_nobody_was_told(running, sabotage, ask, fault):
    """Not the answer alone says it, which may not reach whoever looks after the tree."""
    sabotage("desk", HumanDesk, fault)
    sabotage("desk", HumanDesk, fault, method="open_case")
    async with running() as rt:
        outcome = await ask(rt, "Sing me a song")
    await later()
    assert outcome.status == "needs_human"
    assert outcome.error.endswith("; nobody was told of it")


# --- the owners of the books --------------------------------------------------------------------------

OWNERS = {"payments": (PaymentsDesk, TWICE), "catalogue": (CatalogueDesk, UPGRADE)}
CALLS = [("payments", "find_duplicates"), ("payments", "refund"), ("catalogue", "change_plan")]


@pytest.mark.parametrize("fault", CRASHES)
@pytest.mark.parametrize("call", CALLS)
async def test_an_owner_that_dies_once_is_asked_again(running, sabotage, ask, books, call, fault):
    """Its next incarnation has the same call with the same key: nobody notices."""
    owner, tool = call
    cls, text = OWNERS[owner]
    sabotage(owner, cls, fault, method=tool, times=1)
    async with running() as rt:
        outcome = await ask(rt, text)
    assert outcome.status == "ok"
    assert len(books.refunds) + len(books.changes) == 1


@pytest.mark.parametrize("fault", [*CRASHES, *HANGS, lies(wrong_type), lies(nothing)])
@pytest.mark.parametrize("call", CALLS)
async def test_an_owner_that_always_fails_is_answered_for(running, sabotage, ask, books, call, fault):
    """The rules say what was done, if they can be told, and the tree goes on for everybody else."""
    owner, tool = call
    cls, text = OWNERS[owner]
    sabotage(owner, cls, fault, method=tool)
    async with running() as rt:
        outcome = await ask(rt, text)
        await later()
        other = await ask(rt, "What plans do you have?")
    assert outcome.status in ("fallback", "needs_human")
    assert (outcome.status == "fallback") or len(books.cases) == 1
    assert other.status == "ok"


async def duplicates_of_somebody_else(agent, work):
    return payments.find_duplicates(agent.store, 1011)


@pytest.mark.parametrize(("times", "ended"), [(1, ("ok", [4900])), (None, ("needs_human", []))])
async def test_money_of_somebody_else_is_not_moved(running, sabotage, ask, books, times, ended):
    """What comes as the customer's duplicates is looked at again before anything is given back."""
    sabotage("payments", PaymentsDesk, duplicates_of_somebody_else, method="find_duplicates", times=times)
    async with running() as rt:
        outcome = await ask(rt, TWICE)
    assert (outcome.status, list(books.refunds.values())) == ended


# --- cases --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [lies(another_text), lies(half_a_text), lies(no_text), lies(wrong_type)])
async def test_what_is_left_to_a_person_is_judged_too(running, sabotage, ask, books, fault):
    """A front desk that lies beside the number of a case is not let through, either."""
    sabotage("front-desk", Triage, fault, method="aggregate", times=1)
    async with running() as rt:
        outcome = await ask(rt, "I want a refund", customer=1002)
    assert outcome.status == "needs_human"
    assert "I may not refund this myself." in outcome.output
    assert "A colleague will get back to you about “I want a refund” (case-1)." in outcome.output
    assert len(books.cases) == 1


@pytest.mark.parametrize("fault", [lies(about_another_customer), lies(wrong_type), lies(more_than_was_done)])
async def test_a_draft_that_lies_is_no_draft(running, sabotage, ask, books, fault):
    """What a worker leaves to a person with a false draft is not told to the customer."""

    async def undecided(agent, work):
        asked = await work()
        return type(asked)(asked.reason, await fault(agent, lambda: _given(asked.output)))

    sabotage("billing", BillingWorker, undecided)
    async with running() as rt:
        outcome = await ask(rt, "I want a refund", customer=1002)
    assert outcome.status == "needs_human"
    assert outcome.output.startswith("Nothing has been refunded so far.")
    assert len(books.cases) == 1


async def _given(value):
    return value


@pytest.mark.parametrize(
    ("verb", "words", "said"),
    [
        ("answer", {"text": "I refund your $12 by hand."}, "A colleague answers: “I refund your $12 by hand.”."),
        ("drop", {"reason": "spam"}, "A colleague has looked into “Sing me a song”, and there will be no further"),
    ],
)
async def test_what_a_person_has_said_is_passed_on(running, ask, books, verb, words, said):
    """Asked again after that, the same request has the person's answer; its amounts are the person's own."""
    async with running() as rt:
        await ask(rt, "Sing me a song", key="k")
        await rt.ref("support/desk").ask(ToolCall(f"desk.{verb}", {"case": "case-1", "by": "Ann", **words}, "a"))
        outcome = await ask(rt, "Sing me a song", key="k")
    assert said in outcome.output
    assert len(books.cases) == 1


# --- breakers and budgets -----------------------------------------------------------------------------


async def test_after_five_failures_the_rules_answer_at_once(running, sabotage, ask):
    """Five within two minutes open the breaker of billing; nothing is tried until its cooldown is over."""
    seen = sabotage("billing", BillingWorker, hangs_before)
    async with running() as rt:
        told = []
        rt.observe(lambda event: told.append(event) if isinstance(event, BreakerChanged) else None)
        first = [await ask(rt, "Was I charged twice?", customer=1002) for _ in range(2)]
        tried, begun = len(seen), rt.system.clock.monotonic()
        at_once = await ask(rt, "Was I charged twice?", customer=1002)
        took = rt.system.clock.monotonic() - begun
    changes = [(event.breaker, event.before, event.now) for event in told if "billing" in event.breaker]
    assert changes == [("support/specialists/billing", "closed", "open")]
    assert (tried, len(seen), took) == (5, 5, 0.0)
    assert [outcome.status for outcome in (*first, at_once)] == ["fallback"] * 3
    assert "you were not charged twice" in at_once.output


async def test_the_breaker_closes_with_a_probe(running, sabotage, ask):
    """Half a minute later one request is tried; it goes well, and billing has its work again."""
    seen = sabotage("billing", BillingWorker, hangs_before, times=5)
    async with running() as rt:
        for _ in range(2):
            await ask(rt, "Was I charged twice?", customer=1002)
        await asyncio.sleep(29)
        still_open = await ask(rt, "Was I charged twice?", customer=1002)
        await asyncio.sleep(1)
        probe = await ask(rt, "Was I charged twice?", customer=1002)
        state = rt.system.cells["support/specialists/billing"].guard.breaker.view(rt.system.clock.monotonic()).state
    assert len(seen) == 5
    assert (still_open.status, probe.status, state) == ("fallback", "ok", "closed")


@in_any_order
async def test_a_judge_that_hangs_is_soon_not_waited_for(running, chaos, ask, books):
    """After five times it is not asked any more about billing, and after five more not about its rules."""
    chaos.actor("auditor").hang(times=None)
    async with running() as rt:
        chaos.watch(rt)
        took = []
        for _ in range(12):
            begun = rt.system.clock.monotonic()
            outcome = await ask(rt, "Show me my charges", to="support/specialists/billing")
            took.append(rt.system.clock.monotonic() - begun)
            assert outcome.status == "needs_human"
    assert (min(took[:5]) >= 2.0, took[-1]) == (True, 0.0)
    assert len(books.cases) == 12


@in_any_order
async def test_one_worker_in_trouble_does_not_take_the_other_along(running, chaos, ask):
    """With billing's breaker open, sales answers as ever."""
    chaos.actor("billing").crash(times=None, message="Task")
    async with running() as rt:
        chaos.watch(rt)
        for _ in range(3):
            await ask(rt, "Was I charged twice?", customer=1002)
        outcome = await ask(rt, BOTH)
    assert DONE["sales"] in outcome.output
    assert part_of(outcome, "sales").attempts == 1


async def test_a_worker_that_runs_wild_is_ended(running, sabotage, ask, books):
    """Fifty tool calls are more than any request needs: the rules answer then."""

    async def wild(agent, work):
        for limit in range(1, 1000):
            await agent.call("payments.list_charges", customer=1001, limit=limit)

    sabotage("billing", BillingWorker, wild)
    async with running() as rt:
        outcome = await ask(rt, "Was I charged twice?", customer=1002)
    assert outcome.status == "fallback"
    assert part_of(outcome, "billing").usage.tool_calls <= 51
    assert "you were not charged twice" in outcome.output


@in_any_order
async def test_an_owner_that_dies_again_and_again_does_not_take_the_tree_down(running, chaos, ask):
    """Every tool of payments kills it, request after request: its breakers open, and the tree stands."""
    chaos.actor("payments").crash(times=None, message="ToolCall")
    async with running() as rt:
        chaos.watch(rt)
        outcomes = [await ask(rt, text) for text in (TWICE, "Show me my charges", "I want a refund", TWICE)]
        other = await ask(rt, "What plans do you have?")
        begun = rt.snapshot().incarnation
    assert {outcome.status for outcome in outcomes} == {"needs_human"}
    assert (other.status, begun) == ("ok", 1)


# --- threads ------------------------------------------------------------------------------------------


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("name", "cls", "method"),
    [
        ("payments", PaymentsDesk, "find_duplicates"),
        ("auditor", Auditor, "handle"),
        ("desk", HumanDesk, "handle"),
    ],
)
async def test_a_thread_that_blocks_is_left_behind(running, sabotage, ask, name, cls, method):
    """Nothing can end it; the next incarnation has a thread of its own, and does the work."""
    released = threading.Event()

    async def blocks(agent, work):
        released.wait(60)

    seen = sabotage(name, cls, blocks, method=method, times=1)
    async with running(threads=True) as rt:
        outcome = await ask(rt, "I was charged twice. Sing me a song")
        abandoned = rt.system.abandoned_total
        released.set()
    assert (len(seen), abandoned) == (1, 1)
    assert outcome.status == "partial"
    assert DONE["billing"] in outcome.output
    assert "(case-1)" in outcome.output
