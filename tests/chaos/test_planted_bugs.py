"""Bugs that are planted into the product, one at a time: the invariants find each, and a seed finds it again.

All of them live in one tree, a workshop with a room for each: a team that is restarted as a whole, with a temporary
child; a breaker, judges, fallbacks, deadlines. Without a bug, every seed of the same runs passes.
"""

import asyncio
import os
from dataclasses import replace

import pytest

from treeward.agents.agent import Agent
from treeward.chaos.plans.plan import Plan
from treeward.chaos.subject import Subject
from treeward.chaos.trial import run_trial
from treeward.runtime import below, call
from treeward.runtime.cell import Cell, Phase
from treeward.runtime.signals import Stop
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task, Usage
from treeward.runtime.telemetry import Telemetry
from treeward.supervisors import restart, strategy, supervisor
from treeward.supervisors.breakers.breaker import Breaker
from treeward.supervisors.budgets.ledger import Ledger
from treeward.supervisors.children import Children
from treeward.supervisors.events import TaskSettled
from treeward.supervisors.intensity import RestartWindow
from treeward.supervisors.requests import ChildRestarting
from treeward.supervisors.supervisor import Supervisor
from treeward.supervisors.work import delivery, recovery, trial
from treeward.supervisors.work.attempt import Attempt
from treeward.supervisors.work_errors import ModelRetry
from treeward.trees.load import load_tree

SEEDS = range(100)

TREE = """
treeward: 1
name: workshop
tree:
  supervisor: workshop
  intensity: {restarts: 1000, within: 10s}
  children:
    - supervisor: team
      strategy: one_for_all
      intensity: {restarts: 6, within: 20s}
      children:
        - {agent: carver, use: "HERE:Worker"}
        - {agent: guest, use: "HERE:Worker", restart: temporary}
        - {agent: painter, use: "HERE:Moody", breaker: {failures: 2, cooldown: 5s},
           judges: [{function: "HERE:looked_at"}], recovery: [{retry: 2}, {restart: 2}, {fallback: carver}]}
    - supervisor: line
      strategy: rest_for_one
      intensity: {restarts: 4, within: 10s}
      backoff: {initial: 200ms, max: 2s}
      children:
        - {agent: writer, use: "HERE:Moody", judges: [{function: "HERE:fine"}],
           recovery: [{revise: 2}, {retry: 2}, {fallback: carver}]}
        - {agent: slow, use: "HERE:Lingering"}
    - supervisor: office
      intensity: {restarts: 100, within: 10s}
      children:
        - {agent: clerk, use: "HERE:Costly", budget: {cost: 0.35, per: life}}
        - {agent: potter, use: "HERE:Weary", recovery: [{retry: {times: 20, initial: 100ms, max: 200ms}}]}
        - {agent: porter, use: "HERE:Worker", restart: transient, timeout: 60s, attempt_timeout: 4s}
entry: writer
"""

PLAN = {
    "name": "workshop",
    "faults": [
        {"at": "actor.handle", "do": "5%->crash(ValueError) | 3%->slow(1s..10s) | 1%->hang"},
        {"at": "actor.start", "do": "10%->crash(ValueError)"},
        {"at": "mailbox.put", "do": "2%->drop | 2%->duplicate | 2%->delay(1s..5s)"},
        {"at": "reply", "do": "1%->drop | 2%->duplicate | 2%->delay(1s..5s)"},
        {"at": "actor", "every": "4s±3s", "do": "kill", "where": {"path": "**", "role": "any"}},
        {"at": "actor", "every": "15s±5s", "do": "stop", "where": "workshop/office/porter"},
        {"at": "actor", "every": "9s±5s", "do": "stop", "where": {"path": "workshop/*", "role": "supervisor"}},
    ],
    "work": [
        {"input": "{n}", "to": "workshop/line/writer", "times": 12, "every": "1s..6s", "deadline": 40.0},
        {"input": "{n}", "to": "workshop/team/painter", "times": 12, "every": "1s..6s", "deadline": 60.0},
        {"input": "{n}", "to": "workshop/team/carver", "times": 6, "every": "3s..9s"},
        {"input": "{n}", "to": "workshop/line/slow", "times": 4, "every": "5s..15s"},
        {"input": "{n}", "to": "workshop/office/clerk", "times": 6, "every": "2s..5s"},
        {"input": "{n}", "to": "workshop/office/potter", "times": 2, "every": "9s"},
        {"input": "{n}", "to": "workshop/office/porter", "times": 6, "every": "3s..9s", "deadline": 90.0},
    ],
    "heal": {"at": 45.0, "ready_within": 60.0, "drain_within": 400.0},
}


