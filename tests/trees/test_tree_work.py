"""What a tree says about work: every key, how it is written, and what it becomes."""

# ruff: noqa: E501 - a row of a table is one line

import json

import pytest
from pydantic import ValidationError

from treeward.runtime.usage import Limits
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.budgets.budget import Budget
from treeward.supervisors.judges.agent_judge import AgentJudge
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.judges.confidence import ConfidenceJudge
from treeward.supervisors.judges.quorum import Quorum
from treeward.supervisors.judges.rules import Range, RulesJudge
from treeward.supervisors.judges.schema import SchemaJudge
from treeward.supervisors.work import ladder
from treeward.supervisors.work.health import HealthSpec
from treeward.supervisors.work.loops import LoopLimits
from treeward.supervisors.work.policy import NOTHING, Work
from treeward.trees import guards, judges
from treeward.trees.build import root_spec
from treeward.trees.diff import Reconfigure, Restart, diff
from treeward.trees.environment import FromEnvironment
from treeward.trees.export import to_yaml
from treeward.trees.load import load_tree
from treeward.trees.problems import TreeError
from treeward.trees.runtime import Runtime
from treeward.trees.spec import AgentNode, DynamicNode, PoolNode, SupervisorNode, Template, Tree

# --- what it becomes --------------------------------------------------------------------------------

