"""A plan in YAML: how it is read, and all that is said of one that is wrong."""

import json

import jsonschema
import pytest

from treeward.chaos.plans.plan import Fault, Plan, Work
from treeward.chaos.plans.plan_file import load_plan, plan_schema
from treeward.trees.load import load_tree
from treeward.trees.problems import TreeError
from treeward.trees.source import MAX_BYTES, read_source

HEAD = "treeward: 1\nname: x\n"

FULL = """
treeward: 1
name: storm
title: All at once
swarm: true
faults:
  - id: crashes
    at: actor.handle
    where: {path: "team/**", message: Task, kind: refund, incarnation: [1, 2], role: any}
    do: 30%*->crash(ValueError)
    from: 10s
    for: 1m
  - {at: tool.call, where: {tool: payments.*}, do: slow(1s..5s), shape: intermittent(20%)}
  - {at: judge, where: {judge: schema}, do: lie, on: [1, 3]}
  - {at: mailbox.put, where: writer, do: 1%->drop | 2%->delay(1s..5s)}
  - {at: actor, where: ["team/a", b], do: kill, every: 20s±10s, pick: all}
  - {at: clock, do: jump(±1h), from: 30s}
work:
  - {id: refund, input: "order {n}", to: team/writer, context: {a: 1}, key: "k{n}", times: 3, every: 1s..5s, at: 2s}
  - {input: {any: [data, 1]}, deadline: null}
knobs: {mailbox.capacity: [8, null], "**/a:timeout": 10s..300s, size: 1..5}
hypothesis: [I1, {ready_within: 30s}, {invariant: I2}]
heal: {at: 2m, ready_within: 1m, drain_within: 10m}
abort_if: [{metric: failed, above: 3}, {metric: not_ready_for, above: 30s}]
parity: {of: [refund], same: [status, output], unless: [needs_human]}
"""


def said(text, **options):
    """What is wrong with a plan, a line each, without the name of its file."""
    with pytest.raises(TreeError) as caught:
        load_plan(text, **{"environ": {}, **options})
    return [line.removeprefix("<text>:") for line in str(caught.value).split("\n")]


def test_a_plan_is_read_with_all_its_keys():
    """Each key of a file is that of the model."""
    plan = load_plan(FULL, environ={})
    assert plan.rules["crashes"] == Fault(
        id="crashes",
        at="actor.handle",
        where={"path": "team/**", "message": "Task", "kind": "refund", "incarnation": [1, 2], "role": "any"},
        do="30%->crash(ValueError)",
        from_=10,
        for_=60,
    )
    assert plan.work[0] == Work(
        id="refund", input="order {n}", to="team/writer", context={"a": 1}, key="k{n}", times=3, every="1s..5s", at=2
    )
    assert (plan.heal.at, plan.heal.drain_within, plan.swarm) == (120.0, 600.0, True)
    assert [fault.at for fault in plan.faults] == [
        "actor.handle",
        "tool.call",
        "judge",
        "mailbox.put",
        "actor",
        "clock",
    ]


def test_a_plan_may_be_a_file(tmp_path):
    """A path leads to a file, which stands in messages as it was given."""
    file = tmp_path / "plan.yaml"
    file.write_text(FULL)
    assert load_plan(file) == load_plan(str(file)) == load_plan(FULL.encode()) == load_plan(FULL)
    file.write_text("treeward: 1\n")
    with pytest.raises(
        TreeError, match=rf"^{file}:1:1: 'name' is missing in a plan; expected name: and the plan's name$"
    ):
        load_plan(file)
    with pytest.raises(TreeError, match="the file cannot be read: No such file or directory"):
        load_plan(tmp_path / "nothing.yaml")


