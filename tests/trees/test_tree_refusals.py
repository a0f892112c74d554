"""What is said of what a tree says about work, if it is wrong: every key, its place and the words."""

# ruff: noqa: E501 - a row of a table is one line

import pytest

from treeward.trees.load import load_tree

DURATION = "a duration such as 500ms, 30s, 2m or 1h, or a number of seconds"
SOMEBODY = "the id or the path of an agent or a pool"

REFUSED = [
    ("recovery: retry", ["13:17: 'retry' is not the name of a policy for recovery; expected careful, or a list of rungs"]),
    ("recovery: carful", ["13:17: 'carful' is not the name of a policy for recovery; expected careful, or a list of rungs; did you mean 'careful'?"]),
    ("recovery: {retry: 3}", ["13:17: recovery is a mapping; expected a list"]),
    ("recovery: [rety]", ["13:18: an item of recovery is 'rety'; expected a rung: retry, revise, restart, fallback, escalate or skip; did you mean 'retry'?"]),
    ("recovery: [{rety: 3}]", ["13:18: an item of recovery is no rung; expected a mapping with one of the keys retry, revise, restart, fallback, escalate, skip; did you mean 'retry'?"]),
    ("recovery: [7]", ["13:18: an item of recovery is no rung; expected a mapping with one of the keys retry, revise, restart, fallback, escalate, skip"]),
    ("recovery: [fallback]", ["13:18: an item of recovery is 'fallback'; expected a rung: retry, revise, restart, fallback, escalate or skip"]),
    ("recovery: [{retry: lm}]", ["13:26: 'lm' is not the name of a policy for retry; expected llm, or a number of tries, or a mapping; did you mean 'llm'?"]),
    ("recovery: [{retry: 0}]", ["13:26: retry is 0; expected 1 or more"]),
    ("recovery: [{retry: 1.5}]", ["13:26: retry is 1.5; expected a number of tries, a mapping, or the name of one under policies"]),
    ("recovery: [{retry: true}]", ["13:26: retry is true; expected a number of tries, a mapping, or the name of one under policies"]),
    ("recovery: [{retry: [3]}]", ["13:26: retry is a list; expected a number of tries, a mapping, or the name of one under policies"]),
    ("recovery: [{retry: {tims: 3}}]", ["13:27: 'tims' is not a key of a retry; expected one of times, initial, factor, max, jitter; did you mean 'times'?"]),
    ("recovery: [{retry: {initial: 5s}}]", ["13:36: the longest wait (4 s) is shorter than the first one (5 s); expected max to be at least initial"]),
    ("recovery: [{retry: 3, restart: 2}]", ["13:29: 'restart' is not a key of a retry rung; expected retry alone; each rung is an item of its own"]),
    ("recovery: [{revise: x}]", ["13:27: revise is 'x'; expected a number of tries, or a mapping"]),
    ("recovery: [{revise: {changes: []}}]", ["13:37: changes is a list; expected a mapping of facts"]),
    ("recovery: [{revise: {feedback: -1}}]", ["13:38: feedback is -1; expected 0 or more"]),
    ("recovery: [{restart: -1}]", ["13:28: restart is -1; expected 1 or more"]),
    ("recovery: [{restart: {time: 1}}]", ["13:29: 'time' is not a key of a restart; expected times; did you mean 'times'?"]),
    ("recovery: [{fallback: }]", ["13:29: fallback is nothing; expected an id or a path, or a list of them"]),
    ("recovery: [{fallback: []}]", ["13:29: fallback is a list; expected an id or a path, or a list of them"]),
    ("recovery: [{fallback: [b, b]}]", ["13:33: 'b' is named twice; expected each of them once"]),
    ("recovery: [{fallback: bb}]", [f"13:29: the fallback 'bb' of root/a is not in the tree; expected {SOMEBODY}; did you mean 'b'?"]),
    ("recovery: [{fallback: a}]", ["13:29: the fallback 'a' of root/a is itself; expected somebody else"]),
    ("recovery: [{fallback: root/a}]", ["13:29: the fallback 'root/a' of root/a is itself; expected somebody else"]),
    ("recovery: [{fallback: s}]", [f"13:29: the fallback 's' of root/a is a supervisor, which handles no tasks; expected {SOMEBODY}"]),
    ("recovery: [{fallback: d}]", [f"13:29: the fallback 'd' of root/a is a dynamic supervisor, which handles no tasks; expected {SOMEBODY}"]),
    ("recovery: [{fallback: {to: b}}]", ["13:29: fallback is a mapping; expected an id or a path, or a list of them"]),
    ("recovery: [{fallback: [7]}]", ["13:30: an item of fallback is 7; expected text"]),
    ("recovery: [{escalate: dsk}]", [f"13:29: the desk 'dsk' of root/a is not in the tree; expected {SOMEBODY}; did you mean 'desk'?"]),
    ("recovery: [{escalate: {too: desk}}]", ["13:30: 'too' is not a key of an escalate; expected one of to, wait; did you mean 'to'?"]),
    ("recovery: [{escalate: {wait: 0}}]", [f"13:36: wait is 0; expected {DURATION}, above zero"]),
    ("recovery: [escalate, retry]", ["13:28: the rung retry is never reached: escalate, before it, ends the task; expected escalate to be the last rung"]),
    ("recovery: [skip, escalate]", ["13:24: the rung escalate is never reached: skip, before it, ends the task; expected skip to be the last rung"]),
    ("recovery: [{fallback: b}, retry]", ["13:33: the rung retry is never reached: fallback, before it, gives it away; expected retry, revise and restart before fallback"]),
    ("recovery: [{skip: x}]", ["13:25: skip is 'x'; expected a mapping"]),
    ("recovery: [{skip: {output: .nan}}]", ["13:34: output is nan; expected data as JSON has it: texts, finite numbers, true, false, null, lists and mappings"]),
    ("recovery: [{skip: {outptu: 1}}]", ["13:26: 'outptu' is not a key of a skip; expected output; did you mean 'output'?"]),
    ("judges: refnd", ["13:15: 'refnd' is not the name of a policy for judges; expected refund, or a list of judges; did you mean 'refund'?"]),
    ("judges: {confidence: 0.5}", ["13:15: judges is a mapping; expected a list"]),
    ("judges: [x]", ["13:16: an item of judges is no judge; expected a mapping with one of the keys schema, rules, confidence, function, agent, quorum"]),
    ("judges: [{scheme: x}]", ["13:16: an item of judges is no judge; expected a mapping with one of the keys schema, rules, confidence, function, agent, quorum; did you mean 'schema'?"]),
    ("judges: [{schema: x}]", ["13:25: schema is 'x'; expected module:Class of a pydantic model, or a JSON Schema as a mapping"]),
    ("judges: [{schema: {type: strng}}]", ["13:32: $.type of the JSON Schema is wrong: 'strng' is not valid under any of the given schemas"]),
    ("judges: [{schema: {properties: {a: {type: 7}}}}]", ["13:49: $.properties.a.type of the JSON Schema is wrong: 7 is not valid under any of the given schemas"]),
    ("judges: [{schema: {$ref: 'http://x'}}]", ["13:25: $ref is 'http://x': expected a place within the JSON Schema, as '#/$defs/name'"]),
    ("judges: [{schema: {pattern: '('}}]", ["13:35: $.pattern of the JSON Schema is wrong: '(' is not a 'regex'"]),
    ("judges: [{schema: [1]}]", ["13:25: schema is a list; expected module:Class of a pydantic model, or a JSON Schema as a mapping"]),
    ("judges: [{rules: {}}]", ["13:24: the judge has no rule; expected one at least of required, ranges, match, forbid, agrees"]),
    ("judges: [{rules: {requird: [a]}}]", ["13:25: 'requird' is not a key of the rules of a judge; expected one of required, ranges, match, forbid, agrees; did you mean 'required'?"]),
    ("judges: [{rules: {required: a}}]", ["13:35: required is 'a'; expected a list"]),
    ("judges: [{rules: {required: [a..b]}}]", ["13:36: an item of required is 'a..b'; expected the path of a field, such as amount or customer.id"]),
    ("judges: [{rules: {ranges: {a: {min: 2, max: 1}}}}]", ["13:51: the range of a ends (1) before it begins (2); expected max to be at least min"]),
    ("judges: [{rules: {ranges: {a: {}}}}]", ["13:37: the range of a has no end; expected a min, a max, or both"]),
    ("judges: [{rules: {ranges: {a: {mn: 1}}}}]", ["13:38: 'mn' is not a key of a range; expected one of min, max; did you mean 'min'?"]),
    ("judges: [{rules: {ranges: {a: 5}}}]", ["13:37: a is 5; expected a mapping"]),
    ("judges: [{rules: {match: {a: '('}}}]", ["13:36: '(' is no regular expression: missing ), unterminated subpattern at position 0"]),
    ("judges: [{rules: {forbid: ['(a+)+$']}}]", ["13:34: '(a+)+$' could take too long, since its repeats overlap: bound a repeat, as in .{0,40}, or take one out"]),
    ("judges: [{rules: {forbid: x}}]", ["13:33: forbid is 'x'; expected a list"]),
    ("judges: [{rules: {agrees: {a: 7}}}]", ["13:37: a is 7; expected text"]),
    ("judges: [{rules: {agrees: {a.: b}}}]", ["13:34: a. is 'a.'; expected the path of a field, such as amount or customer.id"]),
    ("judges: [{confidence: 0}]", ["13:29: confidence is 0; expected more than 0"]),
    ("judges: [{confidence: 1.5}]", ["13:29: confidence is 1.5; expected 1 or less"]),
    ("judges: [{confidence: high}]", ["13:29: confidence is 'high'; expected a number, more than 0 and at most 1, or a mapping"]),
    ("judges: [{confidence: {lest: 1}}]", ["13:30: 'lest' is not a key of a confidence; expected one of least, field; did you mean 'least'?"]),
    ("judges: [{function: x}]", ["13:27: function is 'x'; expected module:function"]),
    ("judges: [{function: 'os:system', dispatcher: process}]", ["13:52: dispatcher is 'process'; expected loop or thread"]),
    ("judges: [{function: 'm:f', acept_at: 1}]", ["13:34: 'acept_at' is not a key of a function judge; expected one of function, dispatcher, accept_at, name, cost, timeout, on_judge_error, breaker; did you mean 'accept_at'?"]),
    ("judges: [{agent: crtic}]", [f"13:24: the judge 'crtic' of root/a is not in the tree; expected {SOMEBODY}"]),
    ("judges: [{agent: a}]", ["13:24: the judge 'a' of root/a is itself; expected somebody else"]),
    ("judges: [{agent: b, rubric: 7}]", ["13:35: rubric is 7; expected text"]),
    ("judges: [{agent: b, accept_at: 2}]", ["13:38: accept_at is 2; expected 1 or less"]),
    ("judges: [{quorum: []}]", ["13:25: quorum is a list; expected a list of judges, at least one"]),
    ("judges: [{quorum: [{agent: a}]}]", ["13:34: the judge 'a' of root/a is itself; expected somebody else"]),
    ("judges: [{quorum: [{agent: b}], weights: [1, 2]}]", ["13:48: there are 2 weights for 1 judges; expected one for each"]),
    ("judges: [{quorum: [{agent: b}], weights: [0]}]", ["13:49: an item of weights is 0; expected more than 0"]),
    ("judges: [{quorum: [{agent: b}], accept_at: 0.4}]", ["13:50: accept_at is 0.4; expected 0.5 or more"]),
    ("judges: [{confidence: 0.5, timeout: 0}]", [f"13:43: timeout is 0; expected {DURATION}, above zero"]),
    ("judges: [{confidence: 0.5, on_judge_error: pass}]", ["13:50: on_judge_error is 'pass'; expected accept, reject or escalate"]),
    ("judges: [{confidence: 0.5, breaker: lm}]", ["13:43: 'lm' is not the name of a policy for breaker; expected llm, or a mapping; did you mean 'llm'?"]),
    ("judges: [{confidence: 0.5, cost: -1, name: ''}]", [
        "13:40: cost is -1; expected 0 or more",
        "13:50: name is ''; expected text that is not empty",
    ]),
    ("judges: [{quorum: [{confidence: 0.5, breaker: lm}]}]", ["13:53: 'lm' is not the name of a policy for breaker; expected llm, or a mapping; did you mean 'llm'?"]),
    ("judging: some", ["13:16: judging is 'some'; expected first or all"]),
    ("breaker: lm", ["13:16: 'lm' is not the name of a policy for breaker; expected llm, or a mapping; did you mean 'llm'?"]),
    ("breaker: 5", ["13:16: breaker is 5; expected a mapping"]),
    ("breaker: {failures: 0, rate: 2, minimum: 0, slow: 0, dear: -1, cooldown: 1h, factor: 0.5}", [
        "13:27: failures is 0; expected 1 or more",
        "13:36: rate is 2; expected 1 or less",
        "13:48: minimum is 0; expected 1 or more",
        f"13:57: slow is 0; expected {DURATION}, above zero",
        "13:66: dear is -1; expected 0 or more",
        "13:80: the longest cooldown (600 s) is shorter than the first one (3600 s); expected max_cooldown to be at least cooldown",
        "13:92: factor is 0.5; expected 1 or more",
    ]),
    ("breaker: {failures: }", ["13:27: the breaker counts no failures and has no rate: it would never open; expected failures, or a rate"]),
    ("breaker: {failurs: 5}", ["13:17: 'failurs' is not a key of a breaker; expected one of failures, within, rate, minimum, slow, dear, cooldown, factor, max_cooldown; did you mean 'failures'?"]),
    ("tool_breaker: lm", ["13:21: 'lm' is not the name of a policy for breaker; expected llm, or a mapping; did you mean 'llm'?"]),
    ("tool_breaker: {cooldown: 2s, max_cooldown: 1s}", ["13:50: the longest cooldown (1 s) is shorter than the first one (2 s); expected max_cooldown to be at least cooldown"]),
    ("budget: dayly", ["13:15: 'dayly' is not the name of a policy for budget; expected daily, or a mapping, or a list of several; did you mean 'daily'?"]),
    ("budget: 7", ["13:15: budget is 7; expected a mapping, a list of several, or the name of one under policies"]),
    ("budget: {}", ["13:15: the budget limits nothing; expected one at least of cost, tokens, calls, seconds, restarts"]),
    ("budget: [daily, {}]", ["13:23: the budget limits nothing; expected one at least of cost, tokens, calls, seconds, restarts"]),
    ("budget: {cost: -1, tokens: 1.5, seconds: x}", [
        "13:22: cost is -1; expected 0 or more",
        "13:34: tokens is 1.5; expected a whole number",
        f"13:48: seconds is 'x'; expected {DURATION}, above zero",
    ]),
    ("budget: {cost: 5, per: week}", ["13:30: per is 'week'; expected task, hour, day or life"]),
    ("budget: {cost: 5, call: {cost: 6}}", ["13:38: the cost of a call may be 6, but the limit is 5; expected no more than the limit"]),
    ("budget: {cost: 5, call: 5}", ["13:31: call is 5; expected a mapping"]),
    ("budget: {cost: 5, call: {csts: 1}}", ["13:32: 'csts' is not a key of the limits of a call; expected one of cost, tokens, calls, seconds, restarts; did you mean 'cost'?"]),
    ("budget: {cost: 5, cheaper: bb}", [f"13:34: the cheaper variant 'bb' of root/a is not in the tree; expected {SOMEBODY}; did you mean 'b'?"]),
    ("budget: {cost: 5, cheaper: a, demote_at: 2}", [
        "13:34: the cheaper variant 'a' of root/a is itself; expected somebody else",
        "13:48: demote_at is 2; expected 1 or less",
    ]),
    ("budget: [dayly]", ["13:16: 'dayly' is not the name of a policy for budget; expected daily, or a mapping, or a list of several; did you mean 'daily'?"]),
    ("budget: [7]", ["13:16: an item of budget is 7; expected a mapping"]),
    ("health: x", ["13:15: 'x' is not the name of a policy for health; expected strict, or a mapping"]),
    ("health: {errors: 0, every: 0, minimum: 0, ag: 1}", [
        "13:24: errors is 0; expected more than 0",
        f"13:34: every is 0; expected {DURATION}, above zero",
        "13:46: minimum is 0; expected 1 or more",
        "13:49: 'ag' is not a key of a health; expected one of every, within, errors, minimum, latency, age, heartbeat; did you mean 'age'?",
    ]),
    ("loops: x", ["13:14: 'x' is not the name of a policy for loops; expected tight, or a mapping"]),
    ("loops: {visits: 0, repeats: 1}", [
        "13:23: visits is 0; expected 1 or more",
        "13:35: repeats is 1; expected 2 or more",
    ]),
    ("loops: {calls: 40}", ["13:22: calls is 40, but only 32 calls are remembered; expected window to be more than calls"]),
    ("loops: {window: 4}", [
        "13:23: calls is 4, but only 4 calls are remembered; expected window to be more than calls",
        "13:23: 4 times a series of two calls or more do not fit into 4 calls; expected window to be at least twice repeats",
    ]),
    ("loops: {window: 7, calls: 1}", ["13:23: 4 times a series of two calls or more do not fit into 7 calls; expected window to be at least twice repeats"]),
    ("timeout: 10s\nidle_timeout: 20s\nattempt_timeout: 15s", [
        "14:21: idle_timeout (20 s) is longer than timeout (10 s); expected no more than timeout, which is for all tries",
        "15:24: attempt_timeout (15 s) is longer than timeout (10 s); expected no more than timeout, which is for all tries",
    ]),
    ("attempt_timeout: 0", [f"13:24: attempt_timeout is 0; expected {DURATION}, above zero"]),
    ("classify: x", ["13:17: classify is 'x'; expected a list"]),
    ("classify: [x]", ["13:18: an item of classify is 'x'; expected module:function"]),
    ("classify: ['m:f', 7]", ["13:25: an item of classify is 7; expected module:function"]),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "said"), REFUSED, ids=[lines for lines, _ in REFUSED])