LEGAL = {
    "recovery: []": {"recovery": ()},
    "recovery: careful": {"recovery": (ladder.Retry(),)},
    "recovery: [retry, revise, restart, escalate]": {"recovery": (ladder.Retry(), ladder.Revise(), ladder.Restart(), ladder.Escalate())},
    "recovery: [{retry: llm}]": {"recovery": (ladder.Retry(3),)},
    "recovery: [{retry: 5}, skip]": {"recovery": (ladder.Retry(5), ladder.Skip())},
    "recovery: [{retry: {times: 1, initial: 500ms, factor: 3, max: 1m, jitter: full}}]": {"recovery": (ladder.Retry(1, 0.5, 3.0, 60.0, "full"),)},
    "recovery: [{revise: 1}]": {"recovery": (ladder.Revise(1),)},
    "recovery: [{revise: {times: 3, feedback: 0, changes: {brief: true}}}]": {"recovery": (ladder.Revise(3, 0, {"brief": True}),)},
    "recovery: [{restart: 4}]": {"recovery": (ladder.Restart(4),)},
    "recovery: [{fallback: b}]": {"recovery": (ladder.Fallback(("b",)),)},
    "recovery: [{fallback: [b, root/desk]}]": {"recovery": (ladder.Fallback(("b", "root/desk")),)},
    "recovery: [{fallback: b}, {fallback: desk}]": {"recovery": (ladder.Fallback(("b",)), ladder.Fallback(("desk",)))},
    "recovery: [{escalate: desk}]": {"recovery": (ladder.Escalate("desk"),)},
    "recovery: [{escalate: {to: desk, wait: 10m}}]": {"recovery": (ladder.Escalate("desk", 600.0),)},
    "recovery: [{skip: {output: {answer: [nobody, 0.5]}}}]": {"recovery": (ladder.Skip({"answer": ["nobody", 0.5]}),)},
    "judges: refund": {"judges": (ConfidenceJudge(0.5),)},
    "judges: [{schema: {type: object, required: [amount]}}]": {"judges": (SchemaJudge({"type": "object", "required": ["amount"]}),)},
    "judges: [{rules: {required: [a, b.c], ranges: {amount: {min: 0, max: 500}}, match: {currency: '^[A-Z]{3}$'}, forbid: ['(?i)as an ai'], agrees: {customer: facts.customer}}}]": {
        "judges": (RulesJudge(required=("a", "b.c"), ranges={"amount": Range(0.0, 500.0)}, match={"currency": "^[A-Z]{3}$"}, forbid=("(?i)as an ai",), agrees={"customer": "facts.customer"}),),
    },
    "judges: [{confidence: 0.9}]": {"judges": (ConfidenceJudge(0.9),)},
    "judges: [{confidence: 1}]": {"judges": (ConfidenceJudge(1.0),)},
    "judges: [{confidence: {least: 0.9, field: score.sure}}]": {"judges": (ConfidenceJudge(0.9, "score.sure"),)},
    "judges: [{agent: b, rubric: 'Is it polite?', accept_at: 0.9}]": {"judges": (AgentJudge("b", "Is it polite?", accept_at=0.9),)},
    "judges: [{quorum: [{confidence: 0.7}, {agent: b}], weights: [2, 1], accept_at: 0.6}]": {"judges": (Quorum((ConfidenceJudge(0.7), AgentJudge("b")), (2.0, 1.0), accept_at=0.6),)},
    "judges: [{quorum: [{quorum: [{confidence: 0.7}]}]}]": {"judges": (Quorum((Quorum((ConfidenceJudge(0.7),)),)),)},
    "judges: [{confidence: 0.7, name: sure, cost: 5, timeout: 1s, on_judge_error: accept, breaker: llm}]": {
        "judges": (ConfidenceJudge(0.7, name="sure", cost=5.0, timeout=1.0, on_judge_error="accept", breaker=BreakerSpec()),),
    },
    "judges: [{breaker: {failures: 2}, confidence: 0.7}]": {"judges": (ConfidenceJudge(0.7, breaker=BreakerSpec(failures=2)),)},
    "judging: all": {"judging": "all"},
    "breaker: llm": {"breaker": BreakerSpec()},
    "breaker: {failures: 3, within: 1m, rate: 0.5, minimum: 4, slow: 10s, dear: 0.5, cooldown: 5s, factor: 3, max_cooldown: 1h}": {
        "breaker": BreakerSpec(failures=3, within=60.0, rate=0.5, minimum=4, slow=10.0, dear=0.5, cooldown=5.0, factor=3.0, max_cooldown=3600.0),
    },
    "breaker: {failures: , rate: 1}": {"breaker": BreakerSpec(failures=None, rate=1.0)},
    "budget: daily": {"budgets": (Budget(limits=Limits(cost=5.0)),)},
    "budget: []": {},
    "budget: {cost: 5.0, tokens: 200000, calls: 100, seconds: 10m, restarts: 20, per: day, call: {cost: 0.05, tokens: 4000}, cheaper: b, demote_at: 0.5}": {
        "budgets": (Budget(limits=Limits(5.0, 200000, 100, 600.0, 20), per="day", call=Limits(cost=0.05, tokens=4000), cheaper="b", demote_at=0.5),),
    },
    "budget: [daily, {tokens: 0, per: life}]": {"budgets": (Budget(limits=Limits(cost=5.0)), Budget(limits=Limits(tokens=0), per="life"))},
    "health: strict": {"health": HealthSpec(errors=0.5)},
    "health: {every: 1s, within: 30s, errors: 0.2, minimum: 3, latency: 10s, age: 1m, heartbeat: 5s}": {
        "health": HealthSpec(every=1.0, within=30.0, errors=0.2, minimum=3, latency=10.0, age=60.0, heartbeat=5.0),
    },
    "loops: tight": {"loops": LoopLimits(visits=1)},
    "loops: {visits: , calls: 2, window: 8, repeats: }": {"loops": LoopLimits(visits=None, calls=2, window=8, repeats=None)},
    "timeout: 30s\nattempt_timeout: 30s\nidle_timeout: 5s": {"timeout": 30.0, "attempt_timeout": 30.0, "idle_timeout": 5.0},
}  # fmt: skip


def built(text):
    """Returns the specs of the root and of its children, by id, without looking at arguments."""
    root = root_spec(load_tree(text, allow=["zoo"]), allow=["zoo"])
    return root, {child.id: child for child in root.factory.args[0].specs}


@pytest.mark.parametrize(("lines", "work"), LEGAL.items(), ids=LEGAL)
def test_what_it_becomes(actors, lines, work, in_agent):
    """Each way to write a key, and the supervisors' own value that it stands for."""
    text = in_agent(lines, "zoo.actors:Plain").replace("use: x", "use: zoo.actors:Plain")
    _, children = built(text)
    assert children["a"].work == Work(**work)
    assert children["b"].work is NOTHING


