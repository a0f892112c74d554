"""The support tree as a whole: real threads, real files, and a crash wherever one can be asked for."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime

import pytest

from treeward.agents.errors import InjectedCrash
from treeward.agents.events import TaskBegun, TaskEnded
from treeward.agents.faults import crash_once
from treeward.agents.plan import Subtask, order
from treeward.runtime.clock import LoopClock
from treeward.runtime.faults import Afterwards, arm
from treeward.trees import library
from treeward.trees.library.support import workers
from treeward.trees.library.support.intents import RULES, Kind
from treeward.trees.library.support.workers import SalesWorker
from treeward.trees.load import load_tree
from treeward.trees.runtime import Runtime

pytestmark = pytest.mark.realtime

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC).timestamp()
ISSUE = "I've been charged twice for my subscription and I want to upgrade to the enterprise plan."
NOT_TWICE = "you were not charged twice"


@asynccontextmanager
async def running():
    """The support tree, on 20 November 2026."""
    tree = load_tree(library.find("support"))
    clock = LoopClock(asyncio.get_running_loop(), NOW)
    async with Runtime(tree, seed=1, clock=clock) as rt:
        yield rt


def ask(rt, text, customer=1001, **more):
    return rt.run(text, context={"customer_id": customer}, deadline=30, **more)


def rows(state_dir, query, file="support.db"):
    with closing(sqlite3.connect(state_dir / "support" / file)) as database:
        return database.execute(query).fetchall()


def effects(state_dir):
    """What was written on behalf of requests: (payment, amount) of refunds, (from, to, net) of changes."""
    refunds = rows(state_dir, "SELECT payment, amount FROM refunds WHERE request <> 'past' ORDER BY payment")
    return refunds, rows(state_dir, "SELECT from_plan, to_plan, net FROM plan_changes")


def attempts(outcome):
    return {part.agent.rpartition("/")[2]: part.attempts for part in outcome.parts}


# --- the canonical job ------------------------------------------------------------------------------


async def test_a_duplicate_is_refunded_and_the_plan_is_upgraded(state_dir):
    """One answer says both; the refund is there once, the change is prorated to the day, all in one attempt."""
    async with running() as rt:
        outcome = await ask(rt, ISSUE)
    assert outcome.status == "ok"
    assert "I have refunded $49.00" in outcome.output
    assert "9 seconds later" in outcome.output
    assert "As of 20 November 2026 you are on the enterprise plan, billed monthly." in outcome.output
    assert "The 21 days until 10 December 2026 cost $349.30, less $34.30" in outcome.output
    assert "$315.00 is due on invoice 1" in outcome.output
    assert effects(state_dir) == ([(70016, 4900)], [("team", "enterprise", 31500)])
    assert attempts(outcome) == {"billing": 1, "sales": 1, "front-desk": 1}
    assert json.dumps(outcome.parts[0].output)


async def test_both_are_done_at_the_same_time():
    """Billing and sales have begun before either of them has ended."""
    async with running() as rt:
        told = []
        rt.observe(lambda event: told.append(event) if isinstance(event, TaskBegun | TaskEnded) else None)
        await ask(rt, ISSUE)
    workers = [event for event in told if "/specialists/" in event.path]
    assert [type(event) for event in workers] == [TaskBegun, TaskBegun, TaskEnded, TaskEnded]


@pytest.mark.parametrize(
    ("customer", "status", "words"),
    [
        (1002, "ok", [NOT_TWICE, "on the enterprise plan, billed monthly"]),
        (1003, "ok", ["that has been put right: $49.00 was refunded", "on the enterprise plan, billed monthly"]),
        (1004, "ok", [NOT_TWICE, "You are on the enterprise plan already, billed yearly."]),
        (1005, "partial", [NOT_TWICE, "You have several subscriptions", "A colleague will get back to you"]),
        (1006, "ok", [NOT_TWICE, "£"]),
        (1007, "ok", [NOT_TWICE, "on the enterprise plan"]),
        (1008, "ok", ["I have refunded €1,390.00", "billed yearly", "€4,690.00 a year"]),
        (1009, "ok", [NOT_TWICE, "The last charge for your team plan failed"]),
        (1010, "ok", [NOT_TWICE, "Your subscription has ended already."]),
        (1011, "ok", ["I have refunded $18.00 (refunds", "on the enterprise plan"]),
        (1012, "ok", [NOT_TWICE, "¥74,000 a month"]),
        (7, "ok", ["There is no customer with the number 7."]),
        ("Ada", "ok", ["The customer is 'Ada': expected a number, such as 1001."]),
    ],
)
async def test_each_customer_gets_the_answer_that_the_books_give(customer, status, words):
    """The same words from another customer have another answer: what the customer believes is not taken for true."""
    async with running() as rt:
        outcome = await ask(rt, ISSUE, customer)
    assert outcome.status == status
    assert [word for word in words if word not in outcome.output] == []


@pytest.mark.parametrize(
    ("text", "customer", "status", "words"),
    [
        ("Was I charged twice?", 1002, "ok", [NOT_TWICE]),
        ("chraged twise!! fix it plz", 1001, "ok", ["I have refunded $49.00"]),
        ("upgrade me to enterprise and refund the duplicate", 1001, "ok", ["enterprise", "I have refunded"]),
        ("Show me my charges", 1003, "ok", ["Your last charges:", "$49.00 was refunded", "The next charge is due on"]),
        ("How much is the enterprise plan?", 1012, "ok", ["¥74,000 a month", "Tell me to change it"]),
        ("Show me my charges", 1010, "ok", ["Your last charges:", "Your subscription has ended already."]),
        ("How much is the pro plan?", 1009, "ok", ["$149.00 a month", "it has to be settled before a change"]),
        ("How much is the pro plan?", 7, "ok", ["There is no customer with the number 7."]),
        ("What plans do you have?", 1004, "ok", ["€45.00 a month or €450.00 a year, for up to 10 people"]),
        ("upgrade me", 1001, "ok", ["Which would you like instead: basic, pro, enterprise?"]),
        ("downgrade to basic", 1012, "ok", ["The basic plan is for one person at most, and 3 use yours."]),
        ("switch to yearly billing", 1001, "ok", ["billed yearly", "$490.00 a year"]),
        ("cancel my subscription", 1002, "ok", ["ends on 8 December 2026"]),
        ("cancel it right now and refund the rest", 1013, "ok", ["has ended today", "I have refunded £107.10"]),
        ("refund me, and cancel my plan immediately", 1013, "ok", ["has ended today", "I have refunded £107.10"]),
        ("cancel my subscription and refund me", 1002, "partial", ["ends on 8 December", "A colleague will"]),
        ("I want a refund", 1002, "needs_human", ["I may not refund this myself", "A colleague will"]),
        ("I want a refund", 1001, "ok", ["I have refunded $49.00"]),
        ("sing me a song", 1001, "needs_human", ["A colleague will get back to you about “sing me a song”"]),
        ("I was charged twice, and my logo is purple", 1002, "partial", [NOT_TWICE, "“my logo is purple”"]),
        ("don't cancel my subscription", 1002, "needs_human", ["A colleague will"]),
    ],
)
async def test_requests_of_all_kinds(text, customer, status, words):
    """Single and compound, in any order and wording; what is not understood waits for a person."""
    async with running() as rt:
        outcome = await ask(rt, text, customer)
    assert outcome.status == status
    assert [word for word in words if word not in outcome.output] == []


async def test_a_refund_that_was_given_is_not_given_again(state_dir):
    """The unused days came back with the first request; the second one is told so."""
    async with running() as rt:
        await ask(rt, "cancel my plan immediately and refund me", 1013)
        again = await ask(rt, "I want a refund", 1013)
    assert (again.status, again.parts[0].output["refused"]) == ("ok", "already_refunded")
    assert "was refunded before: £107.10 on 20 November 2026." in again.output
    assert [amount for _, amount in effects(state_dir)[0]] == [10710]


async def test_a_worker_can_be_asked_directly():
    """A plain text is read by the worker itself; what is not its work is for a person."""
    async with running() as rt:
        billing = "support/specialists/billing"
        found = await ask(rt, "I was charged twice", to=billing)
        other = await ask(rt, "upgrade me to pro", to=billing)
        sold = await ask(rt, "I was charged twice", to="support/specialists/sales")
    assert "I have refunded $49.00" in found.output["answer"]
    assert (other.status, sold.status) == ("needs_human", "needs_human")


async def test_who_does_not_say_who_it_is_is_the_demonstrations_customer():
    """Without `customer_id`, the request is customer 1001's."""
    async with running() as rt:
        outcome = await rt.run(ISSUE)
    assert "I have refunded $49.00" in outcome.output


