"""Where one node names another: a fallback, a judge, a desk, a cheaper variant."""

# ruff: noqa: E501 - a row of a table is one line

import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.supervisors import places
from treeward.trees.load import load_tree
from treeward.trees.mentions import _Everyone
from treeward.trees.nodes import Placed, nodes

HEAD = "treeward: 1\nname: x\ntree:\n  supervisor: root\n"


def agent(name, said=""):
    return f"{{agent: {name}, use: x{said and f', {said}'}}}"


def falls(name, *names):
    return agent(name, f"recovery: [{{fallback: [{', '.join(names)}]}}]")


def under(*children, more=""):
    listed = "".join(f"    - {child}\n" for child in children)
    return f"{HEAD}{more}  children:\n{listed}"


FOUND = {
    "a sibling": under(falls("a", "b"), agent("b")),
    "a path": under(falls("a", "root/s/b"), f"{{supervisor: s, children: [{agent('b')}]}}"),
    "a path from where one is": under(falls("a", "s/b"), f"{{supervisor: s, children: [{agent('b')}]}}"),
    "a sibling of those above": under(f"{{supervisor: s, children: [{falls('a', 'b')}]}}", agent("b")),
    "somebody below those above": under(falls("a", "b"), f"{{supervisor: s, children: [{agent('b')}]}}"),
    "a pool": under(falls("a", "p"), "{pool: p, size: 1, child: {use: x}}"),
    "somebody whom a dynamic supervisor may start": under(falls("a", "root/d/child-1"), "{dynamic: d}"),
    "the same from where one is": under(falls("a", "d/child-1"), "{dynamic: d}"),
    "from a template, a sibling of the pool": under("{pool: p, size: 1, child: {use: x, recovery: [{fallback: b}]}}", agent("b")),
    "from a supervisor, a child of it": under("{supervisor: s, recovery: [{fallback: b}], children: [{agent: a, use: x}, {agent: b, use: x}]}"),
    "from the root, whoever is below": under(f"{{supervisor: s, children: [{agent('b')}]}}", more="  recovery: [{escalate: b}]\n"),
    "the desk, from everywhere": under(agent("a", "recovery: [{escalate: desk}]"), agent("b", "recovery: [{escalate: {to: desk}}]"), agent("desk")),
    "a judge of two": under(agent("a", "judges: [{agent: c}]"), agent("b", "judges: [{quorum: [{agent: c}]}]"), agent("c")),
    "a cheaper variant": under(agent("a", "budget: {cost: 1, cheaper: b}"), agent("b")),
    "one who falls back on whom others fall back on": under(falls("a", "b"), falls("b", "c"), agent("c")),
    "two ways to one": under(falls("a", "b", "c"), falls("b", "d"), falls("c", "d"), agent("d")),
    "a judge who falls back on the one that he judges": under(agent("a", "judges: [{agent: b}]"), falls("b", "a")),
    "one of those below a supervisor whose ladder it is": under("{supervisor: s, recovery: [{fallback: b}], children: [{agent: b, use: x}]}"),
}  # fmt: skip


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_names_that_lead_somewhere(text):
    """An id or a path of an agent or a pool, seen from where it is written."""
    assert load_tree(text, check_classes=False).name == "x"