@pytest.mark.parametrize("lines", LEGAL, ids=LEGAL)
def test_it_is_the_same_after_yaml(lines, in_agent):
    """Whatever a tree says about work, its YAML and its JSON are read as an equal tree with the same fingerprint."""
    tree = load_tree(in_agent(lines), check_classes=False)
    again = load_tree(to_yaml(tree), check_classes=False)
    assert again == tree
    assert again.fingerprint == tree.fingerprint
    assert load_tree(tree.model_dump_json(), check_classes=False) == tree


def test_python_names_are_looked_up(actors, in_agent):
    """Models, functions and classifications are named by their import paths, and arrive as what they are."""
    lines = "judges: [{schema: 'zoo.actors:Line'}, {function: 'zoo.actors:polite', dispatcher: thread}]\nclassify: ['zoo.actors:of_our_bank']"
    text = in_agent(lines, "zoo.actors:Plain").replace("use: x", "use: zoo.actors:Plain")
    _, children = built(text.replace("supervisor: root", "supervisor: root\n  classify: ['zoo.actors:of_our_bank']"))
    schema, function = children["a"].work.judges
    (own,) = children["a"].work.classify
    assert (schema.schema.__name__, schema.name, schema.cost) == ("Line", "schema", 0.0)
    assert (function.function.__name__, function.name, function.dispatcher) == ("polite", "polite", "thread")
    assert own(TimeoutError()) == "transient"


def test_every_kind_of_supervisor_says_something():
    """Ladder, budgets, loop limits stand at supervisors, pools and dynamic supervisors, and hold for those below."""
    said = {"recovery": [{"retry": 1}], "budget": {"cost": 1}, "loops": {"visits": 2}}
    inside = [
        {
            "pool": "p",
            "size": 1,
            "child": {"use": "desk", "with": {"database": "d"}, "timeout": 3, "recovery": []},
            **said,
        },
        {"dynamic": "d", "child": {"use": "desk", "with": {"database": "d"}, "breaker": {}}, **said},
    ]
    document = {"treeward": 1, "name": "x", "tree": {"supervisor": "root", "children": inside, **said}}
    root = root_spec(load_tree(json.dumps(document)))
    work = Work(recovery=(ladder.Retry(1),), budgets=(Budget(limits=Limits(cost=1.0)),), loops=LoopLimits(visits=2))
    pool, dynamic = root.factory.args[0].specs
    assert [root.work, pool.work, dynamic.work] == [work] * 3
    assert pool.factory.args[0].child.work == Work(timeout=3.0, recovery=())
    assert dynamic.factory.args[0].child.work == Work(breaker=BreakerSpec())


def test_what_an_agent_is_made_with():
    """The breaker of its tools is in the profile that an agent gets before its constructor runs."""
    agent = {"agent": "a", "use": "desk", "with": {"database": "d"}, "tool_breaker": {"failures": 2}}
    document = {"treeward": 1, "name": "x", "tree": {"supervisor": "root", "children": [agent]}}
    (spec,) = root_spec(load_tree(json.dumps(document))).factory.args[0].specs
    profile = spec.factory.attributes["profile"]
    assert profile.tool_breaker == BreakerSpec(failures=2)


DEFAULTS = [
    (guards.Breaker, BreakerSpec()),
    (guards.Health, HealthSpec()),
    (guards.Loops, LoopLimits()),
]


@pytest.mark.parametrize(("model", "value"), DEFAULTS)
def test_the_defaults_are_those_of_the_supervisors(model, value):
    """A key that is absent means the same in a tree and in Python."""
    assert type(value)(**dict(model())) == value


# --- Python -----------------------------------------------------------------------------------------

