"""`treeward chaos`: many seeds, one seed again, points, plans in words."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from treeward.chaos.plans.plan_file import plan_schema
from treeward.chaos.plans.points import PLACES

SHOP = Path(__file__).parent.parent / "chaos" / "runs" / "shop"
STEADY = "treeward: 1\nname: steady\nfaults:\n  - {id: late, at: mailbox.put, where: till, do: '50%->delay(1s)'}\n"
WORK = "work: {id: sale, input: 'sale {n}', key: 'sale-{n}', times: 5, every: 1s}\n"


@pytest.fixture
def shop(tmp_path):
    """A copy of the shop: tree.yaml, plan.yaml, tills.py, and steady.yaml, under which nothing fails."""
    directory = tmp_path / "shop"
    shutil.copytree(SHOP, directory, ignore=shutil.ignore_patterns("__pycache__"))
    (directory / "steady.yaml").write_text(STEADY + WORK)
    return directory


@pytest.fixture
def chaos(call, shop):
    """Runs a verb on the shop: `chaos("run", "plan.yaml", "--seeds", "0..9")`."""

    def run(verb, plan, *words):
        return call("chaos", verb, shop / "tree.yaml", shop / plan, "--allow", "tills", *words)

    return run


@pytest.fixture
def failed(chaos):
    """What a campaign of the rush hour prints, with the seed that fails."""
    result = chaos("run", "plan.yaml")
    return result, int(re.search(r"^seed (\d+) failed", result.stdout, re.MULTILINE)[1])


# --- run --------------------------------------------------------------------------------------------


def test_all_held(chaos):
    """Where all held, a summary is printed, and nothing else; exit code 0."""
    result = chaos("run", "steady.yaml", "--seeds", "0..9")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.match(r"10 seeds: 0 failed\n  time .* policy random\n  faults   \d+: delay \d+\n", result.stdout)


def test_something_failed(failed):
    """Where something did not hold: the seed, what it was, the shrunken plan, how to run it again; exit code 1."""
    result, seed = failed
    assert result.exit_code == 1
    assert f"seed {seed} failed (policy random, the same when run again):\n  booked once at " in result.stdout
    assert re.search(r"  shrunk from \d+ faults to 1 in \d+ runs:\n    treeward: 1\n", result.stdout)
    assert "      do: crash(when=after)\n" in result.stdout
    assert result.stdout.rstrip().endswith(f"--seed {seed} --policy random")


def test_the_line_that_runs_it_again_does(call, failed):
    """The last line of a failure is a command, which fails in the same way."""
    result, _ = failed
    words = shlex.split(result.stdout.rstrip().rpartition("run it again: ")[2])
    again = call(*words[1:])
    broken = re.search(r"  (booked once at .* times)\n", result.stdout)[1]
    assert words[0] == "treeward"
    assert again.exit_code == 1
    assert broken.partition(":")[2] in again.stdout


def test_the_saved_plan_fails_again(chaos, shop, failed):
    """The plan of `--save-plan` is a plan, and fails from the seed that it was shrunk from, with one fault."""
    _, seed = failed
    chaos("run", "plan.yaml", "--save-plan", shop / "shrunken.yaml")
    result = chaos("run", "shrunken.yaml", "--seeds", f"{seed}..{seed}", "--no-shrink")
    assert result.exit_code == 1
    assert "  faults   1: crash 1\n" in result.stdout
    assert "booked once" in result.stdout


def test_nothing_is_saved_where_nothing_failed(chaos, shop):
    """Without a failure there is no shrunken plan, and no file of it."""
    chaos("run", "steady.yaml", "--seeds", "2", "--save-plan", shop / "shrunken.yaml")
    assert not (shop / "shrunken.yaml").exists()


def test_reports_for_machines(chaos, tmp_path, failed):
    """`--json` and `--junit` write what was found to files."""
    _, seed = failed
    chaos("run", "plan.yaml", "--no-shrink", "--json", tmp_path / "a.json", "--junit", tmp_path / "a.xml")
    data = json.loads((tmp_path / "a.json").read_text())
    assert data["seeds"] == {"asked": 100, "run": seed + 1, "failed": 1}
    assert data["failures"][0]["shrunken"] is None
    assert ET.parse(tmp_path / "a.xml").find("testsuite").get("failures") == "1"


def test_what_is_tried_can_be_chosen(chaos):
    """`--seeds N`, `--policy`, `--only`, `--no-faults`: each changes what is run."""
    assert chaos("run", "steady.yaml", "--seeds", "3").stdout.startswith("3 seeds: 0 failed")
    assert "policy pct" in chaos("run", "steady.yaml", "--seeds", "1", "--policy", "pct").stdout
    only = chaos("run", "plan.yaml", "--seeds", "20", "--only", "stumbles")
    assert (only.exit_code, "crash" in only.stdout, "delay" in only.stdout) == (0, False, True)
    clean = chaos("run", "plan.yaml", "--seeds", "20", "--no-faults")
    assert (clean.exit_code, "faults   0\n" in clean.stdout) == (0, True)


def test_what_was_chosen_is_in_the_line_that_runs_it_again(chaos):
    """The command that runs a seed again has all options that made the run what it was."""
    result = chaos("run", "plan.yaml", "--only", "dies-late", "--policy", "fifo", "--no-shrink")
    assert result.stdout.rstrip().endswith("--policy fifo")
    assert " --allow tills --only dies-late --seed " in result.stdout


def test_it_keeps_going(chaos, failed):
    """With `--keep-going` all seeds are run, and every failure is told."""
    _, seed = failed
    result = chaos("run", "plan.yaml", "--seeds", f"{seed}..{seed + 25}", "--keep-going", "--no-shrink")
    number = int(re.match(r"26 seeds: (\d+) failed", result.stdout)[1])
    assert result.stdout.count("run it again: ") == number > 1


def test_the_time_is_bounded(chaos):
    """Once `--max-time` is over no seed is begun; what was run counts."""
    result = chaos("run", "steady.yaml", "--seeds", "0..999999", "--max-time", "1ms")
    assert result.exit_code == 0
    assert result.stdout.startswith("1 seed of 1,000,000, as many as the time allowed: 0 failed")


def test_jobs(chaos, failed):
    """With several processes the same is found."""
    alone, _ = failed
    together = chaos("run", "plan.yaml", "--jobs", "2")
    unlike = re.compile(r"^  time .*$", re.MULTILINE)
    assert unlike.sub("", together.stdout) == unlike.sub("", alone.stdout)


def test_the_plan_beside_the_tree(call, shop):
    """Without PLAN, it is `chaos.yaml` beside the tree."""
    shutil.move(shop / "steady.yaml", shop / "chaos.yaml")
    result = call("chaos", "run", shop / "tree.yaml", "--allow", "tills", "--seeds", "2")
    assert (result.exit_code, result.stdout[:18]) == (0, "2 seeds: 0 failed\n")


# --- mistakes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--seeds", "9..1"], "treeward: --seeds is '9..1': expected a range such as 0..999, or a number of seeds"),
        (["--seeds", "some"], "treeward: --seeds is 'some': expected a range"),
        (["--seeds", "0"], "treeward: --seeds is '0': expected a range"),
        (["--jobs", "0"], "treeward: invalid value for '--jobs'"),
        (["--tries", "0"], "treeward: invalid value for '--tries'"),
        (["--policy", "lifo"], "treeward: invalid value for '--policy'"),
        (["--max-time", "soon"], "treeward: --max-time is 'soon': expected a duration"),
        (["--only", "lat"], "treeward: --only: the plan has no fault 'lat'; did you mean 'late'?"),
        (["--only", "x"], "treeward: --only: the plan has no fault 'x'; expected one of late"),
        (
            ["--json", "nowhere/a.json"],
            "treeward: --json: nowhere/a.json lies in a directory that is not there: nowhere",
        ),
        (["--junit", "."], "treeward: --junit: . is a directory"),
    ],
)
def test_mistakes_in_usage(chaos, words, line):
    """Each mistake in usage is one line on stderr before anything has run, and exit code 2."""
    result = chaos("run", "steady.yaml", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


def test_a_verb_is_wanted(call):
    """`treeward chaos` alone explains itself on stderr."""
    result = call("chaos")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Commands:" in result.stderr


@pytest.mark.parametrize("verb", ["run", "replay", "points", "show"])
def test_help(call, verb):
    """Each verb explains itself on stdout."""
    result = call("chaos", verb, "--help")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"Usage: treeward chaos {verb}")


def test_a_plan_that_is_not_valid(chaos, shop):
    """All that is wrong with a plan is told, each with its place; exit code 65."""
    (shop / "bad.yaml").write_text("treeward: 1\nname: bad\nfaults:\n  - {at: actor.handel, do: crsh}\n")
    for verb in (["run"], ["replay", "--seed", "0"]):
        result = chaos(verb[0], "bad.yaml", *verb[1:])
        assert (result.exit_code, result.stdout) == (65, "")
        assert result.stderr.startswith(f"{shop / 'bad.yaml'}:4:")
        assert "did you mean 'actor.handle'?" in result.stderr


def test_a_plan_that_does_not_fit(chaos, shop):
    """A pattern that matches nobody in the tree is a fault of the plan."""
    (shop / "bad.yaml").write_text("treeward: 1\nname: bad\nfaults: [{at: actor, where: tiller, do: kill}]\n")
    result = chaos("run", "bad.yaml")
    assert (result.exit_code, result.stdout) == (65, "")
    assert "the tree has no agent like 'tiller'" in result.stderr


def test_no_plan(call, shop):
    """A tree without a plan beside it needs one behind it."""
    result = call("chaos", "run", shop / "tree.yaml", "--allow", "tills")
    assert (result.exit_code, result.stdout) == (65, "")
    assert "there is no plan beside the tree" in result.stderr


def test_a_setup_that_fails(chaos, shop):
    """What the plan's own function raises is told in words, as what did not hold."""
    (shop / "bad.yaml").write_text(STEADY + WORK + "setup: tills:fail\n")
    result = chaos("run", "bad.yaml", "--seeds", "1")
    assert (result.exit_code, result.stderr.count("Traceback")) == (1, 0)
    assert "setup at 0.000 s: setup, tills:fail, raised OSError: [Errno 28] no space left" in result.stdout