EVERYTHING = {
    "name": "everything",
    "faults": [
        *PLAN["faults"],
        {
            "at": "actor.handle",
            "do": "2%->hang(deaf) | 2%->crash(SystemExit) | 2%->crash(CancelledError) | 1%->delegate",
        },
        {"at": "actor.handle", "do": "2%->crash(when=after) | 2%->crash(when=during) | 2%->poison | 2%->corrupt"},
        {"at": "actor.handle", "do": "2%->crash", "where": {"path": "workshop/*", "role": "supervisor"}},
        {"at": "actor.stop", "do": "5%->crash | 5%->hang | 2%->hang(deaf)"},
        {"at": "mailbox.put", "do": "2%->reorder | 2%->corrupt"},
        {"at": "reply", "do": "2%->reorder | 2%->corrupt"},
        {"at": "judge", "do": "5%->crash | 5%->lie | 5%->hang | 5%->slow(1s..12s)"},
        {"at": "mailbox", "do": "flood(20/s, 2s)", "from": 20.0, "where": "workshop/**"},
        {"at": "actor", "do": "kill", "every": "20s", "pick": "all"},
        {"at": "loop", "do": "block(1s..3s)", "every": "15s±5s"},
        {"at": "clock", "do": "suspend(1s..60s)", "every": "25s±5s"},
        {"at": "clock", "do": "jump(±1h)", "every": "15s±5s"},
    ],
    "work": PLAN["work"],
    "heal": PLAN["heal"] | {"ready_within": 120.0},
}
"""All kinds of faults at once."""


class Worker(Agent):
    """Takes up to three seconds."""

    async def handle(self, task):
        await asyncio.sleep(self.system.entropy.stream("worker").uniform(0, 3))
        return task.input


class Moody(Agent):
    """Takes up to two seconds, and fails now and then, in several ways."""

    async def handle(self, task):
        mood = self.system.entropy.stream("moody")
        await asyncio.sleep(mood.uniform(0, 2))
        draw = mood.random()
        if draw < 0.15:
            raise ValueError("in no mood")
        if draw < 0.25:
            raise ModelRetry("not yet")
        return {"fine": draw < 0.8}


class Weary(Agent):
    """Hardly ever comes to anything."""

    async def handle(self, task):
        await asyncio.sleep(0.1)
        raise TimeoutError("too late")


class Costly(Agent):
    """Costs something."""

    async def handle(self, task):
        await asyncio.sleep(0.5)
        self.charge(Usage(cost=0.1))
        return task.input


class Lingering(Worker):
    """Needs a while to stop."""

    async def on_stop(self):
        await asyncio.sleep(2)


def fine(output, task):
    return output["fine"]


async def looked_at(output, task):
    """Takes its time, in which the next task can begin."""
    await asyncio.sleep(1)
    return True


@pytest.fixture(autouse=True)
def let_go():
    """Lets go what bugs have kept."""
    yield
    for kept in KEPT:
        if isinstance(kept, int):
            os.close(kept)
    KEPT.clear()


@pytest.fixture(scope="module")
def workshop():
    """The tree and the plan, for all runs."""
    tree = load_tree(TREE.replace("HERE", __name__), allow=[__name__])
    return Subject(tree, Plan.model_validate(PLAN), allow=(__name__,))


# --- the bugs ---------------------------------------------------------------------------------------


def restart_counted_twice(patch):
    passes_limit = RestartWindow.passes_limit

    def count_twice(self, now):
        passes_limit(self, now)
        return passes_limit(self, now)

    patch.setattr(RestartWindow, "passes_limit", count_twice)


def restart_counted_again(patch):
    """The try is counted that a death leads to after its backoff, though the death has been."""
    schedule_try = Supervisor._schedule_try
    patch.setattr(Supervisor, "_schedule_try", lambda *given, counted: schedule_try(*given, counted=False))