OWN = {
    "breaker: llm": {"breaker": BreakerSpec()},
    "tool_breaker: {failures: 2}": {"tool_breaker": BreakerSpec(failures=2)},
    "recovery: [{retry: 2}, revise, {restart: 1}, {fallback: [b]}, {escalate: desk}]": {
        "recovery": [ladder.Retry(2), ladder.Revise(), ladder.Restart(1), ladder.Fallback(("b",)), ladder.Escalate("desk")],
    },
    "recovery: [{skip: {output: 1}}]": {"recovery": (ladder.Skip(1),)},
    "recovery: [retry, {fallback: b}]": {"recovery": ["retry", {"fallback": "b"}]},
    "judges: [{schema: {type: object}}, {confidence: 0.5}]": {"judges": [SchemaJudge({"type": "object"}), ConfidenceJudge(0.5)]},
    "judges: [{rules: {ranges: {a: {min: 1}}, required: [b]}, name: strict}]": {"judges": [RulesJudge(ranges={"a": Range(min=1.0)}, required=("b",), name="strict")]},
    "judges: [{agent: b, rubric: kind, timeout: 1s}]": {"judges": [AgentJudge("b", "kind", timeout=1.0)]},
    "judges: [{quorum: [{confidence: 0.5}, {agent: b}], weights: [1, 2], breaker: llm}]": {
        "judges": [Quorum((ConfidenceJudge(0.5), AgentJudge("b")), (1.0, 2.0), breaker=BreakerSpec())],
    },
    "budget: {cost: 5, per: day, call: {cost: 1}}": {"budget": Budget(limits=Limits(cost=5.0), per="day", call=Limits(cost=1.0))},
    "budget: [daily, {tokens: 9}]": {"budget": [Budget(limits=Limits(cost=5.0)), guards.Budget(tokens=9)]},
    "health: strict": {"health": HealthSpec(errors=0.5)},
    "loops: tight": {"loops": LoopLimits(visits=1)},
}  # fmt: skip


@pytest.mark.parametrize(("lines", "fields"), OWN.items(), ids=OWN)
def test_the_supervisors_own_values_are_taken(lines, fields, in_agent):
    """In Python, a node takes the values that `ChildSpec.work` takes, and is equal to the one from YAML."""
    tree = load_tree(in_agent(lines), check_classes=False)
    assert AgentNode(agent="a", use="x", **fields) == tree.tree.children[-1]


def test_classes_and_functions_are_taken(actors):
    """In Python, a model or a function may stand for itself: the tree keeps its import path."""
    from zoo.actors import Line, of_our_bank, polite  # noqa: PLC0415 - a package of the fixture

    node = AgentNode(
        agent="a",
        use="x",
        judges=[{"schema": Line}, SchemaJudge(Line), FunctionJudge(polite), {"function": polite}],
        classify=[of_our_bank],
    )
    assert [judge.model_dump(exclude_defaults=True) for judge in node.judges] == [
        {"schema": "zoo.actors:Line"},
        {"schema": "zoo.actors:Line"},
        {"function": "zoo.actors:polite"},
        {"function": "zoo.actors:polite"},
    ]
    assert node.classify == ("zoo.actors:of_our_bank",)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"classify": [lambda _: None]}, "expected module:function"),
        (
            {"judges": [{"schema": type("Local", (), {"__qualname__": "f.<locals>.Local"})}]},
            "expected a class at the top of its module, which a tree can name as module:class",
        ),
        (
            {"recovery": "careful"},
            "no policy is named 'careful': expected the name of one under policies, or a list of rungs",
        ),
        ({"breaker": "llm"}, "no policy is named 'llm': expected the name of one under policies, or a mapping"),
        (
            {"recovery": [{}]},
            "expected a mapping with one of the keys retry, revise, restart, fallback, escalate, skip",
        ),
        (
            {"judges": [object()]},
            "expected a mapping with one of the keys schema, rules, confidence, function, agent, quorum",
        ),
    ],
)
def test_python_is_as_strict(fields, message):
    """What a tree cannot keep as data is refused, and so are names: in Python, a policy is a variable."""
    with pytest.raises(ValidationError) as caught:
        AgentNode(agent="a", use="x", **fields)
    assert [error["msg"] for error in caught.value.errors()] == [message]


