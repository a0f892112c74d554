"""Which rules a visit is for."""

import time
from types import SimpleNamespace

import pytest

from treeward.agents.calls import TOOL_CALL, ToolCall
from treeward.chaos.plans.matching import Matcher, Sieve, Where, is_supervisor
from treeward.runtime.actor import Actor, Factory
from treeward.runtime.bus import Published
from treeward.runtime.faults import BUS, HANDLE, PUT, START, Visit
from treeward.runtime.task import Task
from treeward.supervisors.judges.judge import Submission
from treeward.supervisors.judges.seat import JUDGE
from treeward.supervisors.pool import Pool
from treeward.supervisors.supervisor import Supervisor

SUPERVISORS = {"team", "team/pool"}
REFUND = Task("t1", "refund", kind="refund")

VISITS = {
    "writer starts": Visit(START, "team/writer", 1),
    "writer starts again": Visit(START, "team/writer", 2),
    "writer handles a refund": Visit(HANDLE, "team/writer", 1, REFUND),
    "writer handles a text": Visit(HANDLE, "team/writer", 3, "text"),
    "editor handles a task": Visit(HANDLE, "team/desk/editor", 1, Task("t2", "x")),
    "supervisor handles": Visit(HANDLE, "team", 1, "text"),
    "pool handles": Visit(HANDLE, "team/pool", 1, REFUND),
    "member gets": Visit(PUT, "team/pool/2", 1, REFUND),
    "writer calls find": Visit(TOOL_CALL, "team/writer", 1, ToolCall("bank.find", {}, "k"), name="bank.find"),
    "writer calls say": Visit(TOOL_CALL, "team/writer", 1, ToolCall("say", {}, "k"), name="say"),
    "schema judges": Visit(JUDGE, "team/writer", 0, Submission(REFUND, "x", "team/writer"), name="schema"),
    "orders published": Visit(BUS, "team/writer", 0, Published("orders.new", 1), name="orders.new"),
}

MEANT = [
    ("actor.start", Where(), "writer starts, writer starts again"),
    ("actor.start", Where(incarnation=1), "writer starts"),
    ("actor.start", Where(incarnation=[2, 3]), "writer starts again"),
    ("actor.start", Where(path="editor"), ""),
    ("actor.handle", Where(), "writer handles a refund, writer handles a text, editor handles a task"),
    ("actor.handle", Where(role="supervisor"), "supervisor handles, pool handles"),
    (
        "actor.handle",
        Where(role="any", path="team/*"),
        "writer handles a refund, writer handles a text, pool handles",
    ),
    ("actor.handle", Where(path="team/writer"), "writer handles a refund, writer handles a text"),
    ("actor.handle", Where(path=["editor", "nobody"]), "editor handles a task"),
    ("actor.handle", Where(message="Task"), "writer handles a refund, editor handles a task"),
    ("actor.handle", Where(message=["str", "Tool*"]), "writer handles a text"),
    ("actor.handle", Where(kind="refund"), "writer handles a refund"),
    ("actor.handle", Where(kind="re*", path="editor"), ""),
    ("mailbox.put", Where(path="team/pool/*"), "member gets"),
    ("tool.call", Where(tool="bank.*"), "writer calls find"),
    ("tool.call", Where(tool=["say", "bank.*"]), "writer calls find, writer calls say"),
    ("judge", Where(judge="schema"), "schema judges"),
    ("judge", Where(judge="rules"), ""),
    ("judge", Where(kind="refund"), "schema judges"),
    ("judge", Where(kind="sale"), ""),
    ("bus.publish", Where(topic="orders.*"), "orders published"),
    ("bus.publish", Where(topic="orders"), ""),
]


@pytest.mark.parametrize(("point", "where", "meant"), MEANT)
def test_what_a_where_means(point, where, meant):
    """All that is said has to be so; of a list, one."""
    matcher = Matcher([(point, where, "rule")], SUPERVISORS.__contains__)
    found = [name for name, visit in VISITS.items() if matcher.at(visit)]
    assert ", ".join(found) == meant


def test_rules_come_in_their_order():
    """A visit is for several rules, in the order of the plan, each time anew."""
    rules = [("actor.handle", Where(path="writer"), 1), ("actor.start", Where(), 2), ("actor.handle", Where(), 3)]
    matcher = Matcher(rules, SUPERVISORS.__contains__)
    visit = VISITS["writer handles a refund"]
    assert [matcher.at(visit), matcher.at(visit), matcher.at(VISITS["editor handles a task"])] == [[1, 3], [1, 3], [3]]


def test_an_actor_may_change_its_role():
    """What a path is, is asked at each visit: a reload may put a supervisor where an agent was."""
    roles = set()
    matcher = Matcher([("actor.handle", Where(), "rule")], roles.__contains__)
    visit = VISITS["writer handles a refund"]
    assert matcher.at(visit) == ["rule"]
    roles.add("team/writer")
    assert matcher.at(visit) == []


def test_paths_are_not_kept_without_end():
    """Actors that come under ever new names do not fill the memory."""
    matcher = Matcher([("actor.start", Where(path="a*"), "rule")], SUPERVISORS.__contains__)
    assert all(matcher.at(Visit(START, f"a{number}", 1)) for number in range(25_000))
    assert len(matcher._concerned) <= 10_000


def cell(path, cls, incarnation=1):
    return SimpleNamespace(path=path, incarnation=incarnation, factory=Factory(cls))


def test_actors_are_told_from_supervisors():
    """Supervisors of every kind are supervisors, pools too; what is made by a function is an agent."""
    roles = [is_supervisor(cell("a", cls)) for cls in (Actor, Supervisor, Pool, lambda: Actor())]
    assert roles == [False, True, True, False]


def test_what_is_timed_is_for_actors_that_live():
    """Without a visit, path, role and incarnation say who is meant."""
    sieve = Sieve(Where(path="team/*", incarnation=2))
    candidates = [
        cell("team/a", Actor, 2),
        cell("team/b", Actor, 1),
        cell("x", Actor, 2),
        cell("team/s", Supervisor, 2),
    ]
    assert [sieve.has_actor(one) for one in candidates] == [True, False, False, False]
    assert Sieve(Where(role="any")).has_actor(cell("team/s", Supervisor))


@pytest.mark.realtime
def test_twenty_rules_cost_a_few_microseconds():
    """At each visit, twenty rules of which half concern the actor cost less than 20 microseconds on any machine."""
    wheres = [Where(path="team/*", message="Task", kind="refund"), Where(path="nobody/**")]
    matcher = Matcher([("actor.handle", wheres[n % 2], n) for n in range(20)], SUPERVISORS.__contains__)
    visit = VISITS["writer handles a refund"]
    assert len(matcher.at(visit)) == 10
    best = min(timed(matcher, visit) for _ in range(5))
    assert best < 20e-6


def timed(matcher, visit, times=2000):
    began = time.perf_counter()
    for _ in range(times):
        matcher.at(visit)
    return (time.perf_counter() - began) / times
