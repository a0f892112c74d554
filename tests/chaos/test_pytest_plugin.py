"""The pytest plugin, as a session of a user's sees it: which items there are, what is kept, what a failure says."""

from __future__ import annotations

import functools
import json
import statistics
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

pytestmark = pytest.mark.realtime

FAILED = pytest.ExitCode.TESTS_FAILED

AGENTS = """
from treeward import Agent

class Writer(Agent):
    async def handle(self, task):
        await self.system.clock.sleep(1)
        return f"{task.input} in attempt {task.attempt}"
"""


@pytest.fixture
def session(pytester):
    """`session(text, *options)` runs a file of tests in a session of its own; `apart`, in a process of its own."""
    pytester.makeini("[pytest]\naddopts = --strict-markers -p no:asyncio\n")
    pytester.makepyfile(agents=AGENTS)

    def run(text, *options, status=0, apart=False):
        pytester.makepyfile(test_it=text)
        begin = functools.partial(pytester.runpytest_subprocess, timeout=50) if apart else pytester.runpytest_inprocess
        done = begin(*options)
        assert done.ret == status, done.stdout.str() + done.stderr.str()
        return done.stdout

    return run


def kept(pytester):
    return json.loads((pytester.path / ".treeward/chaos-seeds.json").read_text())


# --- seeds ------------------------------------------------------------------------------------------

SEEDED = """
import pytest

@pytest.mark.parametrize("word", ["a", "b"])
@pytest.mark.chaos(seeds=4, policy="pct")
async def test_seeded(chaos, word):
    assert chaos.seed not in (2, 9)

class TestMore:
    @pytest.mark.chaos
    async def test_default(self, chaos):
        pass

async def test_single(chaos):
    pass

def test_plain():
    pass
"""


def test_each_seed_is_an_item_with_its_name(session):
    """The seed stands in the test's id; without a marker there is one run, and no seed in its id."""
    out = session(SEEDED, "--collect-only", "-q")
    listed = [line for line in out.lines if "::" in line]
    assert listed == [
        *(f"test_it.py::test_seeded[{word}-seed={seed}]" for word in "ab" for seed in range(4)),
        *(f"test_it.py::TestMore::test_default[seed={seed}]" for seed in range(20)),
        "test_it.py::test_single",
        "test_it.py::test_plain",
    ]


def test_a_seed_that_failed_is_kept_and_comes_first(session, pytester):
    """It is named in the id and in the report, written to the file, and is the first item of the next session."""
    out = session(SEEDED, status=FAILED)
    out.fnmatch_lines(
        ["FAILED test_it.py::test_seeded[[]a-seed=2[]]*", "FAILED test_it.py::test_seeded[[]b-seed=2[]]*"]
    )
    out.fnmatch_lines(["1 seed that failed is kept in *.treeward/chaos-seeds.json, to be run first next time"])
    assert kept(pytester) == {"test_it.py::test_seeded": [{"seed": 2, "policy": "pct"}]}
    first = session(SEEDED, "--collect-only", "-q").lines
    assert "seed=2" in next(line for line in first if "::" in line)
    assert sum("a-seed=" in line for line in first) == 4


