"""The drawing of the living tree, and what it is drawn from."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from treeward.agents.events import TaskBegun, TaskEnded, ToolCalled
from treeward.cli.activity import Activity, InHand
from treeward.cli.board import board, rows_of
from treeward.runtime.exits import Exit
from treeward.runtime.telemetry import ActorEnded
from treeward.supervisors.breakers.breaker import BreakerView
from treeward.supervisors.requests import ChildRestarting, GaveUp
from treeward.supervisors.snapshot import Snapshot

CLERK = "office/front/clerk"


def actor(path, *children, **changes):
    values = {
        "path": path,
        "kind": "Clerk",
        "type": "supervisor" if children else "worker",
        "state": "running",
        "incarnation": 1,
        "mailbox": 0,
        "busy": False,
        "abandoned": 0,
        "last_end": None,
        "children": children,
    }
    return Snapshot(**(values | changes))


def breaker(state):
    return BreakerView(CLERK, state, 5, 9, 3, 0, 4.0, 30.0, 1)


def office(**clerk):
    front = actor("office/front", actor(CLERK, **clerk), actor("office/front/spare"))
    return actor("office", front, actor("office/archive"))


def drawn(tree, activity=None, *, now=0.0, height=None, width=110):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(board(tree, activity or Activity("office"), now, width=width, height=height))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


# --- what is going on -------------------------------------------------------------------------------


def begun(task="t1", attempt=1, at=1.0, path=CLERK):
    return TaskBegun(path, 1, at, task, task, None, attempt)


@pytest.mark.parametrize(
    ("events", "in_hand"),
    [
        ([begun()], {CLERK: InHand("t1", 1, 1.0)}),
        ([begun(), TaskEnded(CLERK, 1, 2.0, "t1", "t1", 1, "ok", 1.0, None)], {}),
        ([begun(), ActorEnded(CLERK, 1, 2.0, ValueError())], {}),
        ([begun(), ActorEnded("office/front/spare", 1, 2.0, ValueError())], {CLERK: InHand("t1", 1, 1.0)}),
        ([begun(), begun("t2", 2, 3.0)], {CLERK: InHand("t2", 2, 3.0)}),
        (
            [begun(), ToolCalled(CLERK, 1, 2.0, "t1", "t1", "payments.refund", "office/payments", 0.1, None)],
            {CLERK: InHand("t1", 1, 1.0, "payments.refund")},
        ),
        ([ToolCalled(CLERK, 1, 2.0, "", "", "payments.refund", "office/payments", 0.1, None)], {}),
    ],
)
def test_what_is_in_hand(events, in_hand):
    """A task is in hand from its beginning to its end, or to the end of the incarnation that had it."""
    activity = Activity("office")
    for event in events:
        activity(event)
    assert activity.in_hand == in_hand


def test_restarts_are_counted():
    """Each end that a supervisor answers with a restart counts for its child."""
    activity = Activity("office")
    for incarnation in (1, 2):
        activity(ChildRestarting(CLERK, incarnation, 1.0, ValueError(), 0.0, ("clerk",)))
    assert activity.restarts == {CLERK: 2}


def gave_up(path, child, reason, restarts=3):
    return GaveUp(path, 1, 1.0, child, reason, restarts, 60.0)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([], ""),
        ([gave_up("office/front", "clerk", ValueError("ill"))], ""),
        (
            [gave_up("office", "archive", ValueError("ill"), 1)],
            "child 'archive' needed more than 1 restart within 60 s: ValueError: ill",
        ),
        (
            [gave_up("office/front", "clerk", ValueError("ill"), 0), gave_up("office", "front", Exit.SHUTDOWN)],
            (
                "child 'front' needed more than 3 restarts within 60 s: "
                "child 'clerk' needed more than 0 restarts within 60 s: ValueError: ill"
            ),
        ),
        (
            [gave_up("office/front", "clerk", ValueError("ill")), gave_up("office", "front", Exit.KILLED)],
            "child 'front' needed more than 3 restarts within 60 s: killed",
        ),
    ],
)
def test_why_the_root_gave_up(events, why):
    """The reasons go down from the root to the child with which it began."""
    activity = Activity("office")
    for event in events:
        activity(event)
    assert activity.why_the_root_gave_up() == why


# --- the drawing ------------------------------------------------------------------------------------


def test_a_row_for_each_actor():
    """The tree's shape, and of each actor state, life, mail, restarts, what is in hand, why it ended the last time."""
    activity = Activity("office")
    activity.restarts[CLERK] = 1
    activity(begun("0123456789", attempt=2, at=1.0))
    tree = office(incarnation=2, mailbox=3, last_end="ValueError: \x1b[2Jill\nand tired")
    assert drawn(tree, activity, now=3.5) == [
        "actor          state      life  mail  restarts  in hand                    last end",
        "office         ● running     1",
        "├── front      ● running     1",
        "│   ├── clerk  ● running     2     3         1  01234567 2.5 s, attempt 2  ValueError: ill and tired",
        "│   └── spare  ● running     1",
        "└── archive    ● running     1",
    ]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"state": "starting"}, "◔ starting"),
        ({"state": "restarting"}, "◐ restarting"),
        ({"state": "stopped"}, "○ stopped"),
        ({"abandoned": 2}, "● running +2 abandoned"),
        ({"health": "too slow"}, "● running, unhealthy"),
        ({"breaker": breaker("open")}, "● running, breaker open"),
        ({"breaker": breaker("forced_open"), "health": "too slow"}, "● running, unhealthy, breaker open"),
        ({"busy": True}, "busy"),
    ],
)
def test_states(changes, shown):
    """Each state has its mark; what could not be ended, and a handler at work on no task, are shown too."""
    assert shown in drawn(office(**changes))[3]


