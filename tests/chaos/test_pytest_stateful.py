"""State machines of hypothesis on the simulated loop: a real supervisor against a model, and a bug that is found."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, consumes, initialize, invariant, precondition, rule, run_state_machine_as_test

from treeward import Actor, Agent, ChildSpec, Intensity, SupervisorSpec
from treeward.chaos.simulation.loop import SimLoop
from treeward.chaos.testing import SimMachine, Violated
from treeward.supervisors.handle import SupervisorHandle

pytestmark = pytest.mark.realtime

QUICK = settings(max_examples=25, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
PATIENT = Intensity(1000, 1)


class Counter(Actor):
    """Counts; a crash is a message too."""

    count = 0

    def on_receive(self, message):
        if message == "crash":
            raise OSError("as ordered")
        self.count += message
        return self.count


class Children(SimMachine):
    """A supervisor's children: started, crashed, killed, stopped and started again, beside a model of them."""

    children = Bundle("children")

    @initialize()
    async def start(self):
        self.rt = await self.runtime.start(SupervisorSpec(intensity=PATIENT))
        self.top = SupervisorHandle(self.rt.ref("tree"))
        self.model = {}  # id: (incarnation, count), None where it was terminated
        self.number = 0

    @rule(target=children, restart=st.sampled_from(["permanent", "transient"]))
    async def start_child(self, restart):
        self.number += 1
        child = f"child-{self.number}"
        await self.top.start_child(ChildSpec(id=child, start=Counter, restart=restart))
        self.model[child] = (1, 0)
        return child

    @rule(child=children, by=st.integers(1, 5))
    async def count(self, child, by):
        if self.model.get(child) is not None:
            incarnation, count = self.model[child]
            assert await self.rt.ref(f"tree/{child}").ask(by) == count + by
            self.model[child] = (incarnation, count + by)

    @rule(child=children)
    async def crash(self, child):
        if self.model.get(child) is not None:
            self.rt.ref(f"tree/{child}").tell("crash")
            await self.reborn(child)

    @rule(child=children)
    async def kill(self, child):
        if self.model.get(child) is not None:
            self.chaos.kill(f"tree/{child}")
            await self.reborn(child)

    async def reborn(self, child):
        self.model[child] = (self.model[child][0] + 1, 0)
        await self.chaos.clock.advance(1)

    @rule(child=children)
    async def terminate(self, child):
        if self.model.get(child) is not None:
            await self.top.terminate_child(child)
            self.model[child] = None

    @rule(child=consumes(children))
    async def delete(self, child):
        if self.model.get(child, "gone") is None:
            await self.top.delete_child(child)
            del self.model[child]

    @precondition(lambda self: self.model)
    @invariant()
    async def agrees(self):
        assert isinstance(asyncio.get_running_loop(), SimLoop)
        infos = {info.id: info for info in await self.top.which_children()}
        assert infos.keys() == self.model.keys()
        for child, expected in self.model.items():
            seen = self.rt.snapshot().find(f"tree/{child}")
            assert (seen.state == "running") is (expected is not None), child
            assert expected is None or seen.incarnation == expected[0], child


TestChildren = Children.TestCase
TestChildren.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


# --- what the machine itself does -------------------------------------------------------------------


class Forgetful(Agent):
    """A planted bug: it forgets what it was told when it dies, and says so as if nothing had been."""

    def __init__(self):
        self.kept = []

    def handle(self, task):
        if task.input is not None:
            self.kept.append(task.input)
        return list(self.kept)


class Memory(SimMachine):
    """Claims that an agent keeps what it was told."""

    @initialize()
    async def start(self):
        self.rt = await self.runtime.start({"memory": Forgetful})
        self.told = []

    @rule(word=st.text("ab", min_size=1))
    async def tell(self, word):
        self.told.append(word)
        await self.rt.run(word)

    @rule()
    def crash_soon(self):
        self.chaos.actor("memory").crash()

    @rule()
    async def asked(self):
        assert (await self.rt.run(None)).output == self.told


def test_a_planted_bug_is_found_and_shrunk():
    """What is left is the shortest way to it: something is told, the agent crashes, and has forgotten it."""
    with pytest.raises(AssertionError) as found:
        run_state_machine_as_test(Memory, settings=settings(QUICK, max_examples=100, database=None, derandomize=True))
    steps = [line.strip() for line in "\n".join(found.value.__notes__).splitlines() if "state." in line]
    assert steps == [
        "state.start()",
        "state.tell(word='a')",
        "state.crash_soon()",
        "state.asked()",
        "state.teardown()",
    ]


def test_time_goes_on_within_an_example_and_begins_anew_in_the_next():
    """All that is `async def` in one example runs on one loop; each example has another."""
    loops, times = [], []

    class Clock(SimMachine):
        seed = 5
        policy = "fifo"

        @initialize()
        async def begin(self):
            loops.append(asyncio.get_running_loop())
            times.append(self.chaos.clock.now)

        @rule()
        async def wait(self):
            before = self.chaos.clock.now
            await asyncio.sleep(10)
            assert self.chaos.clock.now == before + 10
            assert asyncio.get_running_loop() is loops[-1]

    run_state_machine_as_test(Clock, settings=settings(QUICK, database=None))
    assert len(loops) == len(set(map(id, loops))) > 1
    assert set(times) == {0.0}
    assert {(loop.seed, loop.policy, loop.is_closed()) for loop in loops} == {(5, "fifo", True)}


def machine(end):
    class Machine(SimMachine):
        @rule()
        async def go(self):
            await end(self)

    return Machine


async def break_an_invariant(self):
    self.chaos.always("never", False)


async def leave_an_error(self):
    asyncio.get_running_loop().call_soon(int, "seven")
    await asyncio.sleep(1)


async def wait_for_ever(self):
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("end", "error", "words"),
    [
        (break_an_invariant, Violated, "always: never"),
        (leave_an_error, AssertionError, "invalid literal for int"),
        (wait_for_ever, AssertionError, "nothing can ever happen again"),
    ],
)
def test_what_a_test_would_fail_for_an_example_does(end, error, words):
    """Violations and errors that nobody took at its end, and a deadlock."""
    once = settings(QUICK, max_examples=2, phases=[Phase.generate], database=None)
    with pytest.raises(error, match=words):
        run_state_machine_as_test(machine(end), settings=once)


def test_the_rules_of_a_parent_run_on_the_loop_too():
    """A machine may be a subclass of another one."""
    seen = []

    class Parent(SimMachine):
        @rule()
        async def go(self):
            seen.append(type(asyncio.get_running_loop()))

    class Child(Parent):
        @rule(number=st.integers())
        async def more(self, number):
            seen.append(number)

    run_state_machine_as_test(Child, settings=settings(QUICK, max_examples=5, database=None))
    assert SimLoop in seen
    assert any(isinstance(number, int) for number in seen)