# --- replay -----------------------------------------------------------------------------------------


def test_replay(chaos, failed):
    """The timeline has requests, events and faults in their order, then what did not hold; exit code as for `run`."""
    _, seed = failed
    result = chaos("replay", "plan.yaml", "--seed", seed)
    timeline, _, verdict = result.stdout.partition("\n\n")
    assert result.exit_code == 1
    for what in ("request.given", "fault shop/till", "child.restarting", "healed", "!! booked once:"):
        assert what in timeline
    times = [float(line.split()[0]) for line in timeline.splitlines()]
    assert times == sorted(times)
    assert verdict.startswith(f"seed {seed}, policy random: failed\n  booked once at ")
    assert chaos("replay", "steady.yaml", "--seed", "1").exit_code == 0


def test_replay_is_the_run(chaos, tmp_path, failed):
    """The trace of a replayed seed is that of the campaign."""
    _, seed = failed
    chaos("run", "plan.yaml", "--no-shrink", "--json", tmp_path / "a.json")
    (failure,) = json.loads((tmp_path / "a.json").read_text())["failures"]
    assert f"  trace    {failure['trace']}\n" in chaos("replay", "plan.yaml", "--seed", seed).stdout


def test_replay_with_every_step(chaos):
    """With `--trace` every step of the loop is printed."""
    plain, traced = (chaos("replay", "steady.yaml", "--seed", "1", *words).stdout for words in ([], ["--trace"]))
    steps = int(re.search(r"([\d,]+) steps", plain)[1].replace(",", ""))
    assert len(traced.splitlines()) > steps > len(plain.splitlines())