def test_a_kept_seed_stays_with_its_policy(session, pytester):
    """A seed that was kept with another policy is a run of its own, and is not forgotten when it passes."""
    file = pytester.path / ".treeward/chaos-seeds.json"
    file.parent.mkdir()
    file.write_text('{"test_it.py::test_single": [{"seed": 3, "policy": "fifo"}, {"seed": 0, "policy": "random"}]}')
    text = file.read_text()
    out = session(SEEDED, "-v", "-k", "single")
    out.fnmatch_lines(["*::test_single[[]seed=3:fifo[]] PASSED*", "*::test_single[[]seed=0[]] PASSED*", "*2 passed*"])
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--chaos-seed=9"], ["[seed=9]"]),
        (["--chaos-seed=9", "--chaos-seed=4"], ["[seed=9]", "[seed=4]"]),
        (["--chaos-seeds=5..6", "--chaos-policy=fifo"], ["[seed=5]", "[seed=6]"]),
    ],
)
def test_seeds_may_be_said_on_the_command_line(session, options, ids):
    """They stand in the place of all others, for tests without a marker too."""
    out = session(SEEDED, "--collect-only", "-q", "-k", "single", *options)
    assert [line for line in out.lines if "::" in line] == [f"test_it.py::test_single{id_}" for id_ in ids]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--chaos-seed=many"], "a seed is a number, 0 or more, not 'many'"),
        (["--chaos-seeds=9..3"], "seeds is a number of them such as 200*not '9..3'"),
        (["--chaos-policy=lifo"], "*argument --chaos-policy: invalid choice: 'lifo'*"),
    ],
)
def test_options_that_say_nothing_are_refused(session, pytester, options, words):
    """The session does not begin."""
    pytester.makepyfile(test_it=SEEDED)
    done = pytester.runpytest_inprocess(*options)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([f"*{words}*"])


def test_a_marker_that_says_nothing_is_refused(session):
    """The test is named, and what a marker takes."""
    text = "import pytest\n@pytest.mark.chaos(seed=3)\nasync def test_wrong(): ..."
    session(text, status=pytest.ExitCode.INTERRUPTED).fnmatch_lines(
        ["test_it.py::test_wrong: the marker chaos takes seeds= and policy=, not seed"]
    )


def test_a_few_of_many_failures_are_kept_and_elsewhere_if_so_said(session, pytester):
    """Where all fail, five are kept; the file is where the configuration says."""
    text = "import pytest\n@pytest.mark.chaos(seeds=9)\nasync def test_bad(chaos): assert 0"
    session(text, "-o", "chaos_seeds_file=seeds.json", status=FAILED).fnmatch_lines(
        ["5 seeds that failed are kept in *"]
    )
    (runs,) = json.loads((pytester.path / "seeds.json").read_text()).values()
    assert [run["seed"] for run in runs] == [0, 1, 2, 3, 4]


def test_seeds_that_cannot_be_kept_are_no_error(session, pytester):
    """A checkout that cannot be written to is said to be one; the exit code is that of the tests."""
    (pytester.path / ".treeward").write_text("a file, where a directory should be")
    session(SEEDED, status=FAILED).fnmatch_lines(["seeds that failed could not be kept: *"])


def test_a_broken_file_of_seeds_ends_the_session(session, pytester):
    """It is named, and how to go on."""
    (pytester.path / ".treeward").mkdir()
    (pytester.path / ".treeward/chaos-seeds.json").write_text("[]")
    pytester.makepyfile(test_it=SEEDED)
    done = pytester.runpytest_inprocess()
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*chaos-seeds.json is not a file of kept seeds *: mend it, or delete it"])


# --- what a failure says ----------------------------------------------------------------------------

