"""The program as a process: signals, pipes, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.realtime

FULL = Path("/dev/full")


@pytest.fixture
def run(start, tree):
    """Starts the tree with the clerk in a process of its own."""
    return lambda *words, **more: start("run", tree, "--allow", "clerks", *words, **more)


def test_python_m_treeward(start):
    """`python -m treeward` is the command line, by its own name."""
    code, out, err = start("--help").end()
    assert (code, err) == (0, "")
    assert out.startswith("Usage: treeward [OPTIONS] COMMAND")


def test_the_script_is_installed():
    """The distribution brings the command `treeward`."""
    script = Path(sys.executable).with_name("treeward")
    ended = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout.startswith("treeward ")


def test_an_error_is_one_line(start):
    """No traceback, whatever it was."""
    code, out, err = start("check", "nosuch.yaml").end()
    assert (code, out, err.count("\n")) == (65, "", 1)


@pytest.mark.parametrize("words", [["--debug", "check", "nosuch.yaml"], ["check", "nosuch.yaml", "--debug"]])
def test_debug_shows_the_traceback(start, words):
    """`--debug`, before or behind the verb, shows where an error came from, and then its line."""
    code, _, err = start(*words).end()
    assert code == 65
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.splitlines()[-1].startswith("treeward: there is no file")


# --- signals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_lets_it_finish(run, number, code):
    """What is in hand is answered; SIGTERM then ends it as it should be, SIGINT as an interrupt."""
    daemon = run("--json")
    daemon.say("wait 0.3")
    daemon.say("never begun")
    daemon.read_log("task.begun")
    daemon.popen.send_signal(number)
    ended, out, err = daemon.end()
    assert ended == code
    assert [json.loads(line)["output"] for line in out.splitlines()] == ["waited 0.3"]
    assert "Traceback" not in err


def insist(daemon):
    """Sends signals until the process ends. Two at the same moment would be one: the system may hand both to a thread
    that does nothing with them, and leave the one that sleeps asleep."""
    while daemon.popen.poll() is None:
        daemon.popen.send_signal(signal.SIGINT)
        time.sleep(0.05)


def test_a_second_signal_stops_at_once(run):
    """What is in hand is not waited for any more."""
    daemon = run()
    daemon.say("wait 600")
    daemon.read_log("task.begun")
    insist(daemon)
    code, out, err = daemon.end()
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "treeward: interrupted again, stopped at once"


def test_a_handler_that_holds_the_loop_cannot_keep_it(run):
    """Also where the event loop hears no signal any more, the second one ends the process."""
    daemon = run()
    daemon.say("block")
    assert daemon.read_log("loop.blocked")["actor"] == "office/clerk"
    insist(daemon)
    assert daemon.end()[0] == 130


def test_one_task_can_be_interrupted(run):
    """SIGINT takes the task back: exit code 130, one line, no outcome."""
    asking = run("--ask", "wait 600", "--json")
    asking.read_log("task.begun")
    asking.popen.send_signal(signal.SIGINT)
    code, out, err = asking.end()
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "treeward: interrupted"
    assert "Traceback" not in err


def test_a_start_that_hangs_can_be_interrupted(start, project):
    """A tree that does not come up can be stopped."""
    with (project.directory / "clerks.py").open("a") as module:
        module.write("\nprint('imported', flush=True)\n")
    starting = start("run", project.with_child("SlowStart"), "--allow", "clerks", stdin=subprocess.DEVNULL)
    assert starting.popen.stdout.readline() == "imported\n"
    starting.popen.send_signal(signal.SIGINT)
    code, _, err = starting.end()
    assert (code, err) == (130, "treeward: interrupted\n")


def test_an_import_can_be_interrupted(start, project):
    """A module that does not come to its end when it is imported can be stopped."""
    (project.directory / "clerks.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(600)\n")
    checking = start("check", project.directory / "tree.yaml", "--allow", "clerks")
    assert checking.popen.stdout.readline() == "importing\n"
    checking.popen.send_signal(signal.SIGINT)
    code, _, err = checking.end()
    assert (code, err) == (130, "treeward: interrupted\n")


# --- pipes ------------------------------------------------------------------------------------------


def test_requests_come_as_they_are_written(run):
    """A request is answered when its line is there, not when the input ends."""
    daemon = run()
    for text in ("one", "two"):
        daemon.say(text)
        assert daemon.popen.stdout.readline() == f"done: {text}\n"
    assert daemon.end()[0] == 0


def test_dev_null_is_no_end(run):
    """Under a service manager there is no input, and the daemon runs until a signal."""
    daemon = run(stdin=subprocess.DEVNULL)
    daemon.read_log("daemon.started")
    daemon.popen.send_signal(signal.SIGTERM)
    assert daemon.end()[0] == 0


def test_a_tree_without_an_entry_reads_nothing(run, tree):
    """A tree that takes no tasks runs until a signal, also where its input ends."""
    tree.write_text(tree.read_text().replace("entry: clerk\n", ""))
    daemon = run()
    daemon.popen.stdin.close()
    daemon.popen.stdin = None
    daemon.read_log("daemon.started")
    daemon.popen.send_signal(signal.SIGTERM)
    assert daemon.end()[:2] == (0, "")


def test_the_root_gives_up(start, project):
    """70, and one line that names the child and the cause."""
    code, out, err = start("run", project.with_child("Ill"), "--allow", "clerks", stdin=subprocess.DEVNULL).end()
    assert (code, out) == (70, "")
    assert err.splitlines()[-1] == (
        "treeward: the root supervisor 'office' gave up: child 'middle' needed more than 1 restart within 60 s: "
        "child 'child' needed more than 1 restart within 60 s: ValueError: cannot live"
    )


@pytest.mark.parametrize("words", [["schema"], ["show", "support"], ["--help"]])
def test_a_reader_that_goes(start, words):
    """Who reads may go: nothing is said about it, and the exit code says that not everything was written."""
    reader, writer = os.pipe()
    process = start(*words, stdout=writer)
    os.close(writer)
    os.close(reader)
    code, _, err = process.end()
    assert (code, err) == (1, "")


def test_a_reader_that_goes_ends_a_daemon(run):
    """Where nobody reads the answers, no more requests are taken."""
    daemon = run("--log-level", "error")
    daemon.say("one")
    assert daemon.popen.stdout.readline() == "done: one\n"
    daemon.popen.stdout.close()
    daemon.popen.stdout = None
    daemon.say("two")
    assert daemon.end()[::2] == (1, "")


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_a_stream_that_is_closed(tree, stream):
    """A stream that the caller has closed is no reason to fail."""
    number = ("stdin", "stdout", "stderr").index(stream)
    words = ["-m", "treeward", "run", str(tree), "--allow", "clerks", "--ask", "hello"]
    command = ["sh", "-c", f'exec "$@" {number}>&-', "sh", sys.executable, *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_full_disk(start):
    """What could not be written is an error, in one line."""
    with FULL.open("w") as full:
        code, _, err = start("show", "support", stdout=full).end()
    assert (code, err) == (1, "treeward: No space left on device\n")


def test_a_thread_that_never_ends_does_not_keep_the_process(run):
    """Work in a thread that cannot be stopped is left behind when the process ends."""
    code, out, _ = run("--ask", "thread", "--deadline", "100ms").end()
    assert code == 1
    assert out.startswith("failed: ")


def test_an_encoding_that_lacks_a_character(start, tree):
    """A character that the encoding of the output has not is written as an escape."""
    words = ["-m", "treeward", "run", str(tree), "--allow", "clerks", "--ask", "漢字"]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    command = [sys.executable, *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, env=environment)
    assert ended.stdout.splitlines()[0] == r"done: \u6f22\u5b57"


# --- what `new` makes -------------------------------------------------------------------------------


@pytest.fixture
def made(start, tmp_path):
    """A new project."""
    assert start("new", "made").end()[0] == 0
    return tmp_path / "made"


def test_a_new_project_runs(start, made):
    """The commands of its README work: a task, and the same task with a crash in the middle of it."""
    words = ["run", made / "tree.yaml", "--allow", "greeter", "--ask", "Ada", "--json"]
    for crash, attempts in (([], 1), (["--crash", "greeter"], 2)):
        code, out, _ = start(*words, *crash).end()
        outcome = json.loads(out)
        assert (code, outcome["output"], outcome["parts"][0]["attempts"]) == (0, "Hello, Ada!", attempts)


def test_the_tests_of_a_new_project_pass(made):
    """Its own tests pass with plain pytest, in its own directory."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    ended = subprocess.run(command, cwd=made, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1].startswith("2 passed")