WRONG = [
    ("", "1:1: the file is empty; expected a mapping with the keys treeward, name and faults"),
    ("- a\n- b", "1:1: the file holds a list; expected a mapping with the keys treeward, name and faults"),
    ("name: x\n", "1:1: 'treeward' is missing in a plan; expected treeward: 1, the format's version"),
    ("treeward: 2\nname: x\n", "1:11: treeward is 2; expected 1"),
    (f"{HEAD}name: y\n", "3:1: the key 'name' is given twice; expected it once, as in line 2"),
    (
        f"{HEAD}falts: []\n",
        (
            "3:1: 'falts' is not a key of a plan; expected one of treeward, name, title, faults, swarm, "
            "work, knobs, hypothesis, heal, abort_if, invariants, parity, setup; did you mean 'faults'?"
        ),
    ),
    (f"{HEAD}faults: x\n", "3:9: faults is 'x'; expected a list"),
    (f"{HEAD}swarm: maybe\n", "3:8: swarm is 'maybe'; expected true or false"),
    (
        f"{HEAD}heal: {{at: 0s}}\n",
        ("3:12: at is '0s'; expected a duration such as 500ms, 30s, 2m or 1h, or a number of seconds, above zero"),
    ),
    (f"{HEAD}work: {{inpt: x}}\n", "3:7: 'input' is missing in a work; expected input: and the request"),
    (f"{HEAD}work: {{input: x, times: 0}}\n", "3:25: times is 0; expected 1 or more"),
    (
        f"{HEAD}hypothesis: [{{redy_within: 3}}]\n",
        (
            "3:15: 'redy_within' is not a key of a hypothesis; expected one of invariant, ready_within; "
            "did you mean 'ready_within'?"
        ),
    ),
    (
        f"{HEAD}hypothesis: [{{}}]\n",
        "3:14: an item of hypothesis is a mapping; expected one of the keys invariant, ready_within",
    ),
    (
        f"{HEAD}abort_if: {{metric: faild, above: 1}}\n",
        (
            "3:20: metric is 'faild'; expected restarts_per_minute, gave_up, failed, in_hand, "
            "dead_letters, abandoned, cost_usd or not_ready_for; did you mean 'failed'?"
        ),
    ),
    (f"{HEAD}abort_if: {{metric: failed}}\n", "3:11: 'above' is missing in abort_if; expected above: and a level"),
    (
        f"{HEAD}knobs: {{a.b: 5s..1s}}\n",
        ("3:14: a.b is '5s..1s'; expected a list of values, or a range such as 10s..300s, 1..5 or 0.1..0.9"),
    ),
    (
        f"{HEAD}knobs: {{'a b': [1]}}\n",
        (
            "3:9: 'a b' is no knob; expected the way to a field, such as mailbox.capacity, or that of some "
            "nodes: team/**:mailbox.capacity"
        ),
    ),
    (f"{HEAD}parity: {{of: [a]}}\n", "3:15: no work is called 'a'; expected the id of a work: none has one"),
    (
        f"{HEAD}parity: {{unless: [fine]}}\n",
        (
            "3:19: an item of unless is 'fine'; expected ok, partial, fallback, needs_human, failed, "
            "canceled or dead_letter; did you mean 'failed'?"
        ),
    ),
    (f"{HEAD}setup: fill\n", "3:8: setup is 'fill'; expected module:name"),
]


@pytest.mark.parametrize(("text", "line"), WRONG)
def test_what_is_wrong_has_a_place_and_a_way_out(text, line):
    """Each fault of a plan is said with line and column, what was given, and what is legal."""
    assert line in said(text)