@pytest.mark.parametrize("request_", [{"text": "hello"}, 7, None, ["a"]])
async def test_what_is_no_text_is_for_a_person(request_):
    """A request that is data, and nothing that a customer wrote, is not read into."""
    async with running() as rt:
        outcome = await ask(rt, request_)
    assert outcome.status == "needs_human"


# --- crashes ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The answer of a run without a crash."""

    async def run():
        async with running() as rt:
            return (await ask(rt, ISSUE)).output

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TREEWARD_STATE_DIR", str(tmp_path_factory.mktemp("undisturbed")))
        with asyncio.Runner() as runner:
            return runner.run(run())


@pytest.mark.parametrize(
    ("agent", "again"),
    [("billing", "billing"), ("sales", "sales"), ("front-desk", "front-desk"), ("payments", ""), ("catalogue", "")],
)
async def test_a_crash_changes_nothing_but_the_attempts(state_dir, undisturbed, agent, again):
    """Whoever dies in the middle, after refund or change was written: the same answer, and each is there once."""
    async with running() as rt:
        fault = crash_once(rt.system, agent)
        outcome = await ask(rt, ISSUE)
    assert fault.fired
    assert outcome.status == "ok"
    assert outcome.output == undisturbed
    assert effects(state_dir) == ([(70016, 4900)], [("team", "enterprise", 31500)])
    assert {name for name, tries in attempts(outcome).items() if tries == 2} == {again} - {""}


