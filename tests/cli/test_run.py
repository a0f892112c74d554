"""`treeward run`: what it prints, and its exit code."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.realtime


@pytest.fixture
def run(call, tree):
    """Runs the tree with the clerk."""
    return lambda *words, **more: call("run", tree, "--allow", "clerks", "--log-level", "error", *words, **more)


def test_a_task_and_its_answer(run):
    """`--ask` prints the answer, then who did what."""
    result = run("--ask", "hello")
    answer, head, row = result.stdout.splitlines()
    assert (result.exit_code, answer) == (0, "done: hello")
    assert head.split() == ["agent", "status", "attempts", "seconds", "said"]
    assert row.split()[:3] == ["office/clerk", "ok", "1"]


def test_an_outcome_as_json(run):
    """`--json` prints exactly one object, with everything about the outcome."""
    result = run("--ask", "hello", "--json")
    outcome = json.loads(result.stdout)
    asked_for = ["task_id", "status", "output", "parts", "usage", "error", "seconds"]
    assert list(outcome) == [*asked_for, "rung", "failure", "verdicts", "evidence"]
    assert (result.exit_code, outcome["status"], outcome["output"]) == (0, "ok", "done: hello")
    assert [(part["agent"], part["attempts"]) for part in outcome["parts"]] == [("office/clerk", 1)]


@pytest.mark.parametrize(
    ("status", "code"), [("ok", 0), ("fallback", 0), ("partial", 1), ("needs_human", 1), ("failed", 1), ("canceled", 1)]
)
def test_the_exit_code_says_whether_it_is_done(run, status, code):
    """0 if the task was done, 1 if anything is left to do."""
    assert run("--ask", f"status {status}").exit_code == code
    assert run("--ask", f"status {status}", "--json").exit_code == code


def test_an_agent_that_prints_does_not_spoil_the_json(run):
    """What an agent prints goes to stderr when stdout is for the outcome."""
    result = run("--ask", "print", "--json")
    assert json.loads(result.stdout)["output"] == "printed"
    assert "printed by the agent" in result.stderr


def test_an_answer_cannot_give_the_terminal_orders(run):
    """Control characters are left out of the text, and written as escapes in JSON."""
    assert "before after31m\n" in run("--ask", "evil").stdout
    assert run("--ask", "evil", "--json").stdout.isascii()


def test_any_output_is_printed(run):
    """What an agent returns is printed, whatever it is."""
    for more in ([], ["--json"]):
        assert run("--ask", "object", *more).exit_code == 0


def test_facts_reach_the_agent(run):
    """`--context` and `--customer` are the task's context."""
    result = run("--ask", "context", "--json", "--context", "plan=team", "--context", "seats=7", "--customer", "1002")
    assert json.loads(result.stdout)["output"] == {"plan": "team", "seats": 7, "customer_id": 1002}


def test_a_deadline(run):
    """What takes longer than `--deadline` fails."""
    result = run("--ask", "wait 600", "--deadline", "100ms", "--json")
    assert (result.exit_code, json.loads(result.stdout)["status"]) == (1, "failed")


def test_a_crash_on_purpose(run):
    """`--crash AGENT`: it dies in the middle of the task, comes back, and the answer is the same."""
    result = run("--ask", "hello", "--crash", "clerk", "--json")
    outcome = json.loads(result.stdout)
    assert (result.exit_code, outcome["output"], outcome["parts"][0]["attempts"]) == (0, "done: hello", 2)


def test_a_crash_of_nobody(run):
    """An agent that is not there cannot crash: exit code 2, with the nearest name."""
    result = run("--ask", "hello", "--crash", "clrk")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "treeward: there is no agent 'clrk': did you mean clerk?\n"


def test_a_crash_that_did_not_come(call, tree):
    """If the agent that is to crash has no part in the task, the log says so."""
    second = "    - {agent: spare, use: 'clerks:Clerk'}\n    - supervisor: archive"
    tree.write_text(tree.read_text().replace("    - supervisor: archive", second))
    result = call("run", tree, "--allow", "clerks", "--ask", "hello", "--crash", "spare")
    assert result.exit_code == 0
    assert [json.loads(line)["actor"] for line in result.stderr.splitlines() if "crash.not_reached" in line] == [
        "office/spare"
    ]


def test_a_seed_makes_a_run_repeatable(run):
    """With the same `--seed`, ids are the same."""
    first, second, other = (json.loads(run("--ask", "x", "--json", "--seed", seed).stdout) for seed in (7, 7, 8))
    assert first["task_id"] == second["task_id"] != other["task_id"]


def test_the_log_is_on_stderr(call, tree):
    """Log lines are JSON on stderr, from `info` on; stdout is for the outcome alone."""
    result = call("run", tree, "--allow", "clerks", "--ask", "hello", "--json")
    events = [json.loads(line)["event"] for line in result.stderr.splitlines()]
    assert events == ["task.begun", "task.ended"]
    assert len(result.stdout.splitlines()) == 1


def test_a_tree_without_an_entry_takes_no_task(run, tree):
    """`--ask` needs somebody to ask."""
    tree.write_text(tree.read_text().replace("entry: clerk\n", ""))
    result = run("--ask", "hello")
    assert result.exit_code == 2
    assert result.stderr == "treeward: the tree 'office' has no entry: name the agent that takes tasks\n"


@pytest.mark.parametrize(
    ("use", "fields", "cause"),
    [
        ("BadConstructor", {}, "ValueError: no such database"),
        ("BadStart", {}, "ValueError: no such server"),
        ("SlowStart", {"start_timeout": "50ms"}, "on_start took longer than start_timeout, 0.05 s"),
    ],
)
def test_a_tree_that_does_not_start(call, project, use, fields, cause):
    """A child that cannot start ends it with 70, and one line that names the child and the cause."""
    result = call("run", project.with_child(use, **fields), "--allow", "clerks", "--log-level", "error", said="hello\n")
    assert (result.exit_code, result.stdout) == (70, "")
    assert result.stderr == f"treeward: office/middle/child did not start: {cause}\n"


def test_a_class_that_is_not_allowed(call, tree):
    """Without `--allow`, a tree cannot name a class: exit code 65, and how to allow it."""
    result = call("run", tree, "--ask", "hello")
    assert result.exit_code == 65
    assert "allow it with --allow clerks" in result.stderr


# --- a daemon ---------------------------------------------------------------------------------------


def test_one_request_a_line(run):
    """Without `--ask`, each line of the input is a request; answers come in their order, up to an orderly end."""
    result = run(said="one\n\ntwo\nstatus failed\n/quit\n")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["done: one", "done: two", "an output", "failed: an error", "done: /quit"]


def test_one_json_object_a_line(run):
    """With `--json`, each answer is one object on one line; a line that is no text has its answer too."""
    result = run("--json", "--parallel", "4", said=b"one\nb\xffd\nwait 0.1\nprint\n")
    outcomes = [json.loads(line) for line in result.stdout.splitlines()]
    assert [outcome["status"] for outcome in outcomes] == ["ok", "failed", "ok", "ok"]
    assert outcomes[1]["error"] == "line 2 is not UTF-8: byte 0xff at position 2"
    assert [outcome["output"] for outcome in outcomes] == ["done: one", None, "waited 0.1", "printed"]


def test_no_requests(run):
    """An input that ends at once is an orderly end."""
    result = run(said="")
    assert (result.exit_code, result.stdout) == (0, "")