FAULTS = [
    (
        "{at: actor.handel, do: crash}",
        (
            "4:10: at is 'actor.handel'; expected a fault point: actor.start, actor.handle, actor.stop, "
            "mailbox.put, reply, timer, bus.publish, judge, tool.call, tool.serve, actor, mailbox, clock "
            "or loop; did you mean 'actor.handle'?"
        ),
    ),
    ("{do: crash}", "4:5: 'at' is missing in a fault; expected at: and a fault point, such as actor.handle"),
    ("{at: reply}", "4:5: 'do' is missing in a fault; expected do: and what happens, such as 30%->crash"),
    ("{at: reply, do: 30}", "4:21: do is 30; expected a text such as '30%->crash(ValueError)'"),
    (
        "{at: reply, do: drp}",
        (
            "4:21: 'drp' is no action, at character 1 of 'drp'; expected one of off, corrupt, drop, "
            "duplicate, delay, reorder; did you mean 'drop'?"
        ),
    ),
    (
        "{at: reply, do: 10%->delay(soon)}",
        (
            "4:21: time is 'soon', at character 12 of '10%->delay(soon)'; expected a duration such as "
            "500ms, 30s, 2m or 1h, or a range of them such as 1s..5s, above zero"
        ),
    ),
    (
        "{at: reply, do: drop, wher: a}",
        (
            "4:27: 'wher' is not a key of a fault; expected one of id, at, where, do, from, for, every, "
            "shape, on, pick; did you mean 'where'?"
        ),
    ),
    (
        "{at: reply, do: drop, where: {pth: a}}",
        (
            "4:35: 'pth' is not a key of where; expected one of path, role, incarnation, message, kind, "
            "tool, judge, topic; did you mean 'path'?"
        ),
    ),
    (
        "{at: reply, do: drop, where: a//b}",
        (
            "4:34: where is 'a//b'; expected a path such as team/writer, with * for any characters of an "
            "id and ** for any number of ids"
        ),
    ),
    (
        "{at: reply, do: drop, where: {path: [a, 'b c']}}",
        (
            "4:45: an item of path is 'b c'; expected a path such as team/writer, with * for any "
            "characters of an id and ** for any number of ids"
        ),
    ),
    (
        "{at: reply, do: drop, where: {role: agnt}}",
        "4:41: role is 'agnt'; expected agent, supervisor or any; did you mean 'agent'?",
    ),
    ("{at: reply, do: drop, where: {incarnation: 0}}", "4:48: incarnation is 0; expected 1 or more"),
    ("{at: reply, do: drop, where: 7}", "4:34: where is 7; expected a path, a list of paths, or a mapping"),
    (
        "{at: reply, do: drop, where: {topic: x}}",
        "4:35: topic says nothing at reply; expected one of path, role, incarnation, message, kind",
    ),
    (
        "{at: reply, do: drop, every: 2s}",
        ("4:27: reply is visited by what passes there: it has no every; say in do how often, as in '10%->crash'"),
    ),
    (
        "{at: actor, do: kill, every: 5q}",
        (
            "4:34: every is '5q'; expected a duration such as 500ms, 30s, 2m or 1h, or a range of them "
            "such as 1s..5s, above zero"
        ),
    ),
    (
        "{at: reply, do: drop, shape: brst}",
        (
            "4:34: 'brst' is no shape, at character 1 of 'brst'; expected one of single, persistent, "
            "intermittent, burst; did you mean 'burst'?"
        ),
    ),
    (
        "{at: reply, do: 2*drop, shape: burst}",
        "4:36: do says how often, and so does shape; expected one action alone in do, or no shape",
    ),
    ("{at: reply, do: drop, on: [0]}", "4:32: an item of on is 0; expected 1 or more"),
    (
        "{at: reply, do: drop, id: A}",
        "4:31: id is 'A'; expected a lower-case letter, then lower-case letters, digits, '-' or '_'",
    ),
    (
        "{at: reply, do: drop, from: 90s}",
        "4:33: from is 90s, but all is healed at 1m; expected an earlier time; or give heal a later at",
    ),
    (
        "{at: reply, do: drop, pick: all}",
        "4:27: there is nothing to pick from at reply; expected no pick: it is for actor or mailbox",
    ),
]


@pytest.mark.parametrize(("fault", "line"), FAULTS)
def test_what_is_wrong_with_a_fault(fault, line):
    """Each fault of a fault is said at its place; nothing else is said of it."""
    assert said(f"{HEAD}faults:\n  - {fault}\n") == [line]


