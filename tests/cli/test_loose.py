"""`treeward run --faults PLAN`: faults in a tree that runs, where it is allowed."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

pytestmark = pytest.mark.realtime

PLAN = """
treeward: 1
name: rough
faults:
  - {at: actor.handle, where: office/clerk, do: 1*crash(when=after)->off}
  - {at: reply, where: office/clerk, do: 1*delay(20ms)->off}
"""
HUNG = """
treeward: 1
name: hung
faults:
  - {at: actor.handle, where: office/clerk, do: hang(deaf)}
heal: {at: 300ms}
"""


@pytest.fixture
def plan(project, monkeypatch):
    """The file of a plan: one crash, one late answer."""
    monkeypatch.delenv("TREEWARD_ENV", raising=False)
    return project.write(PLAN, "rough.yaml")


@pytest.fixture
def run(call, tree, plan):
    """Runs the tree with the clerk under that plan."""
    options = ("--allow", "clerks", "--log-level", "error", "--faults", plan, "--seed", "7")
    return lambda *words, **more: call("run", tree, *options, *words, **more)


def last_line(result):
    return result.stderr.splitlines()[-1]


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_one_task(run, form):
    """The task is answered all the same; the last line on stderr says what was injected."""
    result = run("--allow-chaos", "--ask", "hello", *form)
    assert result.exit_code == 0
    assert "done: hello" in result.stdout
    assert last_line(result).startswith("chaos: the plan 'rough' with seed ")
    assert "2 faults (1 crash, 1 delay) in 0." in last_line(result)
    assert "chaos" not in result.stdout


def test_a_pipe(run):
    """Each line of a pipe is answered, in its order; the plan ends with the daemon."""
    result = run("--allow-chaos", said="one\ntwo\nthree\n")
    assert result.stdout.splitlines() == ["done: one", "done: two", "done: three"]
    assert last_line(result).endswith("healed: the daemon ends")


def test_the_tree_may_allow_it(run, project, tree):
    """A tree that says `chaos: {allow: true}` needs no option."""
    tree.write_text(tree.read_text() + "chaos: {allow: true}\n")
    assert run("--ask", "hello").exit_code == 0


@pytest.mark.parametrize(
    ("environment", "words", "line"),
    [
        ("", [], "treeward: --faults: chaos is refused: the tree 'office' does not allow it; say"),
        ("production", ["--allow-chaos"], "treeward: --faults: chaos is refused: TREEWARD_ENV is 'production'; there"),
    ],
)
def test_it_is_refused_before_anything_runs(run, monkeypatch, environment, words, line):
    """Where it is not allowed the tree is not started: a usage error, and one line that says what would mend it."""
    monkeypatch.setenv("TREEWARD_ENV", environment)
    result = run("--ask", "hello", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("treeward: 1\nname: x\nfaults: [{at: actr, do: crash}]\n", "rough.yaml:3:15: at is 'actr'"),
        ("treeward: 1\nname: x\nfaults: [{at: judge, do: crsh}]\n", "did you mean crash"),
        (PLAN.replace("office/clerk", "office/clark"), "office/clark"),
    ],
)
def test_a_plan_that_is_not_valid(run, plan, text, said):
    """Its faults are told with their places, as those of a tree, and so is a plan that does not fit the tree."""
    plan.write_text(text)
    result = run("--allow-chaos", "--ask", "hello")
    assert result.exit_code == 65
    assert said.replace("'", "") in result.stderr.replace("'", "")


def test_what_hangs_is_let_go_in_time(call, project, tree, plan):
    """The plan's limit ends a hang that nothing else would end before the deadline."""
    hung = project.write(HUNG, "hung.yaml")
    result = call("run", tree, "--allow", "clerks", "--faults", hung, "--allow-chaos", "--ask", "hello")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "done: hello")
    assert "in 0.3 s; healed: its 0.3 s are over" in last_line(result)


def test_a_signal_heals_it_first(start, tree, project):
    """A daemon that is told to stop lets go of what hangs: what is in hand is finished, and the log says why."""
    hung = project.write(HUNG.replace("300ms", "10m"), "hung.yaml")
    daemon = start("run", tree, "--allow", "clerks", "--faults", hung, "--allow-chaos", "--json")
    daemon.say("hello")
    daemon.read_log("chaos.fault")
    daemon.popen.send_signal(signal.SIGTERM)
    code, out, err = daemon.end()
    assert (code, json.loads(out)["output"]) == (0, "done: hello")
    assert "healed: the daemon ends" in err
    assert [json.loads(line)["why"] for line in err.splitlines() if "chaos.healed" in line] == ["the daemon ends"]


def test_on_a_terminal(start, tree, plan, monkeypatch):
    """Beside the living tree nothing is different: the closing line comes when the screen is left."""
    monkeypatch.setenv("TERM", "xterm-256color")
    ours, theirs = os.openpty()
    words = ("run", tree, "--allow", "clerks", "--faults", plan, "--allow-chaos")
    daemon = start(*words, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    try:
        os.write(ours, b"hello\r")
        seen = b""
        while b"done: hello" not in seen:
            seen += os.read(ours, 10_000)
        assert b"/help" in seen
        os.write(ours, b"/quit\r")
        while True:
            try:
                if not os.read(ours, 10_000):
                    break
            except OSError:  # the other end is closed
                break
    finally:
        os.close(ours)
    assert daemon.popen.wait(30) == 0
    assert "2 faults (1 crash, 1 delay)" in daemon.popen.stderr.read()
