"""The pytest plugin: simulated tests, one item a seed, the seeds that failed first, and a guard of the network.

A test is simulated if it is an `async def`, and is marked `chaos` or uses the fixture `chaos` or `runtime`. All other
tests are left alone. Little is imported here, since every session of pytest loads this file where Treeward is
installed: the rest comes with the first simulated test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .items import RUN, SimulatedTest, is_simulated, simulated, synchronous
from .kept import FILE, KeptSeeds
from .network import NetworkGuard, Offline
from .reports import Reports
from .seeds import POLICIES, InvalidMarker, Run, Seeds, marked, seed_of, seeds_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from .chaos import Chaos
    from .trees import Trees

__all__: list[str] = []

CHAOS = (
    "chaos(seeds=20, policy='random'): an async test in virtual time, once for each seed; seeds is a number, a range "
    "such as '100..199' or a list; policy is fifo, random or pct"
)
NETWORK = "network: may reach other machines, whatever no_network says"

PLANNED = pytest.StashKey["Planned"]()


# --- options ----------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options, and what may stand in the project's configuration."""
    group = parser.getgroup("chaos", "simulated tests (treeward)")
    group.addoption("--chaos-seed", metavar="N", action="append", help="run simulated tests with this seed only")
    group.addoption("--chaos-seeds", metavar="A..B", help="run simulated tests with these seeds, both included")
    group.addoption("--chaos-policy", choices=POLICIES, help="in which order ready tasks run, whatever the markers say")
    group.addoption("--no-network", action="store_true", help="let no test reach other machines, unless it is marked")
    parser.addini("no_network", "let no test reach other machines, unless it is marked `network`", "bool", False)
    parser.addini("chaos_seeds_file", "where seeds that have failed are kept", "string", FILE)


def pytest_configure(config: pytest.Config) -> None:
    """Registers the markers; refuses options that say nothing."""
    config.addinivalue_line("markers", CHAOS)
    config.addinivalue_line("markers", NETWORK)
    try:
        planned = config.stash[PLANNED] = Planned(config)
    except InvalidMarker as error:
        raise pytest.UsageError(str(error)) from None
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist's leaves both to the process that began it
        config.pluginmanager.register(Reports(planned.kept), "treeward-chaos-reports")
    if config.getoption("--no-network") or config.getini("no_network"):
        config.pluginmanager.register(Offline(), "treeward-no-network")


class Planned:
    """Which runs each test has in this session."""

    def __init__(self, config: pytest.Config) -> None:
        several = config.getoption("--chaos-seeds")
        single = tuple(seed_of(text) for text in config.getoption("--chaos-seed") or ())
        self.only = (*single, *(() if several is None else seeds_of(several)))
        self.policy: str | None = config.getoption("--chaos-policy")
        self.kept = KeptSeeds(config.rootpath / str(config.getini("chaos_seeds_file")))

    def of(self, test: str, marker: pytest.Mark | None) -> tuple[Run, ...]:
        """Returns the runs of a test; none means a single one, that no id has to name."""
        said = Seeds() if marker is None else marked(marker.args, marker.kwargs)
        said = Seeds(self.only or said.seeds, self.policy or said.policy)
        kept = () if self.only else self.kept.of(test)
        return said.runs(kept) if marker or kept or self.only else ()


# --- collection -------------------------------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Makes one item of a simulated test for each of its seeds."""
    definition = metafunc.definition
    if not is_simulated(definition):
        return
    marker = definition.get_closest_marker("chaos")
    try:
        runs = metafunc.config.stash[PLANNED].of(definition.nodeid, marker)
    except InvalidMarker as error:
        pytest.fail(f"{definition.nodeid}: {error}", pytrace=False)
    if runs:
        metafunc.fixturenames.append(RUN)
        metafunc.parametrize(RUN, runs, ids=[_id(run, runs) for run in runs], indirect=True)


def _id(run: Run, runs: tuple[Run, ...]) -> str:
    """Names a run by its seed; one that was kept with another policy than the others have, by that too."""
    return f"seed={run.seed}" if run.policy == runs[-1].policy else f"seed={run.seed}:{run.policy}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pycollect_makeitem() -> Generator[None, Any, Any]:
    """Takes the simulated tests, before and instead of all other plugins that run coroutines."""
    made = yield
    return [simulated(item) for item in made] if isinstance(made, list) else made


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Generator[None, Any, Any]:
    """Runs the `async def` fixtures of a simulated test on its loop; those of wider scope are left to others."""
    function = fixturedef.func
    if isinstance(request.node, SimulatedTest):
        fixturedef.func = synchronous(function, request)
    try:
        return (yield)
    finally:
        fixturedef.func = function


# --- fixtures ---------------------------------------------------------------------------------------


@pytest.fixture(name=RUN)
def chaos_run(request: pytest.FixtureRequest) -> Run:
    """The seed and the policy of this run of a simulated test."""
    run: Run = getattr(request, "param", Run())
    return run


@pytest.fixture
def chaos(request: pytest.FixtureRequest) -> Chaos:
    """What a simulated test may do to its trees, and what it may ask about what came of it."""
    return _simulated(request).given("chaos")  # type: ignore[no-any-return]  # it is one, or stands for one


@pytest.fixture
def runtime(request: pytest.FixtureRequest) -> Trees:
    """Starts trees on the loop of a simulated test: `await runtime.start("agents.yaml")`."""
    return _simulated(request).given("runtime")  # type: ignore[no-any-return]  # as above


def _simulated(request: pytest.FixtureRequest) -> SimulatedTest:
    if not isinstance(request.node, SimulatedTest):
        what = f"the fixture {request.fixturename!r} is for simulated tests, and {request.node.name} is none"
        pytest.fail(f"{what}: make it an `async def` test function", pytrace=False)
    return request.node


@pytest.fixture
def no_network() -> Iterator[NetworkGuard]:
    """Guards a test: it may not reach other machines. `no_network.refused` lists what it has tried."""
    with NetworkGuard().up() as guard:
        yield guard
    guard.check()


# --- reports ----------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Puts what helps to understand a failure behind its traceback, and what has to be known of the run beside it."""
    report = yield
    if isinstance(item, SimulatedTest) and report.when == "call":
        report.chaos = item.told()
        if report.failed and hasattr(report.longrepr, "addsection"):
            report.longrepr.addsection("chaos", item.story())
    return report
