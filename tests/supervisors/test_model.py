"""A living supervisor against a model of SUPERVISION.md, step by step, whatever is done to it.

The model knows nothing of actors, tasks or mailboxes: it is the contract as plain Python. After each step, both
must agree on the children, their order, states and incarnations, on who started and ended in which order and
why, on what each call answered, and on every message: handled, waiting, or dead.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict, deque
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from treeward.chaos.testing.bench import Bench
from treeward.chaos.testing.seeds import Run
from treeward.runtime.actor import Factory
from treeward.runtime.errors import ActorStopped
from treeward.runtime.exits import Exit, Shutdown
from treeward.runtime.steps import Declined
from treeward.supervisors.dynamic import DynamicSpec, DynamicSupervisor
from treeward.supervisors.errors import SupervisionError
from treeward.supervisors.spec import Backoff, ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor

STRATEGIES = ["one_for_one", "rest_for_one", "one_for_all"]
IDS = "abcde"
RESTARTS = st.sampled_from(["permanent", "permanent", "transient", "temporary"])
OUTCOMES = st.lists(st.sampled_from(["ok", "fail", "fail", "decline"]), max_size=4)
REASONS = {"normal": Exit.NORMAL, "shutdown": Exit.SHUTDOWN, "detail": Shutdown(1), "crash": None, "kill": None}
TICK = 0.0137  # seconds between two steps: no two deaths are at the same time, and so no two tries are


# --- the model --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spec:
    """A child as the model is told of it; a supervisor has `options`."""

    id: str
    restart: str = "permanent"
    shutdown: object = 0
    significant: bool = False
    version: int = 0
    options: Options | None = None


@dataclass(frozen=True)
class Options:
    """A supervisor as the model is told of it."""

    strategy: str = "one_for_one"
    restarts: int = 3
    within: float = 5.0
    backoff: Backoff | None = None
    auto_shutdown: str = "never"
    specs: tuple[Spec, ...] = ()
    max_children: int | None = None


@dataclass(eq=False)
class Kid:
    """A child, as it is."""

    spec: Spec
    path: str
    state: str = "stopped"
    alive: bool = False
    held: bool = False
    since: float = 0.0
    ran: float = 0.0
    row: int = 0
    retry: tuple[float, bool] | None = None
    ticket: int = 0
    below: Model | None = None


@dataclass
class World:
    """What outlives supervisors: addresses with what waits there; and what can be seen from outside."""

    now: float = 0.0
    boxes: dict[str, list] = field(default_factory=dict)
    open: dict[str, bool] = field(default_factory=dict)
    lives: dict[str, int] = field(default_factory=dict)
    script: dict[str, deque] = field(default_factory=lambda: defaultdict(deque))
    trace: list[str] = field(default_factory=list)
    reasons: dict[str, object] = field(default_factory=dict)
    got: list = field(default_factory=list)
    dead: list = field(default_factory=list)
    woken: set[str] = field(default_factory=set)
    """Who has started since the last look: if it has ended again, it may have handled some of what waited."""

    def started(self, path):
        self.woken.add(path)
        self.trace.append(f"+{self.name(path)}")

    def ended(self, path, reason):
        self.trace.append(f"-{self.name(path)}")
        self.reasons[self.name(path)] = reason

    def name(self, path):
        return f"{path.rpartition('/')[2]}{self.lives[path]}"

    def at_and_below(self, path):
        return [other for other in self.boxes if other == path or other.startswith(f"{path}/")]

    def rest(self, path):
        for other in self.at_and_below(path):
            self.open[other] = False

    def handle(self, path):
        """Lets the actor that runs there handle what waits."""
        self.got += [(path, message) for message in self.boxes[path]]
        self.boxes[path].clear()

    def learn(self, handled):
        """Takes over what those that have started and ended since the last look did handle."""
        for path in self.woken & self.boxes.keys():
            while self.boxes[path] and self.boxes[path][0] in handled:
                self.got.append((path, self.boxes[path].pop(0)))
        late = [letter for letter in self.dead if letter[0] in self.woken and letter[1] in handled]
        self.got += late
        self.dead = [letter for letter in self.dead if letter not in late]
        self.woken.clear()

    def close(self, path):
        for other in self.at_and_below(path):
            self.dead += [(other, message) for message in self.boxes.pop(other)]
            del self.open[other], self.lives[other]


class GaveUp(Exception):
    """The supervisor ends with `shutdown`, in the middle of whatever it does."""


class Model:
    """One incarnation of a supervisor, by the sections of the contract."""

    def __init__(self, world, path, options):
        self.world, self.path, self.options = world, path, options
        self.kids = []
        self.events = []
        self.mail = deque()  # what waits: ("down", kid, life, reason), ("try", kid, ticket, counted)

    # 4: start.

    def begin(self):
        for spec in self.options.specs:
            if self.start(self.add(spec)) == "fail":
                self.stop_children()
                return "fail"
        mine = {kid.path for kid in self.kids}
        for path in [p for p in self.world.boxes if p.rpartition("/")[0] == self.path and p not in mine]:
            self.world.close(path)
        return "ok"

    def add(self, spec):
        kid = Kid(spec, f"{self.path}/{spec.id}")
        self.world.boxes.setdefault(kid.path, [])
        self.world.lives.setdefault(kid.path, 0)
        self.kids.append(kid)
        return kid

    def start(self, kid):
        """Starts a child; one that declines is settled."""
        world = self.world
        world.lives[kid.path] += 1
        world.open[kid.path] = True
        kid.ticket, kid.retry, kid.held = kid.ticket + 1, None, False
        if kid.spec.options is not None:
            kid.below = Model(world, kid.path, kid.spec.options)
            outcome = kid.below.begin()
        else:
            script = world.script[base(kid.spec.id)]
            outcome = script.popleft() if script else "ok"
        if outcome == "ok":
            kid.state, kid.alive, kid.since = "running", True, world.now
            world.started(kid.path)
        else:
            kid.state = "stopped"
            world.ended(kid.path, "failed" if outcome == "fail" else Exit.NORMAL)
            if outcome == "decline":
                self.settle(kid)
        return outcome

    # 5: terminate.

    def terminate(self, kid):
        kid.ticket, kid.retry = kid.ticket + 1, None
        if kid.state == "running":
            kid.ran = self.world.now - kid.since
        if kid.alive:
            if kid.below is not None:
                kid.below.stop_children()
            killed = kid.held or kid.spec.shutdown == "brutal_kill"
            self.world.ended(kid.path, Exit.KILLED if killed else Exit.SHUTDOWN)
        kid.state, kid.alive = "stopped", False

    def stop_children(self):
        for kid in reversed(self.kids):
            self.terminate(kid)

    def settle(self, kid):
        """A child that does not run and will not be started: its spec is kept, unless it is temporary."""
        if kid.spec.restart == "temporary":
            self.drop(kid)
        else:
            self.world.rest(kid.path)

    def drop(self, kid):
        self.kids.remove(kid)
        self.world.close(kid.path)

    # 6 and 7: deaths.

    def serve(self):
        """Serves what waits; returns False if the supervisor gave up, or shut itself down."""
        try:
            while self.mail:
                what, kid, number, detail = self.mail.popleft()
                if what == "down":
                    self.down(kid, number, detail)
                elif kid in self.kids and kid.state == "restarting" and kid.ticket == number:
                    self.try_again(kid, detail)
        except GaveUp:
            self.stop_children()
            return False
        return True

    def down(self, kid, life, reason):
        if kid not in self.kids or kid.state != "running" or self.world.lives[kid.path] != life:
            return
        kid.ran = self.world.now - kid.since
        orderly = reason in (Exit.NORMAL, Exit.SHUTDOWN, Shutdown(1))
        if kid.spec.restart == "permanent" or (kid.spec.restart == "transient" and not orderly):
            self.count()
            wait = self.begin_restarting(kid)
            self.take_down(kid)
            if wait is None:
                self.start_group(kid)
            else:
                self.retry_later(kid, wait, counted=True)
        else:
            kid.state = "stopped"
            self.settle(kid)
            self.auto_shutdown(kid)

    def try_again(self, kid, counted):
        if not counted:
            self.count()
            self.take_down(kid)
        self.start_group(kid)

    def group(self, kid):
        if self.options.strategy == "one_for_one":
            return [kid]
        return list(self.kids[self.kids.index(kid) :] if self.options.strategy == "rest_for_one" else self.kids)

    def take_down(self, kid):
        for sibling in reversed(self.group(kid)):
            if sibling is not kid:
                self.terminate(sibling)
                if sibling.spec.restart == "temporary":
                    self.drop(sibling)

    def start_group(self, kid):
        for member in self.group(kid):
            if member.state != "running" and self.start(member) == "fail":
                if kid.state == "restarting":
                    kid.state = "stopped"
                self.retry(member)
                return

    def retry(self, kid):
        wait = self.begin_restarting(kid)
        if wait is None:
            kid.ticket += 1
            self.mail.append(("try", kid, kid.ticket, False))
        else:
            self.retry_later(kid, wait, counted=False)

    def begin_restarting(self, kid):
        kid.state = "restarting"
        backoff = self.options.backoff
        if backoff is None:
            return None
        kid.row = 0 if kid.ran >= backoff.reset_after else kid.row
        kid.ran = 0.0
        kid.row += 1
        return min(backoff.max, backoff.initial * backoff.factor ** (kid.row - 1))

    def retry_later(self, kid, wait, *, counted):
        kid.ticket += 1
        kid.retry = (self.world.now + wait, counted)

    # 8: intensity.

    def count(self):
        self.events.append(self.world.now)
        # What is older is forgotten for good, as in OTP: a later reload with a longer time does not bring it back.
        self.events = [when for when in self.events if self.world.now - when <= self.options.within]
        if len(self.events) > self.options.restarts:
            raise GaveUp

    # 9: significant children.

    def auto_shutdown(self, kid):
        others = any(k.spec.significant and k.state in ("running", "restarting") for k in self.kids)
        when = self.options.auto_shutdown
        if kid.spec.significant and (when == "any_significant" or (when == "all_significant" and not others)):
            raise GaveUp

    # 10: calls. Each returns what it answers, or the name of its error.

    def find(self, child_id):
        return next((kid for kid in self.kids if kid.spec.id == child_id), None)

    def start_child(self, spec):
        kid = self.find(spec.id)
        if kid is not None:
            return "AlreadyStarted" if kid.state == "running" else "AlreadyPresent"
        kid = self.add(spec)
        outcome = self.start(kid)
        if outcome == "fail":
            self.drop(kid)
            return "FailedToStart"
        return None if outcome == "decline" and spec.restart == "temporary" else kid.path

    def terminate_child(self, child_id):
        kid = self.find(child_id)
        if kid is None:
            return "NotFound"
        awaited = self.awaited()
        self.terminate(kid)
        self.settle(kid)
        for sibling in awaited - self.awaited():
            if sibling.state == "stopped" and sibling in self.kids:
                self.world.rest(sibling.path)
        return None

    def restart_child(self, child_id):
        kid = self.find(child_id)
        if (refused := self.refused(kid)) is not None:
            return refused
        if self.start(kid) == "fail":
            self.world.rest(kid.path)
            return "FailedToStart"
        return kid.path

    def delete_child(self, child_id):
        kid = self.find(child_id)
        if (refused := self.refused(kid)) is not None:
            return refused
        return self.drop(kid)

    def refused(self, kid):
        if kid is None:
            return "NotFound"
        return {"running": "AlreadyRunning", "restarting": "Restarting"}.get(kid.state)

    def awaited(self):
        """The children that a pending try will start."""
        return {member for kid in self.kids if kid.state == "restarting" for member in self.group(kid)}

    # 11: reload.

    def reload(self, options):
        awaited = self.awaited()
        self.options = options
        for kid in reversed(list(self.kids)):
            if kid.spec.id not in {spec.id for spec in options.specs}:
                self.terminate(kid)
                self.drop(kid)
        for spec in options.specs:
            kid = self.find(spec.id)
            if kid is None:
                self.start_or_retry(self.add(spec))
            elif kid.state == "running" and kid.spec.version != spec.version:
                self.terminate(kid)
                kid.spec = spec
                self.start_or_retry(kid)
            else:
                kid.spec = spec
        order = [spec.id for spec in options.specs]
        self.kids.sort(key=lambda kid: order.index(kid.spec.id))
        for kid in list(self.kids):
            if kid in awaited - self.awaited() and kid.state == "stopped":
                self.start_or_retry(kid)

    def start_or_retry(self, kid):
        if self.start(kid) == "fail":
            if kid.spec.restart == "temporary":
                self.drop(kid)
            else:
                self.retry(kid)


class Loose(Model):
    """A dynamic supervisor: no order, no stopped children, numbered ids."""

    number = 0

    def stop_children(self):
        super().stop_children()
        for kid in list(self.kids):
            self.drop(kid)

    def settle(self, kid):
        self.drop(kid)

    def group(self, kid):
        return [kid]

    def start_child(self, spec):
        if self.options.max_children is not None and len(self.kids) >= self.options.max_children:
            return "MaxChildren"
        self.number += 1
        answer = super().start_child(replace(spec, id=f"{spec.id}-{self.number}"))
        return answer if answer == "FailedToStart" or self.find(f"{spec.id}-{self.number}") else None

    def terminate_child(self, path):
        kid = next((kid for kid in self.kids if kid.path == path), None)
        if kid is not None:
            self.terminate(kid)
            self.drop(kid)

    def restart_child(self, child_id):
        return "Unsupported"

    delete_child = restart_child


def base(child_id):
    """The name that a child of a dynamic supervisor was started under."""
    return child_id.partition("-")[0]


class Tree:
    """A supervisor `top` and all below it: what happens to any of them, until nothing more comes of it."""

    def __init__(self, options, model=Model):
        self.world = World()
        self.world.boxes["top"], self.world.open["top"], self.world.lives["top"] = [], True, 1
        self.top = model(self.world, "top", options)
        self.over = False
        started = self.top.begin() == "ok"
        if started:
            self.world.started("top")
        self.go(started)

    def go(self, alive=True):
        """Lets every supervisor serve what waits, the lowest first; what ends is its parent's news."""
        if alive and not self.over:
            while (model := next((m for m in self.models() if m.mail), None)) is not None:
                if not model.serve():
                    self.model_ended(model, Exit.SHUTDOWN)
            for path in self.workers(held=False):
                self.world.handle(path)
        elif not self.over:
            self.finish("failed")

    def models(self):
        """The living supervisors, the lowest first."""
        found, left = [], [] if self.over else [self.top]
        while left:
            model = left.pop()
            found.append(model)
            left += [kid.below for kid in model.kids if kid.below is not None and kid.alive]
        return list(reversed(found))

    def model_ended(self, model, reason):
        if model is self.top:
            self.finish(reason)
            return
        parent, kid = self.kid(model.path)
        self.died(parent, kid, reason)

    def finish(self, reason):
        self.over = True
        self.world.ended("top", reason)
        self.world.close("top")

    def kid(self, path):
        """Returns the supervisor of the child at a path, and the child."""
        for model in self.models():
            for kid in model.kids:
                if kid.path == path:
                    return model, kid
        raise LookupError(path)

    def died(self, model, kid, reason):
        kid.alive, kid.held = False, False
        self.world.ended(kid.path, reason)
        model.mail.append(("down", kid, self.world.lives[kid.path], reason))

    def end(self, path, reason):
        model, kid = self.kid(path)
        if kid.below is not None:
            self.kill_below(kid.below)
        self.died(model, kid, reason)

    def kill_below(self, model):
        for kid in model.kids:
            if kid.alive:
                if kid.below is not None:
                    self.kill_below(kid.below)
                kid.alive = False
                self.world.ended(kid.path, Exit.KILLED)

    def advance(self, to):
        """Lets time pass, with all tries that fall due."""
        while True:
            due = [(kid.retry[0], model, kid) for model in self.models() for kid in model.kids if kid.retry]
            due = [entry for entry in due if entry[0] <= to]
            if not due:
                break
            self.world.now, model, kid = min(due, key=lambda entry: entry[0])
            (_, counted), kid.retry = kid.retry, None
            model.mail.append(("try", kid, kid.ticket, counted))
            self.go()
        self.world.now = to

    def kids(self):
        return [(model, kid) for model in reversed(self.models()) for kid in model.kids]

    def workers(self, *, held):
        """The paths of the workers that run, and are held by a message or not."""
        kids = [kid for _, kid in self.kids() if kid.alive and kid.below is None]
        return [kid.path for kid in kids if kid.held is held]