RULES = {
    "a ladder": ({"recovery": [ladder.Escalate(), ladder.Retry()]}, "tree.children.0.recovery.1: the rung retry is never reached: escalate, before it, ends the task; expected escalate to be the last rung"),
    "a breaker": ({"breaker": guards.Breaker(failures=None)}, "tree.children.0.breaker.failures: the breaker counts no failures and has no rate: it would never open; expected failures, or a rate"),
    "a budget": ({"budget": [guards.Budget()]}, "tree.children.0.budget.0: the budget limits nothing; expected one at least of cost, tokens, calls, seconds, restarts"),
    "a judge": ({"judges": [judges.RulesJudge(rules=judges.Rules())]}, "tree.children.0.judges.0.rules: the judge has no rule; expected one at least of required, ranges, match, forbid, agrees"),
    "a name": ({"recovery": [ladder.Fallback(("b",))]}, "tree.children.0.recovery.0.fallback.0: the fallback 'b' of x/a is not in the tree; expected the id or the path of an agent or a pool"),
    "times": ({"timeout": 1, "idle_timeout": 2}, "tree.children.0.idle_timeout: idle_timeout (2 s) is longer than timeout (1 s); expected no more than timeout, which is for all tries"),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "message"), RULES.values(), ids=RULES)
def test_rules_hold_in_python(fields, message):
    """What holds between the fields of a file holds for a tree that is built in Python; the error says where."""
    with pytest.raises(ValidationError) as caught:
        Tree(name="x", tree=SupervisorNode(supervisor="x", children=[AgentNode(agent="a", use="x", **fields)]))
    assert [error["msg"] for error in caught.value.errors()] == [message]


# --- reload, schema, secrets ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "step"),
    [
        ({"recovery": ["retry"], "judges": [{"confidence": 0.5}]}, Reconfigure("r/a", "changed: recovery, judges")),
        ({"breaker": {}, "budget": {"cost": 1}}, Reconfigure("r/a", "changed: breaker, budget")),
        (
            {"health": {"age": 1}, "loops": {}, "classify": ["m:f"]},
            Reconfigure("r/a", "changed: health, loops, classify"),
        ),
        ({"attempt_timeout": 3, "recovery": []}, Reconfigure("r/a", "attempt_timeout: none -> 3s; changed: recovery")),
        ({"judging": "all"}, Reconfigure("r/a", "judging: first -> all")),
        ({"tool_breaker": {}}, Restart("r/a", "changed: tool_breaker")),
        ({"use": "y", "recovery": []}, Restart("r/a", "use: x -> y; changed: recovery")),
    ],
)
def test_what_a_reload_changes(fields, step):
    """What is said about work is taken over while the child runs; only what it is made with restarts it."""
    trees = [
        Tree(name="t", tree=SupervisorNode(supervisor="r", children=[AgentNode(agent="a", **{"use": "x", **said})]))
        for said in ({}, fields)
    ]
    assert list(diff(*trees)) == [step]


@pytest.mark.parametrize("lines", [key for key in LEGAL if "judg" in key or "recovery" in key], ids=str)
def test_work_alone_restarts_nobody(actors, lines, in_agent):
    """A spec that differs in work only is one that a child takes over as it runs."""
    text = in_agent("judging: first", "zoo.actors:Plain").replace("use: x", "use: zoo.actors:Plain")
    _, before = built(text)
    _, after = built(text.replace("judging: first", lines))
    assert before["a"].work != after["a"].work
    assert not before["a"].needs_restart_for(after["a"])


def test_pools_take_work_over():
    """A pool's own ladder is the pool's to take over, and what its template says is for each member."""
    old = PoolNode(pool="p", size=2, child=Template(use="x"))
    new = PoolNode(pool="p", size=2, child=Template(use="x", breaker={}), recovery=["retry"])
    trees = [Tree(name="t", tree=SupervisorNode(supervisor="r", children=[pool])) for pool in (old, new)]
    assert list(diff(*trees)) == [
        Reconfigure("r/p", "changed: recovery"),
        Reconfigure("r/p/1", "changed: breaker"),
        Reconfigure("r/p/2", "changed: breaker"),
    ]


def test_dynamic_supervisors_take_work_over():
    """Children that run keep the template that they were started from."""
    trees = [
        Tree(name="t", tree=SupervisorNode(supervisor="r", children=[DynamicNode(dynamic="d", budget=budget)]))
        for budget in ([], {"cost": 1})
    ]
    assert list(diff(*trees)) == [Reconfigure("r/d", "changed: budget")]