FAILING = """
import asyncio, socket, threading, time
import pytest
from agents import Writer
from hypothesis import HealthCheck, given, settings, strategies as st
from treeward.chaos.invariants.invariant import Invariant

class Never(Invariant):
    name = "never"

    def event(self, event):
        if event.name == "child.restarting":
            self.violated(f"{event.path} was restarted")

@pytest.mark.chaos(seeds=[317], policy="pct")
async def test_assertion(chaos, runtime):
    team = await runtime.start({"writer": Writer})
    chaos.actor("writer").crash()
    outcome = await team.run("a page")
    assert outcome.output == "nothing"

async def test_violated_at_the_end(chaos, runtime):
    chaos.invariant(Never)
    await runtime.start({"writer": Writer})
    chaos.kill("tree/writer")

async def test_violated_while_it_closes(chaos, runtime):
    class Closed(Invariant):
        name = "closed"

        def closed(self, world):
            self.violated("it is closed")

    chaos.invariant(Closed)
    await runtime.start({"writer": Writer})

async def test_deadlock(chaos):
    await asyncio.Event().wait()

async def test_socket(chaos):
    socket.create_connection(("example.org", 80))

async def test_swallowed_socket(chaos):
    try:
        socket.create_connection(("example.org", 80))
    except Exception:
        pass
    await asyncio.sleep(1)

async def test_unhandled(chaos):
    asyncio.get_running_loop().call_soon(int, "seven")
    await asyncio.sleep(1)

async def test_exit(chaos):
    raise SystemExit(3)

@given(st.integers(0, 100))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_hypothesis(runtime, number):
    team = await runtime.start({"writer": Writer})
    outcome = await team.run(number)
    assert asyncio.get_running_loop().time() == 1.0
    assert number < 7

@given(st.integers())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_hypothesis_by_way_of_a_fixture(helper, number):
    pass

@given(st.integers())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.chaos(seeds=1)
async def test_hypothesis_with_a_coroutine_for_a_fixture(broken, number):
    pass

@pytest.fixture
async def broken():
    raise OSError("no database")

async def test_fixture(chaos, broken):
    pass

@pytest.fixture
async def twice():
    yield 1
    yield 2

async def test_fixture_that_yields_twice(chaos, twice):
    pass

def test_plain_function(chaos):
    pass

@pytest.fixture
def helper(runtime):
    return runtime.state

def test_plain_function_by_way_of_a_fixture(helper):
    pass
"""