def test_the_state_is_kept(chaos, tmp_path):
    """`--keep-state` leaves a copy of the run's state; not over what is there."""
    kept = tmp_path / "kept"
    chaos("replay", "steady.yaml", "--seed", "1", "--keep-state", kept)
    assert "sale-1" in (kept / "book.txt").read_text()
    again = chaos("replay", "steady.yaml", "--seed", "1", "--keep-state", kept)
    assert (again.exit_code, again.stdout) == (2, "")
    assert again.stderr == f"treeward: --keep-state: {kept} is there already: name a directory that is not there yet\n"


# --- points, show, schema ---------------------------------------------------------------------------


def test_points(call):
    """Every place has its line, with what can be chosen by and what can be done there."""
    result = call("chaos", "points")
    names = re.findall(r"^(\S+) \((?:call|send|timed)\): ", result.stdout, re.MULTILINE)
    assert (result.exit_code, names) == (0, list(PLACES))
    assert result.stdout.count("    where  ") == result.stdout.count("    do     ") == len(PLACES)


def test_show(call, shop):
    """A plan is told in words."""
    result = call("chaos", "show", shop / "plan.yaml", "--tree", shop / "tree.yaml", "--allow", "tills")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("rush-hour: tills that die")
    assert "dies-late" in result.stdout