FROM_OUTSIDE = [
    "timeout: '${T}'",
    "recovery: [{retry: '${N}'}, {retry: {times: '${N}', initial: '${T}'}}, {revise: '${N}'}, {escalate: {wait: '${T}'}}]",
    "judges: [{confidence: '${F}'}, {quorum: [{confidence: 0.5}], weights: ['${N}']}, {schema: '${P}'}, {rules: {ranges: {a: {min: '${N}'}}}}]",
    "breaker: {failures: '${N}', rate: '${F}', dear: '${F}'}",
    "breaker: '${P}'",
    "budget: {cost: '${F}', tokens: '${N}', per: '${P}', call: {cost: '${F}'}}",
    "health: {errors: '${F}'}",
    "loops: {visits: '${N}'}",
    "classify: ['${P}']",
]


@pytest.mark.parametrize("lines", [*LEGAL, *FROM_OUTSIDE])
def test_what_the_schema_accepts(validator, lines, in_agent, as_an_editor_sees_it):
    """What `load_tree` takes, an editor takes: also what comes from the environment."""
    validator.validate(as_an_editor_sees_it(in_agent(lines)))


def test_secrets_do_not_show(in_agent):
    """What is said of a schema, a pattern or a name has a value from the environment as it was written."""
    lines = "judges: [{schema: {type: '${S}'}}, {rules: {match: {a: '(${S}'}}}, {agent: '${S}'}]\nbreaker: '${S}'"
    with pytest.raises(TreeError) as caught:
        load_tree(in_agent(lines), environ={"S": "hunter2"}, check_classes=False)
    assert [line.removeprefix("<text>:") for line in str(caught.value).split("\n")] == [
        "13:32: $.type of the JSON Schema is wrong: '${S}' is not valid under any of the given schemas",
        "13:62: '(${S}' is no regular expression: missing ), unterminated subpattern at position 0",
        "13:82: the judge '${S}' of root/a is not in the tree; expected the id or the path of an agent or a pool",
        "14:16: '${S}', from the environment, is not the name of a policy for breaker; expected llm, or a mapping",
    ]


def test_values_from_outside_are_read(in_agent):
    """Where a number is wanted, a text from the environment is read as one; a name stays as it was written."""
    environ = {"N": "3", "F": "0.5", "B": "b", "P": "llm"}
    lines = "recovery: [{retry: '${N}'}, {fallback: '${B}'}]\njudges: [{confidence: '${F}'}]\nbreaker: '${P}'\nbudget: {cost: '${F}'}"
    node = load_tree(in_agent(lines), environ=environ, check_classes=False).tree.children[-1]
    retry, fallback = node.recovery
    assert (retry.retry.times, node.judges[0].confidence.least, node.budget[0].cost) == (3, 0.5, 0.5)
    assert node.breaker == guards.Breaker()
    assert fallback.fallback == ("b",)
    assert isinstance(fallback.fallback[0], FromEnvironment)


async def test_a_reload_changes_what_is_done_for_work(actors):
    """New judges, and a new ladder above, are taken over by those who run: nobody is restarted."""

    def tree(judges, ladder):
        children = [
            {"agent": "clerk", "use": "zoo.clerks:Clerk", "judges": judges},
            {"agent": "rules", "use": "zoo.clerks:Rules"},
        ]
        root = {"supervisor": "desk", "children": children, "recovery": ladder}
        document = {"treeward": 1, "name": "x", "tree": root, "entry": "clerk"}
        return load_tree(json.dumps(document), allow=["zoo"])

    strict = [{"rules": {"required": ["currency"]}}]
    async with Runtime(tree([], []), allow=["zoo"]) as rt:
        assert (await rt.run("x")).output == {"amount": 7}
        assert await rt.reload(tree(strict, [])) == (Reconfigure("desk/clerk", "changed: judges"),)
        assert (await rt.run("x")).status == "failed"
        assert await rt.reload(tree(strict, [{"fallback": "rules"}])) == (Reconfigure("desk", "changed: recovery"),)
        outcome = await rt.run("x")
        assert (outcome.status, outcome.output, outcome.rung) == ("fallback", "by the rules", "fallback")
        assert rt.ref("desk/clerk").incarnation == 1