async def test_the_worker_dies_after_the_refund_was_written(state_dir):
    """At the moment of its death the refund is in the books; the next incarnation finds it there."""
    seen = []
    async with running() as rt:

        def watch(visit):
            if visit.path.endswith("/billing") and visit.effect and not seen:
                seen.append(effects(state_dir)[0])
                raise InjectedCrash(visit.point.name)

        arm(rt.system, Afterwards(watch))
        outcome = await ask(rt, ISSUE)
        assert rt.ref("support/specialists/billing").incarnation == 2
    assert seen == [[(70016, 4900)]]
    assert attempts(outcome)["billing"] == 2
    assert effects(state_dir)[0] == [(70016, 4900)]


@pytest.mark.parametrize("turn", [1, 2])
async def test_two_refunds_and_a_crash_between_them(state_dir, turn):
    """Charged three times, the worker dies after the first or the second refund: both are there, and both are said."""
    async with running() as rt:
        visits = []

        def watch(visit):
            if visit.path.endswith("/billing") and visit.effect:
                visits.append(visit)
                if len(visits) == turn:
                    raise InjectedCrash(visit.point.name)

        arm(rt.system, Afterwards(watch))
        outcome = await ask(rt, "I was charged three times", 1011)
    assert "I have refunded $18.00" in outcome.output
    assert effects(state_dir)[0] == [(70151, 900), (70152, 900)]