def test_the_last_tool_is_shown():
    """Of a task in hand one sees how far it has come: the last tool that has answered."""
    activity = Activity("office")
    activity(begun())
    activity(ToolCalled(CLERK, 1, 2.0, "t1", "t1", "payments.refund", "office/payments", 0.1, None))
    assert "t1 2.0 s, payments.refund" in drawn(office(), activity, now=3.0)[3]


def test_in_a_narrow_window_the_end_gives_way():
    """Where there is little room, the last column is cut, and no line is broken."""
    lines = drawn(office(last_end="ValueError: " + "very " * 20 + "ill"), width=80)
    assert len(lines) == 6
    assert max(map(len, lines)) <= 80
    assert lines[3].endswith("…")


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (80, ["actor", "state", "life", "mail", "restarts", "in hand", "last end"]),
        (79, ["actor", "state", "life", "mail", "restarts", "in hand"]),
        (60, ["actor", "state", "life", "mail", "restarts", "in hand"]),
        (59, ["actor", "state", "life", "in hand"]),
        (40, ["actor", "state", "in hand"]),
    ],
)
def test_columns_that_have_no_room_are_left_out(width, columns):
    """In a narrow window there are fewer columns, and those that are left can be read."""
    activity = Activity("office")
    activity(begun())
    lines = drawn(office(), activity, now=2.0, width=width)
    assert re.split(r"  +", lines[0]) == columns
    assert max(map(len, lines)) <= width
    assert "│   ├── clerk  ● running" in lines[3]
    assert "t1 1.0 s" in lines[3]


def many(number, **last):
    children = [actor(f"office/c{n}") for n in range(number - 1)] + [actor("office/last", **last)]
    return actor("office", *children)


@pytest.mark.parametrize("height", range(2, 12))
def test_it_keeps_to_its_height(height):
    """However large the tree and small the window: so many lines, and the last one says how many are left out."""
    lines = drawn(many(100), height=height)
    assert len(lines) == height
    assert lines[-1].strip() == f"... and {101 - (height - 2)} more"


def test_where_something_happens_is_shown_first():
    """Rows that are left out are those where nothing happens; those above a row that is shown are shown with it."""
    quiet = [actor(f"office/c{n}", actor(f"office/c{n}/clerk")) for n in range(50)]
    loud = actor("office/loud", actor("office/loud/clerk", incarnation=7))
    lines = drawn(actor("office", *quiet, loud, *quiet[:10]), height=6)
    assert [line.split()[1] for line in lines[1:-1]] == ["●", "c0", "loud", "└──"]
    assert "7" in lines[4]


def test_rows_know_where_something_stirs():
    """An actor stirs that is not just running in its first life, and so does everything above it."""
    rows = rows_of(office(mailbox=1), Activity("office"))
    assert [(row.name, row.stirs) for row in rows] == [
        ("office", True),
        ("front", True),
        ("clerk", True),
        ("spare", False),
        ("archive", False),
    ]


@pytest.mark.parametrize(
    ("changes", "stirs"),
    [
        ({"health": "too slow"}, True),
        ({"breaker": breaker("open")}, True),
        ({"breaker": breaker("closed")}, False),
        ({"breaker": breaker("half_open")}, False),
    ],
)
def test_what_does_not_do_well_stirs(changes, stirs):
    """Unhealthy actors, and those whose breaker shuts their work out, are not left out of a small window."""
    assert rows_of(office(**changes), Activity("office"))[0].stirs is stirs


def test_a_tree_may_be_higher_than_the_stack_is_deep():
    """Two thousand levels have as many rows."""
    tree = actor("leaf", mailbox=1)
    for level in range(2000):
        tree = actor(f"level{level}", tree)
    rows = rows_of(tree, Activity("office"))
    assert (len(rows), rows[0].stirs, rows[-1].name) == (2001, True, "leaf")