SOMEBODY = "the id or the path of an agent or a pool"
REFUSED = {
    "nobody": (under(falls("a", "bb"), agent("b")), [f"6:49: the fallback 'bb' of root/a is not in the tree; expected {SOMEBODY}; did you mean 'b'?"]),
    "in a template": (under("{pool: p, size: 1, child: {use: x, recovery: [{fallback: b}]}}"), [f"6:64: the fallback 'b' of root/p is not in the tree; expected {SOMEBODY}"]),
    "its own pool": (under("{pool: p, size: 1, child: {use: x, recovery: [{fallback: p}]}}"), ["6:64: the fallback 'p' of root/p is itself; expected somebody else"]),
    "at a supervisor": (under(agent("a"), more="  recovery: [{fallback: b}]\n"), [f"5:25: the fallback 'b' of root is not in the tree; expected {SOMEBODY}"]),
    "at a pool": (under("{pool: p, size: 1, child: {use: x}, budget: {cost: 1, cheaper: q}}"), [f"6:70: the cheaper variant 'q' of root/p is not in the tree; expected {SOMEBODY}"]),
    "a supervisor": (under(falls("a", "root")), [f"6:49: the fallback 'root' of root/a is a supervisor, which handles no tasks; expected {SOMEBODY}"]),
    "a judge of a judge": (under(agent("a", "judges: [{quorum: [{quorum: [{agent: q}]}]}]")), [f"6:63: the judge 'q' of root/a is not in the tree; expected {SOMEBODY}"]),
    "a policy's name, at each who uses it": (
        f"treeward: 1\nname: x\npolicies: {{recovery: {{r: [{{fallback: b}}]}}}}\ntree: {{supervisor: root, children: [{agent('a', 'recovery: r')}, {agent('b', 'recovery: r')}]}}",
        ["3:38: the fallback 'b' of root/b is itself; expected somebody else"],
    ),
    "a circle of two": (under(falls("a", "b"), falls("b", "a")), ["7:49: the fallbacks go in a circle: root/a -> root/b -> root/a; expected an end to it"]),
    "a circle behind others": (under(falls("a", "b"), falls("b", "c"), falls("c", "d", "b"), agent("d")), ["8:52: the fallbacks go in a circle: root/b -> root/c -> root/b; expected an end to it"]),
    "a circle through pools": (under("{pool: p, size: 1, child: {use: x, recovery: [{fallback: a}]}}", falls("a", "p")), ["7:49: the fallbacks go in a circle: root/p -> root/a -> root/p; expected an end to it"]),
    "two circles": (under(falls("a", "b"), falls("b", "a"), falls("c", "d"), falls("d", "c")), [
        "7:49: the fallbacks go in a circle: root/a -> root/b -> root/a; expected an end to it",
        "9:49: the fallbacks go in a circle: root/c -> root/d -> root/c; expected an end to it",
    ]),
    "judges who judge each other": (under(agent("a", "judges: [{agent: b}]"), agent("b", "judges: [{agent: a}]")), ["7:43: the judges go in a circle: root/a -> root/b -> root/a; expected an end to it"]),
    "variants that are cheaper than each other": (under(agent("a", "budget: {cost: 1, cheaper: b}"), agent("b", "budget: [{cost: 1, cheaper: a}]")), ["7:54: the cheaper variants go in a circle: root/a -> root/b -> root/a; expected an end to it"]),
    "a long circle, shortened": (
        under(*(falls(f"a{n}", f"a{(n + 1) % 20}") for n in range(20))),
        ["25:51: the fallbacks go in a circle: root/a0 -> root/a1 -> root/a2 -> root/a3 -> root/a4 -> root/a5 -> root/a6 -> root/a7 -> root/a8 -> ... -> root/a0; expected an end to it"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_names_that_do_not(text, said, faults):
    """Each is told at its place, with who says it; of a circle the whole way."""
    assert faults(text) == said


def test_names_over_files(tmp_path, monkeypatch, faults):
    """An included file may name those around it: a name is looked up in the whole tree, not in its file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "part.yaml").write_text(
        f"treeward: 1\nname: part\ntree: {{supervisor: part, children: [{falls('a', 'b')}]}}\n"
    )
    (tmp_path / "whole.yaml").write_text(under("{include: part.yaml}", agent("b")))
    assert load_tree("whole.yaml", check_classes=False).name == "x"
    assert faults("part.yaml") == [
        f"part.yaml:3:79: the fallback 'b' of part/a is not in the tree; expected {SOMEBODY}"
    ]


def test_names_while_a_part_is_missing(tmp_path, monkeypatch, faults):
    """Where an include cannot be read, nobody is told that those are missing who may be in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "whole.yaml").write_text(under("{include: part.yaml}", falls("a", "b", "a")))
    assert faults("whole.yaml") == [
        "whole.yaml:6:17: there is no file 'part.yaml' to include",
        "whole.yaml:7:52: the fallback 'a' of root/a is itself; expected somebody else",
    ]


ids = st.sampled_from("abc")
trees = st.recursive(
    ids.map(lambda name: {"agent": name}),
    lambda inner: st.builds(
        lambda name, children: {"supervisor": name, "children": children},
        ids,
        st.lists(inner, max_size=3, unique_by=lambda node: next(iter(node.values()))),
    ),
    max_leaves=8,
)


def as_cells(tree):
    """Returns the places of a tree by path as the runtime has them: cells, with their children."""
    cells = {}
    for place in nodes(tree):
        children = {} if "children" in place.node else None
        cells[place.path] = SimpleNamespace(path=place.path, children=children)
        above, _, name = place.path.rpartition("/")
        if above:
            cells[above].children[name] = cells[place.path]
    return SimpleNamespace(cells=cells)


@given(st.lists(trees, max_size=3, unique_by=lambda node: next(iter(node.values()))), ids, st.data())
def test_names_lead_where_they_lead_when_it_runs(children, name, data):
    """Seen from any agent, a name means the same in the file and in the tree that runs."""
    tree = {"tree": {"supervisor": "root", "children": children}}
    everyone = _Everyone(nodes(tree))
    agents = [place for place in everyone.places if "agent" in place.node] or [Placed((), "root/x", {"agent": "x"})]
    by = data.draw(st.sampled_from(agents))
    running = places.find(as_cells(tree), by.path, name)
    assert everyone.find(name, by) == (running and running.path)


@pytest.mark.realtime
def test_many_names(faults):
    """Ten thousand agents that name each other are looked at in no time; so are ten thousand that name nobody."""
    count = 10_000
    ladders = [falls(f"a{n}", f"a{n + 1}") for n in range(count - 1)]
    begin = time.perf_counter()
    load_tree(under(*ladders, agent(f"a{count - 1}")), check_classes=False)
    assert time.perf_counter() - begin < 8.0
    begin = time.perf_counter()
    assert len(faults(under(*(falls(f"a{n}", f"b{n}") for n in range(count))))) == count
    assert time.perf_counter() - begin < 12.0
