"""Whether a plan fits its tree."""

import pytest

from treeward.chaos.plans.fitting import check_against
from treeward.chaos.plans.plan import Fault, Plan, Work
from treeward.trees.load import load_tree

TREE = """
treeward: 1
name: t
tree:
  supervisor: team
  children:
    - {agent: writer, use: x, mailbox: {capacity: 10}}
    - supervisor: desk
      children:
        - {agent: editor, use: x}
    - {pool: readers, size: 2, child: {use: x}}
    - {dynamic: guests, child: {use: x}}
    - {dynamic: rooms}
entry: writer
"""


@pytest.fixture(scope="module")
def tree():
    """A tree with a node of every kind."""
    return load_tree(TREE, check_classes=False)


def at(path, role="agent", place="actor.handle"):
    return Plan(name="x", faults=[Fault(at=place, do="off", where={"path": path, "role": role})])


FITS = [
    ("writer", "agent"),
    ("team/desk/*", "agent"),
    ("**", "agent"),
    ("team/readers/1", "agent"),
    ("team/guests/anna", "agent"),
    ("anna", "agent"),
    ("team/rooms/one", "supervisor"),
    ("team", "supervisor"),
    ("readers", "supervisor"),
    ("team/*", "any"),
]


@pytest.mark.parametrize(("path", "role"), FITS)
def test_a_pattern_that_matches_somebody_fits(tree, path, role):
    """Agents, supervisors, members of a pool, and children that may be started later."""
    assert check_against(at(path, role), tree) == ()


MATCH_NOBODY = [
    ("team/writr", "agent", "no agent like 'team/writr'", "did you mean 'team/writer'?"),
    ("team/desk", "agent", "no agent like 'team/desk'", "it has such supervisors: say role: supervisor"),
    ("team/writer", "supervisor", "no supervisor like 'team/writer'", "it has such agents: say role: agent"),
    ("team/desk/editor/x", "agent", "no agent like 'team/desk/editor/x'", ""),
    ("team/guests/a/b", "any", "no actor like 'team/guests/a/b'", ""),
    ("other/**", "any", "no actor like 'other/**'", ""),
]


@pytest.mark.parametrize(("path", "role", "what", "hint"), MATCH_NOBODY)
def test_a_pattern_that_matches_nobody_is_a_problem(tree, path, role, what, hint):
    """A fault for nobody would never happen: the plan tests less than it says."""
    (problem,) = check_against(at(path, role), tree)
    assert problem.what == f"faults.0.where.path.0: the tree has {what}"
    assert hint in problem.hint
    assert (problem.file, problem.line) == ("", 0)


def test_requests_need_somebody_to_go_to(tree):
    """A request is for an agent or a pool, by its path, or for the entry of a tree that declares one."""
    good = [Work(input=1), Work(input=1, to="team/readers"), Work(input=1, to="team/guests/anna")]
    assert check_against(Plan(name="x", work=good), tree) == ()
    wrong = [Work(input=1, to="writer"), Work(input=1, to="team/desk")]
    assert [problem.what for problem in check_against(Plan(name="x", work=wrong), tree)] == [
        "work.0.to: the tree has no agent 'writer'",
        "work.1.to: the tree has no agent 'team/desk'",
    ]
    (problem,) = check_against(Plan(name="x", work=Work(input=1)), load_tree(TREE.replace("entry: writer", "")
                                                                           , check_classes=False))  # fmt: skip
    assert problem.what == "work.0: the tree declares no entry"


KNOBS = [
    ({"mailbox.capacity": [1, 1000], "size": "1..5", "timeout": ["10s", None]}, []),
    (
        {"mailbox.capcity": [1]},
        [("knobs.mailbox.capcity: the knob 'mailbox.capcity' turns nothing", "'mailbox.capacity'")],
    ),
    ({"editor:mailbox.capacity": [1]}, [("knobs.editor:mailbox.capacity: the knob 'editor:mailbox.capac", "")]),
    ({"nobody:timeout": [1]}, [("knobs.nobody:timeout: the knob 'nobody:timeout' turns nothing", "")]),
    ({"mailbox.capacity": [10, 0]}, [("knobs.mailbox.capacity: mailbox.capacity is 0", "")]),
    ({"intensity.within": "0s..5s"}, [("knobs.intensity.within: intensity.within is 0.0", "")]),
    ({"timeout": ["soon"]}, [("knobs.timeout: timeout is 'soon'", "")]),
    ({"strategy": ["one_for_all", "one_for_on"]}, [("knobs.strategy: strategy is 'one_for_on'", "'one_for_one'")]),
]


@pytest.mark.parametrize(("knobs", "problems"), KNOBS)
def test_knobs_have_to_turn_something_to_what_is_legal(tree, knobs, problems):
    """A knob that turns nothing is an error, and so is a value that its field does not take."""
    found = check_against(Plan(name="x", knobs=knobs), tree)
    assert len(found) == len(problems)
    for problem, (what, hint) in zip(found, problems, strict=True):
        assert problem.what.startswith(what)
        assert hint in problem.hint