KILLED = """
import asyncio, os, signal, sys
from treeward.runtime.faults import Afterwards, arm
from treeward.trees import library
from treeward.trees.load import load_tree
from treeward.trees.runtime import Runtime

def die(visit):
    if visit.effect and visit.path.endswith("/billing"):
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with Runtime(load_tree(library.find("support"))) as rt:
        arm(rt.system, Afterwards(die))
        await rt.run(sys.argv[1], key="request-1")

asyncio.run(main())
"""


async def test_a_process_that_is_killed_has_refunded_once(state_dir):
    """`kill -9` right after the refund; the same request, given to a new process, has its answer and no new refund."""
    killed = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", KILLED, ISSUE], env=dict(os.environ))
    assert killed.returncode == -signal.SIGKILL
    assert effects(state_dir)[0] == [(70016, 4900)]
    tree = load_tree(library.find("support"))
    async with Runtime(tree) as rt:
        outcome = await rt.run(ISSUE, key="request-1")
        asked_anew = await rt.run(ISSUE)
    assert "I have refunded $49.00" in outcome.output
    assert "that has been put right: $49.00 was refunded" in asked_anew.output
    assert effects(state_dir)[0] == [(70016, 4900)]


async def test_the_same_request_twice_at_once_has_one_effect(state_dir):
    """Two deliveries of one request, at the same time, give the same answer."""
    async with running() as rt:
        outcomes = await asyncio.gather(*(ask(rt, ISSUE, key="k") for _ in range(3)))
    assert len({outcome.output for outcome in outcomes}) == 1
    assert effects(state_dir) == ([(70016, 4900)], [("team", "enterprise", 31500)])


# --- the tree ---------------------------------------------------------------------------------------


async def test_a_case_waits_on_the_desk(state_dir):
    """With the customer's words, the reason, and who asked; the same request opens it once."""
    async with running() as rt:
        for _ in range(2):
            outcome = await ask(rt, "I was charged twice. Sing me a song!", key="k")
    assert "(case-1)" in outcome.output
    ((document,),) = rows(state_dir, "SELECT document FROM cases", "desk.db")
    case = json.loads(document)
    assert case["request"] == "Sing me a song"
    assert case["context"] == {"customer_id": 1001, "message": "I was charged twice. Sing me a song!"}
    assert "not understood" in case["reason"]


class Curious(SalesWorker):
    """Tries what is not its own."""

    async def work(self, request):
        return await self.call("payments.refund", customer=1001, payment=70016, request="r", by="me")


async def test_workers_reach_only_the_tools_that_the_tree_gives_them(state_dir, monkeypatch):
    """A sales worker that asks for a refund gets none, whatever its code says."""
    monkeypatch.setattr(workers, "SalesWorker", Curious)
    async with running() as rt:
        outcome = await ask(rt, "upgrade me to enterprise")
    assert outcome.status == "needs_human"
    assert "may not use payments.refund: it may use catalogue.*" in outcome.parts[0].error
    assert effects(state_dir) == ([], [])


def test_every_kind_of_request_has_a_worker():
    """The capabilities that requests ask for are those that the tree's agents declare; what must wait can begin."""
    tree = load_tree(library.find("support"))
    declared = {kind for _, node in tree.walk() for kind in getattr(node, "handles", ())}
    assert {rule.capability for kind, rule in RULES.items() if kind is not Kind.UNKNOWN} == declared
    assert set(RULES) == set(Kind)
    subtasks = [Subtask(rule.capability, id=kind, after=tuple(rule.after)) for kind, rule in RULES.items()]
    waves = [{subtask.id for subtask in wave} for wave in order(subtasks)]
    assert {"double_charge", "plan_change", "cancellation"} <= waves[0]
    assert "refund" in waves[1]


async def test_a_database_that_is_something_else_is_said_at_the_start(state_dir):
    """The tree does not start on it, and the error names the file."""
    path = state_dir / "support" / "support.db"
    path.parent.mkdir(parents=True)
    path.write_text("treeward: 1\n" * 100)
    with pytest.raises(Exception, match=r"support\.db: cannot be read as a database"):
        async with running():
            pass