def test_all_that_is_wrong_is_said_at_once():
    """The faults of fields and those between fields come together, in the order of their places."""
    text = """
faults:
  - {at: actor.handel, do: "crash("}
  - {at: reply, do: drop, every: 5s, where: {tool: x}, shape: brst, on: [1], id: a}
  - {at: actor, do: kil, id: a, from: 5m}
swarm: maybe
work: {every: 0s}
heal: {at: soon}
parity: {of: [x]}
"""
    places = [line.split(": ", 1)[0] for line in said(f"{HEAD}{text}")]
    assert places == [
        *("5:10", "5:28"),
        *("6:27", "6:46", "6:63", "6:63"),
        *("7:21", "7:30"),
        "8:8",
        *("9:7", "9:15"),
        "10:12",
        "11:15",
    ]


def test_the_limits_are_those_of_a_tree():
    """A file that is too large, or nested too deep, is refused before it is looked at."""
    assert said(f"{HEAD}title: {'x' * MAX_BYTES}\n")[0].endswith(
        "the file is too large; expected at most 1,000,000 bytes"
    )
    assert "the nesting is too deep" in said(f"{HEAD}work: {'[' * 60}{']' * 60}\n")[0]


def test_values_may_come_from_the_environment():
    """`${NAME}` is replaced as in a tree, and a variable that is not set is an error."""
    text = f"{HEAD}work: {{input: '${{ASKED}}', times: '${{TIMES:-3}}'}}\n"
    assert load_plan(text, environ={"ASKED": "y"}).work == (Work(input="y", times=3),)
    assert said(text) == [
        "3:15: the environment variable ASKED is not set; set it, or give a default: ${ASKED:-default}"
    ]


ZOO = """
from treeward.chaos.invariants.invariant import Invariant


class Mine(Invariant):
    name = "mine"


class Odd(Exception):
    def __init__(self, code, text):
        super().__init__(text)


class Stop(GeneratorExit):
    pass


class Plain(Exception):
    pass


def fill(world):
    pass


def nothing():
    pass
"""


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """The name of a module with what plans may name."""
    (tmp_path / "plan_zoo.py").write_text(ZOO)
    monkeypatch.syspath_prepend(tmp_path)
    return "plan_zoo"


def test_names_of_python_are_looked_for(zoo):
    """Exceptions, invariants and functions of allowed modules are found."""
    plan = load_plan(
        f"{HEAD}faults: [{{at: actor.handle, do: 'crash({zoo}:Plain) | poison(error={zoo}:Plain)'}}]\n"
        f"invariants: [{zoo}:Mine, {zoo}:fill]\nsetup: {zoo}:fill\nparity: {{facts: {zoo}:fill}}\n",
        allow=[zoo],
    )
    assert (plan.invariants, plan.setup) == (("plan_zoo:Mine", "plan_zoo:fill"), "plan_zoo:fill")


NAMES = [
    (
        "faults: [{at: actor.handle, do: 'crash(plan_zoo:Plan)'}]",
        (
            "3:33: the module 'plan_zoo' has no exception 'Plan'; expected an exception of that module; "
            "did you mean 'Plain'?"
        ),
    ),
    (
        "faults: [{at: actor.handle, do: 'crash(plan_zoo:Odd)'}]",
        (
            "3:33: plan_zoo:Odd cannot be made with one text: Odd.__init__() missing 1 required positional "
            "argument: 'text'; expected an exception whose constructor takes one text"
        ),
    ),
    (
        "faults: [{at: actor.handle, do: 'poison(plan_zoo:Stop)'}]",
        "3:33: plan_zoo:Stop cannot be raised on purpose: it is a sign of Python's own",
    ),
    (
        "invariants: [plan_zoo:Plain]",
        (
            "3:14: plan_zoo:Plain is no invariant; expected a subclass of "
            "treeward.chaos.invariants.Invariant, or a function of the run"
        ),
    ),
    (
        "invariants: [plan_zoo:fll]",
        (
            "3:14: the module 'plan_zoo' has no class or function 'fll'; expected a class or function of "
            "that module; did you mean 'fill'?"
        ),
    ),
    (
        "setup: plan_zoo:nothing",
        "3:8: plan_zoo:nothing cannot be called with one argument; expected a function of one argument",
    ),
    (
        "parity: {facts: plan_zoo:fll}",
        ("3:17: the module 'plan_zoo' has no function 'fll'; expected a function of that module; did you mean 'fill'?"),
    ),
    (
        "setup: os:remove",
        (
            "3:8: the module 'os' is not allowed; expected a function from an allowed module; allow it "
            "with --allow os, or allow=['os']"
        ),
    ),
]