def test_show_the_plan_of_a_tree_that_comes_with_one(call):
    """The name of a tree that comes with Treeward stands for its plan; a name that is near is offered."""
    told = call("chaos", "show", "support")
    assert (told.exit_code, told.stdout.partition(":")[0]) == (0, "all-kinds-at-once")
    missed = call("chaos", "show", "suport")
    assert (missed.exit_code, missed.stdout) == (65, "")
    assert "there is no file 'suport'" in missed.stderr
    assert "did you mean 'support'?" in missed.stderr


def test_show_what_is_wrong(call, shop):
    """A plan that is not valid, or does not fit the tree that is named, is told with its faults."""
    (shop / "bad.yaml").write_text("treeward: 1\nname: bad\nfaults: [{at: actor, where: tiller, do: kill}]\n")
    assert call("chaos", "show", shop / "bad.yaml").exit_code == 0
    result = call("chaos", "show", shop / "bad.yaml", "--tree", shop / "tree.yaml", "--allow", "tills")
    assert (result.exit_code, result.stdout) == (65, "")


def test_schema(call):
    """`treeward schema --plan` prints the JSON Schema of plans."""
    assert json.loads(call("schema", "--plan").stdout) == plan_schema()


# --- interrupts -------------------------------------------------------------------------------------


@pytest.mark.realtime
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt(start, shop, jobs):
    """Ctrl-C ends it behind the seed that runs: what was found is reported, nothing is left; exit code 130."""
    (shop / "told.yaml").write_text(STEADY + WORK + "setup: tills:tell\n")
    words = ["--allow", "tills", "--seeds", "0..999999", "--jobs", jobs]
    process = start("chaos", "run", shop / "tree.yaml", shop / "told.yaml", *words)
    state = began(process)
    os.kill(process.popen.pid, signal.SIGINT)
    code, out, err = process.end()
    assert code == 130
    assert re.match(r"\d+ seeds? of 1,000,000, interrupted: 0 failed\n", out)
    assert re.search(r"^treeward: interrupted after \d+ of 1,000,000 seeds$", err, re.MULTILINE)
    assert "Traceback" not in err
    assert not state.parent.exists()


@pytest.mark.realtime
def test_two_interrupts(start, shop):
    """A second Ctrl-C ends it within a seed, also one that would never end."""
    (shop / "stuck.yaml").write_text(STEADY + WORK + "setup: tills:tell_and_block\n")
    process = start("chaos", "run", shop / "tree.yaml", shop / "stuck.yaml", "--allow", "tills")
    state = began(process)
    os.kill(process.popen.pid, signal.SIGINT)
    os.kill(process.popen.pid, signal.SIGTERM)
    code, out, err = process.end()
    assert (code, err) == (130, "treeward: interrupted after 0 of 100 seeds\n")
    assert out.startswith("0 seeds of 100, interrupted: 0 failed")
    assert not state.parent.exists()


def began(process):
    """Waits for the first run, and returns where its state lies."""
    line = next(line for line in process.popen.stderr if line.startswith("began "))
    return Path(line.split()[1])