def test_what_is_refused_and_how(lines, said, in_agent, faults):
    """Each fault has its place, what was given, what is legal and the nearest word."""
    assert faults(in_agent(lines)) == said


ELSEWHERE = {
    "a rung of a supervisor": ("tree: {supervisor: x, recovery: [{retry: lm}]}", ["3:42: 'lm' is not the name of a policy for retry; expected a number of tries, or a mapping: there is none under policies"]),
    "judges of a supervisor": ("tree: {supervisor: x, judges: []}", ["3:23: 'judges' is not a key of a supervisor; expected one of supervisor, strategy, auto_shutdown, intensity, backoff, recovery, budget, loops, classify, restart, shutdown, significant, children; did you mean 'budget'?"]),
    "a breaker of a pool": ("tree: {supervisor: x, children: [{pool: p, size: 1, child: {use: y}, breaker: {}}]}", ["3:70: 'breaker' is not a key of a pool; expected one of pool, size, route, key, child, intensity, backoff, recovery, budget, loops, classify, restart, shutdown, significant"]),
    "a budget of a dynamic supervisor": ("tree: {supervisor: x, children: [{dynamic: d, budget: {}}]}", ["3:55: the budget limits nothing; expected one at least of cost, tokens, calls, seconds, restarts"]),
    "the times of a template": ("tree: {supervisor: x, children: [{pool: p, size: 1, child: {use: y, timeout: 1s, idle_timeout: 2s}}]}", ["3:96: idle_timeout (2 s) is longer than timeout (1 s); expected no more than timeout, which is for all tries"]),
    "a policy in a policy": ("policies: {recovery: {careful: [{retry: lm}]}, retry: {llm: {}}}\ntree: {supervisor: x}", ["3:41: 'lm' is not the name of a policy for retry; expected llm, or a number of tries, or a mapping; did you mean 'llm'?"]),
    "a faulty policy that nobody uses": ("policies: {breaker: {llm: {failures: , cooldwn: 1s}}}\ntree: {supervisor: x}", [
        "3:38: the breaker counts no failures and has no rate: it would never open; expected failures, or a rate",
        "3:40: 'cooldwn' is not a key of a breaker; expected one of failures, within, rate, minimum, slow, dear, cooldown, factor, max_cooldown; did you mean 'cooldown'?",
    ]),
    "a policy named like a key": ("policies: {loops: {mailbox: {vsits: 1}}}\ntree: {supervisor: x}", ["3:30: 'vsits' is not a key of the loops; expected one of visits, calls, window, repeats; did you mean 'visits'?"]),
    "a field named like a key": ("policies: {judges: {r: [{rules: {ranges: {budget: {mn: 1}}}}]}}\ntree: {supervisor: x}", ["3:52: 'mn' is not a key of a range; expected one of min, max; did you mean 'min'?"]),
    "a faulty policy, used twice": ("policies: {recovery: {careful: [{retry: 0}]}}\ntree: {supervisor: x, recovery: careful, children: [{supervisor: y, recovery: careful}]}", ["3:41: retry is 0; expected 1 or more"]),
    "a name that the policies of another kind have": ("policies: {retry: {llm: {}}}\ntree: {supervisor: x, loops: llm}", ["4:30: 'llm' is not the name of a policy for loops; expected a mapping: there is none under policies"]),
    "a policy that stands for another": ("policies: {retry: {llm: {}, fast: llm}}\ntree: {supervisor: x}", ["3:35: fast is 'llm'; expected a mapping"]),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "said"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_is_refused_elsewhere(lines, said, faults):
    """Supervisors, pools, templates and named policies are looked at as agents are."""
    assert faults(f"treeward: 1\nname: x\n{lines}\n") == said


# --- what is named in Python ------------------------------------------------------------------------

NAMES = {
    "not allowed": ("judges: [{schema: 'os.path:Refund'}]", ["13:25: the module 'os.path' is not allowed; expected a pydantic model from an allowed module; allow it with --allow os, or allow=['os']"]),
    "no model": ("judges: [{schema: 'zoo.actors:Plain'}]", ["13:25: the module 'zoo.actors' has no pydantic model 'Plain'; expected a pydantic model of that module"]),
    "a model that is near": ("judges: [{schema: 'zoo.actors:Lin'}]", ["13:25: the module 'zoo.actors' has no pydantic model 'Lin'; expected a pydantic model of that module; did you mean 'Line'?"]),
    "a model from elsewhere": ("judges: [{schema: 'zoo.actors:BaseModel'}]", ["13:25: zoo.actors:BaseModel is a pydantic model of 'pydantic.main', which is not allowed"]),
    "no function": ("judges: [{quorum: [{function: 'zoo.actors:rude'}]}]", ["13:37: the module 'zoo.actors' has no function 'rude'; expected a function of that module"]),
    "a function of nothing": ("judges: [{function: 'zoo.actors:factory'}]", ["13:27: zoo.actors:factory cannot be called with an output and a task; expected a function of an output and a task"]),
    "a classification": ("classify: ['zoo.actors:of_our_bank', 'zoo.actors:polite', 'os:system']", [
        "13:44: zoo.actors:polite cannot be called with an exception; expected a function of an exception",
        "13:65: the module 'os' is not allowed; expected a function from an allowed module; allow it with --allow os, or allow=['os']",
    ]),
    "no module": ("judges: [{function: 'zoo.gone:f'}]", ["13:27: there is no module 'zoo.gone'; expected a module that can be imported; wanted for zoo.gone"]),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "said"), NAMES.values(), ids=NAMES)