# --- the real one -----------------------------------------------------------------------------------


class Real:
    """The same tree as living actors, in a simulation."""

    def __init__(self, lab, options):
        self.lab = lab
        self.bench = Bench(Run(policy="fifo"))
        self.held = {}
        self.running = lab.system()
        try:
            self.system = self.run(self.running.__aenter__())
            self.rig = self.run(self._launch(options))
        except BaseException:
            self.bench.close()  # there can be one at a time
            raise

    def run(self, coroutine):
        return self.bench.run(coroutine)

    async def _launch(self, options):
        kind = Supervisor if options.strategy else DynamicSupervisor
        rig = self.lab.rig(self.system, self.spec(options), kind)
        await self.lab.quiet()
        return rig

    def spec(self, options):
        if not options.strategy:
            limit = Intensity(options.restarts, options.within)
            return DynamicSpec(intensity=limit, backoff=options.backoff, max_children=options.max_children)
        return SupervisorSpec(
            children=[self.child(spec) for spec in options.specs],
            strategy=options.strategy,
            intensity=Intensity(options.restarts, options.within),
            backoff=options.backoff,
            auto_shutdown=options.auto_shutdown,
        )

    def child(self, spec):
        given = {"id": spec.id, "restart": spec.restart, "significant": spec.significant}
        if spec.options is not None:
            start = Factory(Supervisor, (self.spec(spec.options),), None, {"version": spec.version})
            return ChildSpec(**given, start=start, type="supervisor")
        worker = self.lab.spec(spec.id).factory
        start = Factory(worker.cls, worker.args, None, {"version": spec.version})
        return ChildSpec(**given, start=start, shutdown=spec.shutdown)

    def call(self, path, name, *args):
        """Makes a call on a supervisor; returns what it answers, or the name of its error."""
        return self.run(self._call(path, name, args))

    async def _call(self, path, name, args):
        handle = type(self.rig)(self.lab, self.system, self.system.ref(path))
        try:
            answer = await getattr(handle, name)(*args)
        except SupervisionError as error:
            answer = type(error).__name__
        await self.lab.quiet()
        return getattr(answer, "path", answer)

    def tell(self, path, message):
        self.run(self._tell(path, message))

    async def _tell(self, path, message):
        self.system.ref(path).tell(message)
        await self.lab.quiet()

    def quiet(self):
        self.run(self.lab.quiet())

    async def _at(self, when):
        await self.lab.at(when)
        await self.lab.quiet()

    def states(self, path):
        """Returns the children of a supervisor as (path, state), oldest first."""
        infos = self.call(path, "which_children")
        return [(info.ref.path, info.state) for info in reversed(infos)]

    def close(self):
        with self.bench:
            self.run(self.running.__aexit__(None, None, None))
            self.quiet()
            assert asyncio.all_tasks(self.bench.loop) == set()
            assert self.system.cells == {}
            assert self.bench.loop.unhandled == []