SAID = {
    "test_assertion[seed=317]": [
        "assert 'a page in attempt 2' == 'nothing'",
        "seed 317, policy pct",
        "1 fault:\n",
        "tree/writer#1 rule=actor-handle-1",
        "task.settled tree/writer#2",
        "again with\n  pytest 'test_it.py::test_assertion[seed=317]' --chaos-seed=317 --chaos-policy=pct",
    ],
    "test_violated_at_the_end": [
        "never at 0.",
        "tree/writer was restarted",
        "violated: never",
        "seed 0, policy random",
    ],
    "test_violated_while_it_closes": ["closed at 2.", "it is closed"],
    "test_deadlock": ["nothing can ever happen again; 1 wait", "the test: test_deadlock > Event.wait at"],
    "test_socket": ["SimulationEscape", "example.org", "is not simulated"],
    "test_swallowed_socket": ["SimulationEscape", "example.org"],
    "test_unhandled": ["Unhandled", "invalid literal for int"],
    "test_exit": ["SystemExit"],
    "test_hypothesis": ["number=7", "assert 7 < 7"],
    "test_hypothesis_by_way_of_a_fixture": ["state: in a test of hypothesis each example has a loop of its own"],
    "test_hypothesis_with_a_coroutine_for_a_fixture[seed=0]": ["each example has a loop of its own"],
    "test_fixture": ["OSError: no database"],
    "test_fixture_that_yields_twice": ["the fixture twice yields more than once"],
    "test_plain_function": ["the fixture 'chaos' is for simulated tests", "make it an `async def` test function"],
    "test_plain_function_by_way_of_a_fixture": ["the fixture 'runtime' is for simulated tests"],
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Runs the tests above in one session, and returns what was said of each."""
    folder = tmp_path_factory.mktemp("failing")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -p no:asyncio\nfilterwarnings = error\n")
    (folder / "agents.py").write_text(AGENTS)
    (folder / "test_it.py").write_text(FAILING)
    command = [sys.executable, "-m", "pytest", "--junitxml=report.xml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == FAILED, done.stdout + done.stderr
    said = {}
    for case in ET.parse(folder / "report.xml").iter("testcase"):
        said[case.get("name")] = "".join(f"{part.get('message')} {part.text}" for part in case)
    return said


@pytest.mark.parametrize(("test", "words"), SAID.items(), ids=SAID)
def test_a_failure_says_what_is_wrong(reports, test, words):
    """What happened, with the seed, the faults, the log's end and the command that does it again."""
    assert [word for word in words if word not in reports[test]] == []


def test_every_failing_test_is_looked_at(reports):
    """The table above has every one of the tests that were run."""
    assert reports.keys() == SAID.keys()


def test_the_command_of_a_failure_repeats_it(session):
    """Run as it stands there, it fails in the same way: ids, times and faults are the same."""
    text = (
        "import pytest\nfrom agents import Writer\n\n"
        "@pytest.mark.chaos(seeds=30)\n"
        "async def test_lucky(chaos, runtime):\n"
        "    team = await runtime.start({'writer': Writer})\n"
        "    chaos.actor('writer').crash(chance=0.2)\n"
        "    assert (await team.run('x')).ok, chaos.log.timeline()\n"
    )
    first = session(text, "-x", status=FAILED).str()
    command = first.partition("again with\n")[2].split("\n")[0].split()
    assert command[0] == "pytest"
    again = session(text, *(word.strip("'") for word in command[1:]), status=FAILED).str()
    end = "the last of what was seen:"
    assert (
        first.partition(end)[2].partition("again with")[0] == again.partition(end)[2].partition("again with")[0] != ""
    )


# --- sessions that go well --------------------------------------------------------------------------

WELL = """
import asyncio, time
import pytest
from agents import Writer
from hypothesis import given, strategies as st

@pytest.mark.chaos(seeds=6)
async def test_claims(chaos):
    chaos.sometimes("even", chaos.seed % 2 == 0)
    chaos.sometimes("negative", chaos.seed < 0)

@pytest.mark.chaos(seeds=2)
@given(st.integers())
async def test_hypothesis(number):
    assert asyncio.get_running_loop().time() == 0.0
    await asyncio.sleep(1)

@pytest.mark.chaos(seeds=3)
async def test_skipped():
    pytest.skip("not today")

@pytest.mark.chaos(seeds=3)
@pytest.mark.xfail(reason="known")
async def test_expected(chaos):
    assert chaos.seed < 0

@pytest.mark.chaos(seeds=3)
def test_not_a_coroutine():
    assert time.monotonic() > 0

async def test_leftovers_are_ended(chaos):
    chaos.left = asyncio.create_task(asyncio.sleep(1e9))
"""


def test_what_was_hoped_for_in_vain_is_named(session):
    """A `sometimes` that no seed came to is in the summary; what held once is not; nothing is kept."""
    out = session(WELL)
    out.fnmatch_lines(["never in 6 runs of test_it.py::test_claims: sometimes 'negative'"])
    out.no_fnmatch_line("*'even'*")
    out.no_fnmatch_line("*kept*")
    out.fnmatch_lines(["*10 passed, 3 skipped, 3 xfailed*"])


OTHERS = """
import asyncio, pytest

@pytest.fixture
def runtime():
    return "mine"

@pytest.fixture
def chaos():
    return "mine"

def test_own_fixtures(runtime, chaos):
    assert runtime == chaos == "mine"

@pytest.fixture
def clock(): return 1

def test_without(clock): pass
"""


def test_tests_that_do_not_use_it_are_left_alone(session, pytester):
    """A project's own fixtures of these names stay its own, and nothing heavy is imported."""
    conftest = (
        "import sys\n"
        "def pytest_sessionfinish():\n"
        "    print('\\nHEAVY', sorted(n for n in sys.modules if n.startswith('treeward.') and 'testing' not in n))\n"
        "    print('PYDANTIC', 'pydantic' in sys.modules)\n"
    )
    pytester.makeconftest(conftest)
    out = session(OTHERS, "-s", apart=True)
    out.fnmatch_lines(["HEAVY [[]'treeward.chaos'[]]", "PYDANTIC False", "*2 passed*"])


def test_the_plugin_is_light():
    """To load it takes a few milliseconds beside pytest's own second."""

    code = "import pytest, time; b = time.process_time(); import treeward.chaos.testing.plugin as p"
    code += "; print(time.process_time() - b)"
    took = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    ]
    assert statistics.median(took) < 0.05