def death_of_a_sibling_counted(patch):
    """Whoever is ended with a child that has died is taken for dead by itself."""
    restart = Supervisor._restart

    async def restart_each(self, child, reason):
        group = self._plan(child).terminate
        await restart(self, child, reason)
        for one in group:
            sibling = self._children.get(one)
            if sibling is not None and sibling.state == "stopped":
                await restart(self, sibling, sibling.cell.end)

    patch.setattr(Supervisor, "_restart", restart_each)


def never_gives_up(patch):
    patch.setattr(RestartWindow, "passes_limit", lambda self, now: False)


def gives_up_and_lives_on(patch):
    give_up = Supervisor._give_up

    def stay(self, child, reason):
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(Supervisor, "stop", lambda *_: None)
            give_up(self, child, reason)

    patch.setattr(Supervisor, "_give_up", stay)


def mailbox_lost_on_restart(patch):
    let_go = Cell._let_go

    def lose(self):
        let_go(self)
        self.mailbox.messages = None

    patch.setattr(Cell, "_let_go", lose)


def reply_sent_twice(patch):
    answer = Cell._answer

    def answer_twice(self, envelope, value):
        answer(self, envelope, value)
        answer(self, envelope, value)

    patch.setattr(Cell, "_answer", answer_twice)


def two_probes(patch):
    retry_in = Breaker._retry_in

    def forget_the_probe(self, now):
        probe, self._probe = self._probe, None
        wait = retry_in(self, now)
        self._probe = probe
        return wait

    patch.setattr(Breaker, "_retry_in", forget_the_probe)


def judge_bypassed_on_retry(patch):
    hear = trial.hear

    async def pass_over(guard, task, output):
        return trial.NO_RULING if task.attempt > 1 else await hear(guard, task, output)

    patch.setattr(trial, "hear", pass_over)


def deadline_not_inherited(patch):
    give = recovery.give

    def give_all_the_time(system, near, name, task):
        return give(system, near, name, replace(task, deadline=None))

    patch.setattr(recovery, "give", give_all_the_time)


def temporary_restarted(patch):
    async def end_all(self, ids):
        for child in ids:
            await self._children.terminate(self._find(child))

    patch.setattr(Supervisor, "_take_down", end_all)


def orphan_of_a_killed_supervisor(patch):
    def leave_them(cell, then):
        killed_while_it_stopped = cell.phase is Phase.STOPPING and cell.killed is not None
        return False if killed_while_it_stopped else below.kill_below(cell, then)

    patch.setattr("treeward.runtime.cell.kill_below", leave_them)


def siblings_restarted_beyond_reach(patch):
    patch.setattr(supervisor, "plan", lambda _, ids, failed: strategy.plan("one_for_all", ids, failed))


def transient_restarted_after_a_normal_end(patch):
    patch.setitem(restart._TABLE, ("transient", True), True)


def permanent_left_down(patch):
    is_restarted = supervisor.is_restarted

    def forget(kind, reason):
        return is_restarted(kind, reason) and not isinstance(reason, ValueError)

    patch.setattr(supervisor, "is_restarted", forget)


def restart_in_silence(patch):
    emit = Telemetry.emit

    def keep_quiet(self, kind, *details):
        if kind is not ChildRestarting:
            emit(self, kind, *details)

    patch.setattr(Telemetry, "emit", keep_quiet)


def handler_lives_on(patch):
    """A handler that is killed is left to itself, and its incarnation is said to have ended."""

    def leave(self):
        self._end(None, call.CutOff())

    patch.setattr(call.Call, "cut_off", leave)


def two_lives(patch):
    """A child is started again before its last incarnation has ended."""
    patch.setattr(Children, "_ended", lambda self, cell: asyncio.sleep(0))

    async def do_not_wait(self, cell, grace):
        cell.signal(Stop())
        cell.phase = Phase.NONE

    patch.setattr(ActorSystem, "end", do_not_wait)


def task_never_settled(patch):
    end = delivery.Delivery._end

    def forget(self, outcome):
        if outcome.status == "failed":
            del self._guard.deliveries[self]
        else:
            end(self, outcome)

    patch.setattr(delivery.Delivery, "_end", forget)


def task_settled_twice(patch):
    tell = delivery.Delivery._tell

    def tell_twice(self, kind, *details):
        tell(self, kind, *details)
        if kind is TaskSettled:
            tell(self, kind, *details)

    patch.setattr(delivery.Delivery, "_tell", tell_twice)


def deadline_missed(patch):
    seconds_left = Task.seconds_left

    def think_it_later(self, now):
        left = seconds_left(self, now)
        return None if left is None else left + 3.0

    patch.setattr(Task, "seconds_left", think_it_later)