# --- the machine ------------------------------------------------------------------------------------


class Machine(RuleBasedStateMachine):
    """Does the same to both, and compares them."""

    strategy = "one_for_one"
    lab_class = None
    model_class = Model
    real = None

    def begin(self, options):
        self.options = options
        self.lab = self.lab_class()
        self.numbers = itertools.count()
        self.asked = []
        self.tree = Tree(options, self.model_class)
        self.real = Real(self.lab, options)
        self.check()

    def teardown(self):
        if self.real is not None:
            for held in self.real.held.values():
                held.let_go()
            self.real.close()

    @precondition(lambda self: self.real is not None and self.tree.over)
    @rule()
    def another_one_is_started(self):
        """A machine that has nothing left to do begins again."""
        self.teardown()
        self.begin(self.options)

    def alive(self):
        return self.real is not None and not self.tree.over

    def pick(self, data, paths):
        return data.draw(st.sampled_from(sorted(paths)), label="path")

    def plan(self, child_id, outcomes):
        """Says how the next starts of a child go."""
        self.tree.world.script[child_id] = deque(outcomes)
        plans = {"ok": None, "fail": self.lab.Boom("fail"), "decline": Declined()}
        self.lab.starts[child_id] = deque(plans[outcome] for outcome in outcomes)

    def step(self, *, unordered=False):
        """Lets come what comes, and compares; then a moment passes."""
        self.tree.go()
        self.check(unordered=unordered)
        self.pass_time(TICK)

    def pass_time(self, seconds):
        to = self.tree.world.now + seconds
        self.tree.advance(to)
        self.real.run(self.real._at(to))
        self.check()

    # Checks.

    def check(self, *, unordered=False):
        world, lab = self.tree.world, self.lab
        assert self.real.system.cells.keys() == world.boxes.keys()
        as_it_came = sorted if unordered or self.model_class is Loose else list  # Loose ends all at once
        assert as_it_came(lab.trace) == as_it_came(world.trace)
        assert {name: reason_of(lab.reasons[name]) for name in world.reasons} == {
            name: reason_of(reason) for name, reason in world.reasons.items()
        }
        self.check_messages()
        self.check_addresses()
        for model in self.tree.models():
            expected = [(kid.path, kid.state) for kid in model.kids]
            assert self.real.states(model.path) == expected
            self.check_counts(model)
        self.check_replies()
        lab.trace.clear()
        world.trace.clear()
        world.reasons.clear()

    def check_messages(self):
        """Each is handled once, those of each child in their order; what is not waits, or is a dead letter."""
        handled = [message for _, _, message in self.lab.got]
        self.tree.world.learn(set(handled))
        got = self.tree.world.got
        assert sorted(handled) == sorted(message for _, message in got)
        for path in {path for path, _ in got}:
            name = base(path.rpartition("/")[2])
            mine = [message for child, _, message in self.lab.got if child == name]
            assert mine == [message for other, message in got if other == path]

    def check_addresses(self):
        world = self.tree.world
        for path, cell in self.real.system.cells.items():
            assert (path, cell.incarnation) == (path, world.lives[path])
            assert (path, cell.open) == (path, world.open[path])
            waiting = [message for message, _ in cell.mailbox.messages or ()]
            assert (path, waiting) == (path, world.boxes[path])
        alive = {path for path, cell in self.real.system.cells.items() if cell.alive} - {"top"}
        assert alive == {kid.path for _, kid in self.tree.kids() if kid.alive}
        letters = [(letter.recipient, letter.message) for letter in self.real.system.dead_letters]
        assert sorted(letters, key=str) == sorted(world.dead, key=str)

    def check_counts(self, model):
        counts = self.real.call(model.path, "count_children")
        supervisors = sum(kid.spec.options is not None for kid in model.kids)
        active = sum(kid.state == "running" for kid in model.kids)
        seen = (counts.specs, counts.active, counts.supervisors, counts.workers)
        assert seen == (len(model.kids), active, supervisors, len(model.kids) - supervisors)

    def check_replies(self):
        """Who asked has a reply, an error if the message is dead, or waits with it."""
        world = self.tree.world
        handled = {message for _, message in world.got}
        dead = {message for _, message in world.dead}
        for message, reply in self.asked:
            assert reply.done() is (message in handled or message in dead)
            if reply.done():
                assert isinstance(reply.exception(), ActorStopped) is (message in dead)

    # What happens to children.

    @precondition(alive)
    @rule(data=st.data(), how=st.sampled_from(sorted(REASONS)), outcomes=OUTCOMES)
    def a_child_ends(self, data, how, outcomes):
        kids = [kid for _, kid in self.tree.kids() if kid.alive and not kid.held]
        kids = kids if how == "kill" else [kid for kid in kids if kid.below is None]
        if not kids:
            return
        path = self.pick(data, [kid.path for kid in kids])
        kid = next(kid for kid in kids if kid.path == path)
        if kid.below is None:
            self.plan(base(kid.spec.id), outcomes)
        reason = {"crash": self.lab.Boom(), "kill": Exit.KILLED}.get(how, REASONS[how])
        self.tree.end(path, reason)
        if how == "kill":
            self.real.system.ref(path)._cell.kill()
            self.real.quiet()
        else:
            self.real.tell(path, reason if how == "crash" else ("stop", reason))
        self.step(unordered=kid.below is not None)

    @precondition(lambda self: self.alive() and self.tree.top.options.backoff is None)
    @rule(data=st.data())
    def several_crash_at_once(self, data):
        kids = [k for k in self.tree.top.kids if k.alive and not k.held and k.below is None]
        if len(kids) < 2:
            return
        for path in data.draw(st.permutations([kid.path for kid in kids]), label="in this order")[:3]:
            self.tree.end(path, error := self.lab.Boom())
            self.real.system.ref(path).tell(error)
        self.real.quiet()
        self.step()

    @precondition(alive)
    @rule(data=st.data())
    def a_child_is_held_by_a_message(self, data):
        if paths := self.tree.workers(held=False):
            path = self.pick(data, paths)
            self.tree.kid(path)[1].held = True
            self.real.held[path] = self.lab.hold("nobody")
            self.real.tell(path, ("wait", self.real.held[path]))
            self.step()

    @precondition(alive)
    @rule(data=st.data(), crash=st.booleans(), outcomes=OUTCOMES)
    def a_held_child_goes_on(self, data, crash, outcomes):
        if paths := self.tree.workers(held=True):
            path = self.pick(data, paths)
            model, kid = self.tree.kid(path)
            kid.held = False
            if crash:
                self.plan(base(kid.spec.id), outcomes)
                error = self.real.held[path].error = self.lab.Boom()
                self.tree.died(model, kid, error)
            self.real.held.pop(path).let_go()
            self.real.quiet()
            self.step()

    @precondition(alive)
    @rule(data=st.data(), ask=st.booleans())
    def a_message_is_sent(self, data, ask):
        workers = [kid.path for _, kid in self.tree.kids() if kid.spec.options is None]
        if not workers:
            return
        path = self.pick(data, workers)
        message = next(self.numbers)
        world = self.tree.world
        if not world.open[path]:
            with pytest.raises(ActorStopped):
                self.real.tell(path, message)
            return
        world.boxes[path].append(message)
        if ask:
            self.asked.append((message, self.real.run(self._ask(path, message))))
        else:
            self.real.tell(path, message)
        self.step()

    async def _ask(self, path, message):
        reply = self.real.system.ref(path).ask(message, block=False)
        await self.lab.quiet()
        return reply

    @precondition(alive)
    @rule(seconds=st.sampled_from([0.5, 1.0, 2.0, 5.0, 17.0, 200.0]))
    def time_passes(self, seconds):
        self.pass_time(seconds)

    @precondition(alive)
    @rule(how=st.sampled_from(["stop", "kill"]), often=st.integers(0, 9))
    def the_supervisor_ends(self, how, often):
        if often:
            return
        if how == "stop":
            self.tree.top.stop_children()
            self.tree.finish(Exit.NORMAL)
            self.real.call("top", "stop")
        else:
            self.tree.kill_below(self.tree.top)
            self.tree.finish(Exit.KILLED)
            self.real.rig.ref._cell.kill()
            self.real.quiet()
        self.check(unordered=how == "kill")

    # Calls.

    def supervisors(self):
        return [model.path for model in self.tree.models()]

    def model(self, path):
        return next(model for model in self.tree.models() if model.path == path)

    def compare(self, path, name, *args, told=None):
        expected = getattr(self.model(path), name)(*args)
        answer = self.real.call(path, name, *([told] if told is not None else args))
        assert answer == expected
        self.step()

    @precondition(alive)
    @rule(
        data=st.data(),
        child=st.sampled_from(IDS),
        restart=RESTARTS,
        shutdown=st.sampled_from([0, "brutal_kill"]),
        marked=st.booleans(),
        outcomes=OUTCOMES,
    )
    def start_child(self, data, child, restart, shutdown, marked, outcomes):
        path = self.pick(data, self.supervisors())
        may_be_marked = restart != "permanent" and self.model(path).options.auto_shutdown != "never"
        # Names say where a child belongs: the traces know no paths.
        spec = Spec(f"{path[-1]}{child}", restart, shutdown, marked and may_be_marked)
        self.plan(spec.id, outcomes)
        self.compare(path, "start_child", spec, told=self.real.child(spec))

    def any_child(self, data, path):
        return data.draw(st.sampled_from([*(kid.spec.id for kid in self.model(path).kids), "x"]), label="child")

    @precondition(alive)
    @rule(data=st.data())
    def terminate_child(self, data):
        path = self.pick(data, self.supervisors())
        self.compare(path, "terminate_child", self.any_child(data, path))

    @precondition(alive)
    @rule(data=st.data(), outcomes=OUTCOMES)
    def restart_child(self, data, outcomes):
        path = self.pick(data, self.supervisors())
        child = self.any_child(data, path)
        self.plan(child, outcomes)
        self.compare(path, "restart_child", child)

    @precondition(alive)
    @rule(data=st.data())
    def delete_child(self, data):
        path = self.pick(data, self.supervisors())
        self.compare(path, "delete_child", self.any_child(data, path))