@pytest.mark.parametrize(("part", "line"), NAMES)
def test_names_that_lead_nowhere_are_errors(zoo, part, line):
    """What a plan names has to be there, to be of the right kind, and to be allowed."""
    assert said(f"{HEAD}{part}\n", allow=[zoo]) == [line]


def test_nothing_is_imported_if_it_is_not_to_be(zoo):
    """Without the check of names, nothing is looked for."""
    assert load_plan(f"{HEAD}setup: nowhere:fill\n", check_names=False).setup == "nowhere:fill"


TREE = """
treeward: 1
name: t
tree:
  supervisor: team
  children: [{agent: writer, use: x}]
"""


def test_a_plan_is_held_against_its_tree():
    """With a tree, what does not fit is said at its place."""
    tree = load_tree(TREE, check_classes=False)
    text = f"{HEAD}faults:\n  - {{at: reply, do: drop, where: {{path: [writer, writr]}}}}\nknobs:\n  timeut: [1s]\n"
    assert said(text, tree=tree) == [
        (
            "4:50: the tree has no agent like 'writr'; expected a pattern that matches an agent of the tree; "
            "did you mean 'writer'?"
        ),
        (
            "6:3: the knob 'timeut' turns nothing: no node of the tree has that; expected the way to a field, "
            "such as mailbox.capacity; did you mean 'timeout'?"
        ),
    ]
    assert load_plan(text.replace("writr", "writer").replace("timeut", "timeout"), tree=tree).name == "x"


# --- the schema -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def validator():
    """The JSON Schema, as an editor uses it."""
    schema = plan_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(json.loads(json.dumps(schema)))


def as_data(text):
    top, problems = read_source(text.replace("${", "$${"), "f", {})
    assert problems == []
    return json.loads(json.dumps(top))


def test_the_schema_accepts_what_is_right(validator):
    """An editor finds nothing wrong with a plan that is right."""
    for text in (FULL, HEAD, f"{HEAD}work: {{input: '${{A}}', times: '${{B}}'}}\n"):
        assert [error.message for error in validator.iter_errors(as_data(text))] == []


@pytest.mark.parametrize(
    "text",
    [
        "name: x\n",
        f"{HEAD}falts: []\n",
        f"{HEAD}faults: [{{at: nowhere, do: crash}}]\n",
        f"{HEAD}faults: [{{at: reply}}]\n",
        f"{HEAD}faults: [{{at: reply, do: drop, shape: brst}}]\n",
        f"{HEAD}faults: [{{at: reply, do: drop, where: {{pth: a}}}}]\n",
        f"{HEAD}heal: {{at: soon}}\n",
        f"{HEAD}abort_if: {{metric: faild, above: 1}}\n",
        f"{HEAD}knobs: {{a: 3}}\n",
        f"{HEAD}setup: fill\n",
    ],
)
def test_the_schema_refuses_what_is_wrong(validator, text):
    """An editor marks unknown keys, words and forms."""
    assert list(validator.iter_errors(as_data(text)))


def test_the_schema_has_every_key(validator):
    """Each key of the models stands in the schema, under the name that it has in a file."""
    properties = validator.schema["properties"]
    assert list(properties) == [field.validation_alias or name for name, field in Plan.model_fields.items()]
    assert {"from", "for"} <= set(validator.schema["$defs"]["Fault"]["properties"])
