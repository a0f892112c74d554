"""The plugin beside others that run coroutines, spread tests over processes, or end those that take too long."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.realtime

FAILED = pytest.ExitCode.TESTS_FAILED

AGENTS = """
from treeward import Agent

class Writer(Agent):
    async def handle(self, task):
        await self.system.clock.sleep(100)
        return task.input
"""

SIMULATED = """
import asyncio, pytest
from agents import Writer
from treeward.chaos.simulation.loop import SimLoop

{module}

def is_simulated():
    return isinstance(asyncio.get_running_loop(), SimLoop)

@pytest.fixture
async def team(runtime):
    assert is_simulated()
    team = await runtime.start({{"writer": Writer}})
    yield team
    assert is_simulated()

@pytest.mark.chaos(seeds=3)
async def test_simulated(chaos, team):
    assert is_simulated()
    assert (await team.run("x")).ok

class TestMethods:
    async def test_simulated(self, chaos):
        assert is_simulated()

def test_plain():
    pass
"""

ORDINARY = """
async def thing():
    assert not is_simulated()
    yield 7
    assert not is_simulated()

async def test_ordinary(thing):
    assert not is_simulated()
    assert thing == 7
"""


def written(*, module="", fixture="@pytest.fixture", test=""):
    """Returns simulated tests, and an ordinary one with a fixture, each under some decorator."""
    ordinary = ORDINARY.replace("async def thing", f"{fixture}\nasync def thing")
    ordinary = ordinary.replace("async def test", f"{test}\nasync def test")
    return SIMULATED.format(module=module) + ordinary


@pytest.fixture
def session(pytester):
    """`session(text, *options)` runs a file of tests in a process of its own, with the plugins that are installed."""
    pytester.makeini("[pytest]\naddopts = --strict-markers\n")
    pytester.makepyfile(agents=AGENTS)

    def run(text, *options, status=0):
        pytester.makepyfile(test_it=text)
        done = pytester.runpytest_subprocess("-Werror", *options, timeout=50)
        assert done.ret == status, done.stdout.str() + done.stderr.str()
        return done.stdout

    return run


WITH_ASYNCIO = ("-o", "asyncio_default_fixture_loop_scope=function")
WITHOUT_ASYNCIO = ("-p", "no:asyncio")


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("strict", {"test": "@pytest.mark.asyncio", "fixture": "@pytest_asyncio.fixture"}),
        ("strict", {"module": "pytestmark = pytest.mark.asyncio", "fixture": "@pytest_asyncio.fixture"}),
        ("auto", {}),
        ("auto", {"test": "@pytest.mark.asyncio"}),
        ("auto", {"module": "pytestmark = pytest.mark.asyncio"}),
    ],
)
def test_beside_pytest_asyncio(session, mode, text):
    """Simulated tests and their fixtures are ours, in both modes and whatever their marks; all others are its own."""
    pytest.importorskip("pytest_asyncio")
    written_text = written(**text).replace("import asyncio, pytest", "import asyncio, pytest, pytest_asyncio")
    if "module" in text:  # a function that is no coroutine may not be marked
        written_text = written_text.replace("def test_plain", "async def test_plain")
    session(written_text, f"--asyncio-mode={mode}", *WITH_ASYNCIO).fnmatch_lines(["*6 passed*"])


BACKEND = """
@pytest.fixture
def anyio_backend():
    return "asyncio"
"""


def test_beside_anyio(session):
    """Tests that are marked `anyio` are its own, unless they are simulated."""
    pytest.importorskip("anyio")
    text = written(test="@pytest.mark.anyio").replace("(thing)", "(thing, anyio_backend)") + BACKEND
    session(text, *WITHOUT_ASYNCIO).fnmatch_lines(["*6 passed*"])


@pytest.mark.parametrize("options", [(), ("--anyio-mode=auto",)])
def test_in_a_module_of_anyios(session, options):
    """In a module that is marked, and in auto mode, simulated tests are simulated too."""
    pytest.importorskip("anyio")
    module = "" if options else "pytestmark = pytest.mark.anyio"
    session(written(module=module) + BACKEND, *WITHOUT_ASYNCIO, *options).fnmatch_lines(["*6 passed*"])


def test_beside_xdist(session, pytester):
    """Seeds are spread over processes; those that fail are kept by the first one, and what is said is the same."""
    pytest.importorskip("xdist")
    text = (
        SIMULATED.format(module="")
        .replace("seeds=3", "seeds=12")
        .replace(
            "assert (await", "chaos.sometimes('never', False)\n    assert chaos.seed not in (5, 7)\n    assert (await"
        )
    )
    file = pytester.path / ".treeward/chaos-seeds.json"
    file.parent.mkdir()
    file.write_text('{"test_it.py::test_simulated": [{"seed": 5, "policy": "random"}]}')
    out = session(text, "-n2", *WITHOUT_ASYNCIO, status=FAILED)
    out.fnmatch_lines(["never in 12 runs of test_it.py::test_simulated: sometimes 'never'", "*2 failed, 12 passed*"])
    assert "--chaos-seed=7 --chaos-policy=random" in out.str()
    kept = json.loads(file.read_text())
    assert kept == {"test_it.py::test_simulated": [{"seed": seed, "policy": "random"} for seed in (5, 7)]}


LONG = """
import asyncio, pytest

@pytest.mark.timeout(5)
async def test_an_hour(chaos):
    await asyncio.sleep(3600)
    await asyncio.sleep(3600)

@pytest.mark.timeout(0.5)
async def test_busy(chaos):
    await asyncio.sleep(3600)
    while True:
        sum(range(1000))

async def test_after_it(chaos):
    await asyncio.sleep(1)
"""


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_beside_pytest_timeout(session, method):
    """An hour of virtual time is no hour for it; a test that really takes too long is ended, and others go on."""
    pytest.importorskip("pytest_timeout")
    out = session(LONG, *WITHOUT_ASYNCIO, f"--timeout-method={method}", status=FAILED)
    if method == "signal":
        out.fnmatch_lines(["*Timeout (>0.5s) from pytest-timeout*", "*1 failed, 2 passed*"])
    else:  # it ends the whole process
        out.fnmatch_lines(["*Timeout*"])