def test_what_may_not_be_named(actors, lines, said, in_agent, faults):
    """Models and functions are behind the allow-list, are there, and fit what they are for; each fault has its place."""
    text = in_agent(lines).replace("use: x", "use: zoo.actors:Plain")
    assert faults(text, allow=["zoo"], check_classes=True) == said


def test_names_in_templates_and_policies(faults):
    """They are looked at in templates, at supervisors, and in policies that nobody uses."""
    text = "treeward: 1\nname: x\npolicies: {judges: {r: [{function: 'os:f'}]}}\ntree:\n  supervisor: x\n  classify: ['os:g']\n  children:\n"
    text += "    - {pool: p, size: 1, child: {use: desk, with: {database: d}, judges: [{schema: 'os:M'}]}}\n"
    said = faults(text, check_classes=True)
    assert [line.partition(";")[0] for line in said] == [
        "3:36: the module 'os' is not allowed",
        "6:14: the module 'os' is not allowed",
        "8:84: the module 'os' is not allowed",
    ]
    assert load_tree(text, check_classes=False).name == "x"


BEYOND = ("'careful' is", "not in the tree", "is itself", "handles no tasks", "is never reached", "named twice", "is shorter", "is longer", "longer than", "is not the name", "may be", "do not fit", "remembered", "limits nothing", "no rule", "range of", "never open", "weights for", "regular expression", "could take too long", "of the JSON Schema", "within the JSON Schema", "path of a field", "data as JSON has it")  # fmt: skip


@pytest.mark.parametrize(("lines", "said"), REFUSED, ids=[lines for lines, _ in REFUSED])
def test_what_the_schema_refuses(validator, lines, said, in_agent, as_an_editor_sees_it):
    """An editor refuses what the loader refuses, but for names, and for what holds between fields."""
    beyond = all(any(words in line for words in BEYOND) for line in said)
    assert validator.is_valid(as_an_editor_sees_it(in_agent(lines))) is beyond