def reason_of(reason):
    """Makes reasons comparable: what a failed start died of is not compared."""
    return "failed" if reason == "failed" or isinstance(reason, BaseException) else reason


BACKOFF = Backoff(initial=1, factor=2, max=10, jitter="none", reset_after=30)
LIMITS = st.tuples(st.integers(0, 5), st.sampled_from([1.0, 5.0, 60.0]))


def specs(ids, restarts, shutdowns, auto_shutdown):
    marked = auto_shutdown != "never"
    return tuple(
        Spec(child, restart, shutdown, marked and restart != "permanent")
        for child, restart, shutdown in zip(ids, restarts, shutdowns, strict=False)
    )


class Flat(Machine):
    """One supervisor and its workers; its spec is reloaded now and then."""

    @initialize(
        limit=LIMITS,
        backoff=st.sampled_from([None, BACKOFF]),
        auto=st.sampled_from(["never", "never", "any_significant", "all_significant"]),
        restarts=st.lists(RESTARTS, max_size=4),
        shutdowns=st.lists(st.sampled_from([0, "brutal_kill"]), min_size=4, max_size=4),
    )
    def make(self, limit, backoff, auto, restarts, shutdowns):
        children = specs(["pa", "pb", "pc", "pd"], restarts, shutdowns, auto)
        self.begin(Options(self.strategy, *limit, backoff, auto, children))

    @precondition(Machine.alive)
    @rule(
        data=st.data(),
        limit=LIMITS,
        backoff=st.sampled_from([None, BACKOFF]),
        strategy=st.sampled_from(STRATEGIES),
        changed=st.integers(0, 15),
        outcomes=OUTCOMES,
    )
    def reload(self, data, limit, backoff, strategy, changed, outcomes):
        if self.tree.top.options.backoff is not None and backoff is None:
            return  # what waits for its delay goes on waiting: `several_crash_at_once` would see equal times
        old = {kid.spec.id: kid.spec for kid in self.tree.top.kids}
        ids = data.draw(st.permutations(["pa", "pb", "pc", "pd", "pe"]), label="ids")[: 1 + changed % 5]
        new = [replace(old.get(child, Spec(child)), significant=False) for child in ids]
        new = [replace(spec, version=spec.version + (changed >> number) % 2) for number, spec in enumerate(new)]
        for child in ids:  # one alone may fail: no two tries are at the same time
            self.plan(child, outcomes if child == ids[0] else [])
        options = Options(strategy, *limit, backoff, "never", tuple(new))
        self.compare("top", "reload", options, told=self.real.spec(options))