def attempts_without_end(patch):
    patch.setattr(trial.Trial, "_used_up", lambda self: None)


def open_breaker_passed(patch):
    patch.setattr(trial.Trial, "let_begin", lambda self: None)


def budget_overdrawn(patch):
    patch.setattr(Ledger, "_gone", lambda *_: None)


def reservation_kept(patch):
    settle = Ledger.settle

    def keep(self, hold, usage, *rest):
        if usage.cost == 0:
            settle(self, hold, usage, *rest)

    patch.setattr(Ledger, "settle", keep)


def mailbox_forgotten(patch):
    """A new incarnation does not look for what waits for it."""
    patch.setattr(Cell, "_go_on", lambda self: setattr(self, "_ready", True))


def timer_left(patch):
    fail = Attempt._over

    def leave(self, reply):
        fail(self, reply)
        self._cell.system.clock.call_later(1000.0, print)

    patch.setattr(Attempt, "_over", leave)


def file_left(patch):
    start = Cell.start

    def open_one(self, *when_started):
        KEPT.append(os.open(os.devnull, os.O_RDONLY))
        start(self, *when_started)

    patch.setattr(Cell, "start", open_one)


def memory_kept(patch):
    opened = ActorSystem.open

    def keep(self, loop):
        opened(self, loop)
        KEPT.append(self)

    patch.setattr(ActorSystem, "open", keep)


KEPT = []
"""What bugs keep; it is let go after each test."""

BUGS = [
    (restart_counted_twice, "I6"),
    (restart_counted_again, "I6"),
    (death_of_a_sibling_counted, "I6"),
    (never_gives_up, "I6"),
    (gives_up_and_lives_on, "I6"),
    (mailbox_lost_on_restart, "I1"),
    (mailbox_forgotten, "I7"),
    (task_never_settled, "I1"),
    (deadline_missed, "I1"),
    (task_settled_twice, "I2"),
    (reply_sent_twice, "I2"),
    (two_probes, "I2"),
    (open_breaker_passed, "I2"),
    (judge_bypassed_on_retry, "I2"),
    (deadline_not_inherited, "I2"),
    (attempts_without_end, "I2"),
    (budget_overdrawn, "I2"),
    (reservation_kept, "I2"),
    (temporary_restarted, "I5"),
    (siblings_restarted_beyond_reach, "I5"),
    (transient_restarted_after_a_normal_end, "I5"),
    (permanent_left_down, "I5"),
    (orphan_of_a_killed_supervisor, "I4"),
    (two_lives, "I4"),
    (handler_lives_on, "I4"),
    (timer_left, "I8"),
    (file_left, "I8"),
    (memory_kept, "I8"),
    (restart_in_silence, "I9"),
]


# --- both halves ------------------------------------------------------------------------------------


def test_without_a_bug(workshop):
    """Every seed passes, though hundreds of faults happen."""
    runs = [run_trial(workshop, seed) for seed in SEEDS]
    assert {run.seed: [*map(str, run.violations)] for run in runs if run.violations} == {}
    assert sum(len(run.fired) for run in runs) > 1000


@pytest.mark.parametrize("policy", ["random", "pct", "fifo"])
def test_without_a_bug_under_everything(workshop, policy):
    """No fault of any kind, in whatever order steps are made, lets an invariant fail that the product keeps."""
    subject = replace(workshop, plan=Plan.model_validate(EVERYTHING))
    runs = [run_trial(subject, seed, policy=policy) for seed in range(20)]
    found = [(run.seed, str(one)) for run in runs for one in run.violations if one.invariant != "root"]
    assert found == []
    assert len({fired.kind for run in runs for fired in run.fired}) > 20


@pytest.mark.parametrize(("plant", "invariant"), BUGS, ids=[plant.__name__ for plant, _ in BUGS])
def test_with_a_bug(workshop, monkeypatch, plant, invariant):
    """Some seed fails, the right invariant says so, and the same seed fails again, step for step."""
    plant(monkeypatch)
    found = next((run for seed in SEEDS if (run := run_trial(workshop, seed)).violations), None)
    assert found is not None
    again = run_trial(workshop, found.seed)
    assert invariant in {violation.invariant for violation in found.violations}
    assert (again.trace, again.violations) == (found.trace, found.violations)
