"""A plan in plain words, and the table of points."""

import pytest

from treeward.chaos.plans.explain import explain, points
from treeward.chaos.plans.plan import Fault, Heal, Parity, Plan, Work
from treeward.chaos.plans.points import PLACES

FAULTS = [
    (Fault(at="actor.handle", do="crash"), "actor.handle of any agent: crash at every visit"),
    (
        Fault(at="actor.handle", where="**/billing", do="30%->crash(ValueError)", from_=10, for_=60),
        "actor.handle of **/billing, from 10s for 1m: crash(ValueError) at 30% of the visits",
    ),
    (
        Fault(at="actor.handle", where=["a", "b/*"], do="1*off->3*hang->off"),
        "actor.handle of a or b/*: nothing at 1 visit, then hang at 3 visits, then nothing more",
    ),
    (
        Fault(at="mailbox.put", do="1%->drop | 2%3*->delay(1s..5s)"),
        "mailbox.put of any agent: drop at 1% of the visits, or delay(1s..5s) at 2% of the visits, 3 times at most",
    ),
    (
        Fault(at="mailbox.put", do="50%->off->drop"),
        "mailbox.put of any agent: nothing at 50% of the visits, then drop at every visit",
    ),
    (
        Fault(at="tool.call", where={"tool": ["pay.*", "say"], "role": "any"}, do="slow(1s)", shape="burst(2)"),
        "tool.call of any actor, tool pay.* or say: slow(1s) at 2 visits, then nothing more",
    ),
    (
        Fault(at="actor.start", where={"path": "a", "incarnation": [1, 2]}, do="crash", on=[2]),
        "actor.start of a in incarnation 1 or 2, at visit 2: crash at these visits",
    ),
    (
        Fault(at="judge", where={"judge": "schema", "kind": "refund"}, do="lie"),
        "judge of any agent, kind refund, judge schema: lie at every visit",
    ),
    (Fault(at="actor", do="kill", every="20s±10s"), "actor (one of any agent), every 10s..30s: kill"),
    (
        Fault(at="actor", do="kill", from_=50, pick="all", where={"path": "a/*", "role": "supervisor"}),
        "actor (all of a/* (a supervisor)), at 50s: kill",
    ),
    (
        Fault(at="mailbox", do="50%->flood(9/s, 5s)", every=10, from_=5, for_="1m", on=[1, 3]),
        "mailbox (one of any agent), every 10s from 5s for 1m at turns 1, 3: flood(9/s, 5s) at 50% of the turns",
    ),
    (Fault(at="clock", do="jump(1h)"), "clock, at 0s: jump(1h)"),
    (
        Fault(at="loop", do="block(200ms)", every=1, shape="burst"),
        "loop, every 1s: block(200ms) at 3 turns, then nothing",
    ),
]


@pytest.mark.parametrize(("fault", "line"), FAULTS)
def test_a_fault_is_one_line(fault, line):
    """Each fault says where, when, what and how often."""
    lines = explain(Plan(name="x", faults=[fault])).split("\n")
    assert lines[2] == "Faults"
    assert lines[3].split("  ", 2)[2].startswith(line)


def test_a_plan_in_plain_words():
    """What a plan holds stands under headings; what it does not hold has none."""
    plan = Plan(
        name="storm",
        title="All at once",
        swarm=True,
        faults=[Fault(id="slow-bank", at="reply", do="delay(2s)"), Fault(at="actor", do="kill", from_=5)],
        work=[
            Work(id="refund", input="order {n}", times=20, every="1s..5s", at=3),
            Work(input={"a": 1}, to="team/writer", deadline=None),
        ],
        knobs={"mailbox.capacity": [8, None], "timeout": "10s..300s"},
        hypothesis=["I1", {"ready_within": "30s"}],
        heal=Heal(at="2m"),
        abort_if=[{"metric": "failed", "above": 3}, {"metric": "not_ready_for", "above": "90s"}],
        invariants=["my.mod:Mine"],
        parity=Parity(of=["refund"], unless=["failed"], facts="my.mod:books"),
        setup="my.mod:fill",
    )
    assert explain(plan).split("\n") == [
        "storm: All at once",
        "",
        "Faults, of which each seed draws some",
        "  slow-bank  reply of any agent: delay(2s) at every visit",
        "  actor-2    actor (one of any agent), at 5s: kill",
        "",
        "What they do",
        "  delay      It comes later; others overtake it.",
        "  kill       The incarnation is ended without being asked.",
        "",
        "Work",
        "  refund: 20 requests to the tree's entry from 3s, one every 1s..5s, each within 5m: 'order {n}'",
        "  1 request to team/writer: data",
        "",
        "Knobs, drawn anew for each seed",
        "  mailbox.capacity: 8 or null",
        "  timeout: 10s..5m",
        "",
        "Has to hold before, and again when all is healed",
        "  I1",
        "  ready within 30s",
        "",
        "Invariants beside the usual ones",
        "  my.mod:Mine",
        "",
        "As without faults",
        "  the requests of refund: output, unless one ends as failed",
        "  what my.mod:books returns",
        "",
        "Called before the tree starts",
        "  my.mod:fill",
        "",
        "Given up",
        "  if failed is above 3 (requests that have ended without an answer since the start)",
        "  if not_ready_for is above 90s (how long the tree has not been ready, without a break)",
        "",
        "Healed",
        "  at 2m: all faults end",
        "  ready 30s later at most, nothing in hand 5m later at most",
    ]


def test_an_empty_plan_says_so():
    """A plan without faults and work says that, and when all is healed."""
    assert explain(Plan(name="x")).split("\n") == [
        "x",
        "",
        "Faults",
        "  none",
        "",
        "Work",
        "  5 requests to the tree's entry, if it has one",
        "",
        "Healed",
        "  at 1m: all faults end",
        "  ready 30s later at most, nothing in hand 5m later at most",
    ]


def test_the_table_of_points_has_all_places():
    """Each place has its shape, what it is, what `where` may say there, and its actions."""
    rows = {row.name: row for row in points()}
    assert list(rows) == list(PLACES)
    assert rows["judge"].where == ("path", "kind", "judge")
    assert rows["loop"].actions == ("off", "block")
    assert rows["reply"].shape == "send"
    assert all(row.what for row in rows.values())