class Nested(Machine):
    """Supervisors below a supervisor: escalation, and groups of supervisors."""

    @initialize(
        limits=st.tuples(LIMITS, LIMITS, LIMITS),
        backoffs=st.tuples(*[st.sampled_from([None, None, BACKOFF])] * 3),
        below=st.tuples(st.sampled_from(STRATEGIES), st.sampled_from(STRATEGIES)),
        restarts=st.lists(RESTARTS, min_size=7, max_size=7),
    )
    def make(self, limits, backoffs, below, restarts):
        top, *inner = [Options("one_for_one", *limit, backoff) for limit, backoff in zip(limits, backoffs, strict=True)]
        inner = [
            replace(options, strategy=strategy, specs=specs([f"{n}a", f"{n}b"], restarts, [0, "brutal_kill"], "never"))
            for n, options, strategy in zip("qr", inner, below, strict=True)
        ]
        children = (
            Spec("pa", restarts[2]),
            Spec("q", restarts[3], options=inner[0]),
            Spec("r", restarts[4], options=inner[1]),
            Spec("pb", restarts[5]),
        )
        self.begin(replace(top, strategy=self.strategy, specs=children))


class Dynamic(Machine):
    """A dynamic supervisor, whose children are named by refs."""

    model_class = Loose

    @initialize(limit=LIMITS, backoff=st.sampled_from([None, BACKOFF]), most=st.sampled_from([None, 0, 3]))
    def make(self, limit, backoff, most):
        self.refs = []
        self.begin(Options("", *limit, backoff, max_children=most))

    @precondition(Machine.alive)
    @rule(
        restart=RESTARTS,
        shutdown=st.sampled_from([0, "brutal_kill"]),
        marked=st.just(False),
        outcomes=OUTCOMES,
    )
    def start_child(self, restart, shutdown, marked, outcomes):
        spec = Spec(f"w{next(self.numbers)}", restart, shutdown)
        self.plan(spec.id, outcomes)
        expected = self.tree.top.start_child(spec)
        answer = self.real.call("top", "start_child", self.real.child(spec))
        assert answer == expected
        if (ref := self.real.system.ref(str(answer))) is not None:
            self.refs.append(ref)
        self.step()

    @precondition(Machine.alive)
    @rule(data=st.data())
    def terminate_child(self, data):
        if self.refs:
            ref = data.draw(st.sampled_from(self.refs), label="one that lives, or is gone")
            if ref._cell.system is self.real.system:
                self.tree.top.terminate_child(ref.path)
                assert self.real.call("top", "terminate_child", ref) is None
            else:
                assert self.real.call("top", "terminate_child", ref) == "NotFound"
            self.step()


def run(machine, **given):
    """Runs a machine's examples; what it needs of the fixtures, it has as class attributes."""
    made = type(machine.__name__, (machine,), given)
    run_state_machine_as_test(made, settings=settings(max_examples=40, stateful_step_count=40))


@pytest.mark.timeout(300)
def test_a_dynamic_supervisor_does_what_the_contract_says(new_lab):
    """Whatever happens to it and to its children, in whatever order, it agrees with the model at every step."""
    run(Dynamic, lab_class=new_lab)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("machine", [Flat, Nested])
@pytest.mark.timeout(300)
def test_a_supervisor_does_what_the_contract_says(machine, strategy, new_lab):
    """Whatever happens to it and to its children, in whatever order, it agrees with the model at every step."""
    run(machine, strategy=strategy, lab_class=new_lab)
