"""What is promised for every task, whatever goes wrong at the same time.

A world is a team of agents with random rules, and tasks for them with random plans: what their handlers do in each
attempt, who is killed meanwhile, who is stopped, whose rules are replaced. Afterwards the books have to be right.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from itertools import count

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from treeward.agents.agent import Agent, NeedsHuman
from treeward.agents.delivery import deliver
from treeward.agents.desk import Desk
from treeward.agents.errors import ToolRefused
from treeward.runtime.errors import ActorError, TreewardError
from treeward.runtime.exits import Exit
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.reply import Reply
from treeward.runtime.task import Outcome, Task, Usage
from treeward.runtime.usage import Limits
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.budgets.budget import Budget
from treeward.supervisors.events import TaskStateChanged
from treeward.supervisors.handle import SupervisorHandle
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.spec import ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.work.ladder import Escalate, Fallback, Restart, Retry, Revise, Skip
from treeward.supervisors.work.policy import Work
from treeward.supervisors.work_errors import ModelRetry

NAMES = ("a", "b", "c")
CENT = Usage(cost=0.01)
LAST_LOOK = 0.045
"""Seconds behind a deadline in which judges, and others who have the task, say their last words."""
LONG = 2000.0
"""Seconds after which nothing can be left to do."""
FINAL = ("completed", "failed", "canceled", "rejected")


# --- what a world is made of ----------------------------------------------------------------------------

WAYS_TO_END = st.one_of(
    st.sampled_from(
        [
            ("good",),
            ("good",),
            ("bad",),
            ("raise", RuntimeError),
            ("raise", ValueError),
            ("raise", SystemExit),
            ("raise", TimeoutError),
            ("raise", ConnectionError),
            ("raise", asyncio.CancelledError),
            ("raise", ToolRefused),
            ("raise", ModelRetry),
            ("failed", "good"),
            ("failed", "bad"),
            ("partial", "bad"),
            ("human", "bad"),
            ("human", None),
            ("hang",),
            ("deaf", 4.0),
            ("stop",),
            ("kill",),
        ]
    )
)
LAST_STEP = {"told": None, "cents": 1, "seconds": 0.0, "end": ("good",)}


def steps(ends=WAYS_TO_END, told=(None, None, "good", "bad"), cents=(0, 0, 1, 1, 3), seconds=(0.0, 0.0, 0.5, 2.0)):
    """What a handler does in one attempt: says what there is, spends, takes its time, and ends."""
    one_of = st.sampled_from
    return st.fixed_dictionaries(
        {"told": one_of(told), "cents": one_of(cents), "seconds": one_of(seconds), "end": ends}
    )


def plans(depth=2, **kinds):
    """One step for each attempt; some end with parts for others, which have plans of their own."""
    each = [steps(**kinds)]
    if depth:
        parts = st.lists(st.tuples(st.sampled_from(NAMES), plans(depth - 1, **kinds)), min_size=1, max_size=2)
        ends = st.tuples(st.just("parts"), parts)
        each.append(
            st.fixed_dictionaries({"told": st.none(), "cents": st.just(0), "seconds": st.just(0.0), "end": ends})
        )
    made = st.lists(st.one_of(*each), min_size=1, max_size=4)
    return st.one_of(made, made.map(lambda plan: [*plan, LAST_STEP]))


def tasks(**kinds):
    """When a task comes, for whom, how it is sent; for `cancel` and `ask in time`, `after` what time nobody waits."""
    return st.fixed_dictionaries(
        {
            "at": st.sampled_from([0.0, 0.0, 0.5, 3.0]),
            "who": st.sampled_from(NAMES),
            "plan": plans(**kinds),
            "deadline": st.sampled_from([100.0, 20.0, 7.0, 3.0, 1.0, 0.0]),
            "how": st.sampled_from(["ask", "ask", "ask", "tell", "cancel", "ask in time"]),
            "after": st.sampled_from([0.0, 0.3, 2.0]),
            "most": st.sampled_from([8, 3, 1]),
            "budget": st.sampled_from([None, None, 2]),
        }
    )


RETRIES = st.builds(Retry, times=st.integers(1, 3), jitter=st.sampled_from(["none", "full"]))
OWN_RUNGS = st.one_of(RETRIES, st.builds(Revise, times=st.integers(1, 2)), st.builds(Restart, times=st.integers(1, 3)))
OWN = st.lists(OWN_RUNGS, max_size=2)
AWAY = st.lists(st.sampled_from([Fallback(("b", "c")), Fallback(("a",)), Fallback(("nobody", "c"))]), max_size=1)
LAST = st.sampled_from([(), (), (Escalate(),), (Escalate(wait=2.0),), (Skip(),), (Skip("sorry"),)])
LADDERS = st.one_of(st.none(), st.builds(lambda *rungs: (*rungs[0], *rungs[1], *rungs[2]), OWN, AWAY, LAST))
BREAKERS = st.one_of(
    st.none(),
    st.builds(
        BreakerSpec,
        failures=st.integers(1, 3),
        cooldown=st.sampled_from([0.5, 3.0]),
        slow=st.sampled_from([None, 1.0]),
    ),
)
TRUE_WORD = Limits(cost=0.04)  # more than any attempt of a plan costs
ONE_BUDGET = st.builds(
    Budget,
    limits=st.sampled_from([Limits(cost=0.05), Limits(cost=0.2)]),
    per=st.sampled_from(["task", "life", "day"]),
    call=st.sampled_from([Limits(), TRUE_WORD]),
    cheaper=st.sampled_from([None, None, "c"]),
)
BUDGETS = st.lists(ONE_BUDGET, max_size=1)
JUDGES = st.lists(
    st.tuples(st.sampled_from(["sound", "sound", "fails", "slow"]), st.sampled_from(["reject", "escalate"])), max_size=2
)


def rules(**changes):
    """What the specs of the children say."""
    fields = {
        "timeout": st.sampled_from([None, None, 4.0]),
        "attempt_timeout": st.sampled_from([None, 1.5]),
        "idle_timeout": st.sampled_from([None, 1.0]),
        "recovery": LADDERS,
        "judges": JUDGES,
        "breaker": BREAKERS,
        "budgets": BUDGETS,
    }
    return st.fixed_dictionaries(dict.fromkeys(NAMES, st.fixed_dictionaries({**fields, **changes})))


BLOWS = st.tuples(
    st.sampled_from([0.0, 0.2, 0.5, 1.0, 2.5]),
    st.sampled_from(
        ["kill", "kill", "kill team", "stop", "terminate", "force open", "force closed", "reload", "delete"]
    ),
    st.sampled_from(NAMES),
)


def worlds(rules=rules(), tasks=tasks(), blows=BLOWS, fewest=1):  # noqa: B008 - strategies are values
    """All of it together."""
    return st.fixed_dictionaries(
        {
            "rules": rules,
            "team": st.fixed_dictionaries({"recovery": LADDERS, "budgets": BUDGETS}),
            "tasks": st.lists(tasks, min_size=fewest, max_size=6),
            "blows": st.lists(blows, max_size=4),
            "desk": st.booleans(),
            "mailbox": st.sampled_from([None, None, "wait", "drop_newest", "drop_oldest", "fail"]),
        }
    )


NO_BUDGETS = st.just([])
SOUND = st.just([("sound", "reject")])
FAILING = st.sampled_from([("good",), ("raise", RuntimeError), ("raise", TimeoutError), ("hang",), ("bad",)])


class Counting(Reply):
    """A reply that counts how often it is settled."""

    times = 0
    at = None

    def resolve(self, value):
        self.times += 1
        self.at = self.get_loop().time()
        super().resolve(value)

    def fail(self, error):
        self.times += 1
        self.at = self.get_loop().time()
        super().fail(error)


class Doer(Agent):
    """Does what the plan of its task says."""

    def __init__(self, world):
        self.world = world

    def on_receive(self, message):
        if isinstance(message, Task):
            self.world.begin(self, message)
        return super().on_receive(message)

    async def handle(self, task):
        return await self.world.do(self, task)


class World:
    """The team, its tasks, and the books about them."""

    def __init__(self, told, plant, nothing_is_left):
        self.told = told
        self.plant = plant
        self.nothing_is_left = nothing_is_left
        self.numbers = count()
        self.begun = []
        self.wrong = []
        self.rejected = []
        self.heard = []
        self.paid = []
        self.asked = []
        self.sent = {}

    # Rules.

    def work(self, name):
        rules = dict(self.told["rules"][name])
        judges = tuple(self.judge(number, *each) for number, each in enumerate(rules.pop("judges")))
        return Work(judges=judges, budgets=tuple(rules.pop("budgets")), **rules)

    def judge(self, number, way, on_error):
        async def looks(output, task):
            if way == "slow":
                await asyncio.sleep(0.2)
            if way == "fails" and len(repr(output)) % 2:
                raise OSError("no connection")
            if "bad" in repr(output):
                self.rejected.append(output)
                return False
            return True

        return FunctionJudge(looks, name=f"{way}-{number}", timeout=1.0, on_judge_error=on_error)

    def slow_judges(self):
        return any(way == "slow" for rules in self.told["rules"].values() for way, _ in rules["judges"])

    # What handlers do.

    async def do(self, agent, task):
        plan = task.input["plan"]
        step = plan[(task.attempt - 1) % len(plan)]
        if step["told"] is not None:
            agent.progress(self.said(step["told"]))
        for _ in range(step["cents"]):
            self.paid.append((task.trace, self.tree.now))
            agent.charge(CENT)
        if step["seconds"]:
            await agent.system.clock.sleep(step["seconds"])
        return await self.end(agent, task, *step["end"])

    def begin(self, agent, task):
        self.begun.append((agent.path, task.id, task.idempotency_key))
        self.heard.append(task)
        breaker = agent._cell.guard.breaker
        state = "closed" if breaker is None else breaker.view(agent.system.clock.monotonic()).state
        if state in ("open", "forced_open"):
            self.wrong.append(f"{agent.path} began with {task.id} while its breaker was {state}")

    def said(self, word):
        return f"{word}-{next(self.numbers)}"

    async def end(self, agent, task, way, what=None):  # noqa: C901 - a table of what a step means
        match way:
            case "good" | "bad":
                return self.said(way)
            case "raise":
                raise what("so it is")
            case "failed" | "partial":
                return Outcome(task.id, way, self.said(what), error="so it is")
            case "human":
                return NeedsHuman("I may not decide this", None if what is None else self.said(what))
            case "hang":
                await asyncio.get_running_loop().create_future()
            case "deaf":
                await deaf(agent.system.clock, what)
            case "stop":
                agent.stop()
            case "kill":
                agent._cell.kill()
            case "parts":
                return await self.delegate(agent, task, what)
        return self.said("good")

    async def delegate(self, agent, task, parts):
        """Has others do parts of it, and makes an output of what they said."""

        async def one(number, who, plan):
            part = task.part(agent.system.entropy.new_id(), f"{number}", {"plan": plan})
            return await deliver(agent.system.ref(f"top/team/{who}") or agent.actor_ref, part)

        outcomes = await asyncio.gather(*(one(number, *each) for number, each in enumerate(parts)))
        self.sent.update({id(outcome): outcome for outcome in outcomes})
        said = [outcome.output for outcome in outcomes]
        return Outcome(
            task.id,
            "ok",
            f"{self.said('made')} of {said}",
            tuple(part for outcome in outcomes for part in outcome.parts),
            sum((outcome.usage for outcome in outcomes), Usage()),
        )

    # What comes from outside.

    async def run(self):
        children = {name: (Doer, self.work(name), {"world": self}) for name in NAMES}
        if self.told["desk"]:
            children["desk"] = (Desk, None)
        team = Work(recovery=self.told["team"]["recovery"], budgets=tuple(self.told["team"]["budgets"]))
        overflow = self.told["mailbox"]
        mailbox = MailboxSpec() if overflow is None else MailboxSpec(1, overflow)
        async with self.plant(children, team=team, mailbox=mailbox) as tree:
            self.tree, self.system = tree, tree.system
            jobs = [self.submit(number, **each) for number, each in enumerate(self.told["tasks"])]
            jobs += [self.strike(*each) for each in self.told["blows"]]
            await asyncio.gather(*jobs)
            await tree.system.clock.sleep(LONG)
            await self.check()

    async def submit(  # noqa: PLR0917 - as the strategies draw them
        self, number, at, who, plan, deadline, how, after, most, budget
    ):
        await self.system.clock.sleep(at)
        ref = self.system.ref(f"top/team/{who}")
        if ref is None:  # deleted
            return
        until = self.tree.now + deadline
        task = Task(
            f"t{number}",
            {"plan": plan},
            deadline=until,
            max_attempts=most,
            budget=None if budget is None else Limits(cost=budget / 100),
        )
        if how == "tell":
            with contextlib.suppress(ActorError):
                ref.tell(task)
                self.asked.append((task, ref, None))
            return
        reply = Counting(loop=self.system.loop)
        if how == "ask in time":
            reply.limit(self.system.clock, after, TimeoutError())
            reply.arm()
        self.asked.append((task, ref, reply))
        ref._cell.accept(task, reply)
        if how == "cancel":
            await self.system.clock.sleep(after)
            reply.cancel()

    async def strike(self, at, what, who):
        await self.system.clock.sleep(at)
        cells, path = self.system.cells, f"top/team/{who}"
        handle = SupervisorHandle(self.system.ref("top/team"))
        with contextlib.suppress(TreewardError, LookupError, AttributeError):
            match what:
                case "kill":
                    cells[path].kill(Exit.KILLED)
                case "kill team":
                    cells["top/team"].kill(Exit.KILLED)
                case "stop":
                    await cells[path].ref.stop()
                case "terminate":
                    await handle.terminate_child(who)
                    await self.system.clock.sleep(0.3)
                    await handle.restart_child(who)
                case "force open" | "force closed":
                    breaker = cells[path].guard.breaker
                    breaker.force(what.removeprefix("force "), self.tree.now)
                    await self.system.clock.sleep(1.0)
                    breaker.force(None, self.tree.now)
                case "delete":
                    await handle.terminate_child(who)
                    await handle.delete_child(who)
                case "reload":
                    await self.reload(handle, who)

    async def reload(self, handle, who):
        """Swaps the rules of two children."""
        other = NAMES[(NAMES.index(who) + 1) % len(NAMES)]
        swapped = {who: other, other: who}
        children = self.system.cells["top/team"].children
        specs = [
            ChildSpec(
                id=name,
                start=cell.factory,
                work=cell.policy if name not in swapped else self.work(swapped[name]),
            )
            for name, cell in children.items()
        ]
        await handle.reload(SupervisorSpec(children=specs, intensity=Intensity(1000, 1.0)))

    # The books.

    async def check(self):
        assert self.wrong == []
        for task, ref, reply in self.asked:
            self.ends_once(task, ref, reply)
            if reply is not None and not reply.cancelled() and reply.exception() is None:
                self.is_sound(task, reply)
        self.attempts_are_bounded()
        self.nothing_rejected_is_delivered()
        self.nothing_is_overspent()
        self.nothing_is_left(self.system)

    def ends_once(self, task, ref, reply):
        if reply is not None:
            assert reply.done(), f"{task.id} has not ended"
            if not reply.cancelled():
                assert reply.times >= 1
                assert isinstance(reply.exception(), TimeoutError | None)
        states = [one.state for one in self.tree.told(TaskStateChanged) if (one.path, one.task) == (ref.path, task.id)]
        ends = [state for state in states if state in FINAL]
        assert len(ends) == 1 or (ends == [] and states[-1] == "input-required"), (task.id, states)
        assert states[-1] in (*FINAL, "input-required")

    def is_sound(self, task, reply):
        outcome = reply.result()
        late = reply.at - task.deadline
        assert late <= (LAST_LOOK if self.slow_judges() else 1e-9), f"{task.id} is {late} s late"
        assert outcome.task_id == task.id
        before = sum(trace == task.trace and at < reply.at for trace, at in self.paid)
        by_then = sum(trace == task.trace and at <= reply.at for trace, at in self.paid)
        assert before - 1e-6 <= outcome.usage.cost / CENT.cost <= by_then + 1e-6, (before, outcome.usage, by_then)
        assert sum(part.usage.cost for part in outcome.parts) <= outcome.usage.cost + 1e-9

    def attempts_are_bounded(self):
        tries = Counter(key for _, _, key in self.begun)
        most = {task.id: task.max_attempts for task, *_ in self.asked}
        for key, number in tries.items():
            assert number <= most[key.partition("/")[0]], f"{key} was tried {number} times"
        if any(what == "reload" for _, what, _ in self.told["blows"]):
            return
        own = Counter((path, task) for path, task, _ in self.begun)
        for task, ref, _ in self.asked:
            name = ref.path.rpartition("/")[2]
            ladder = self.told["rules"][name]["recovery"]
            ladder = self.told["team"]["recovery"] if ladder is None else ladder
            rungs = (Restart(),) if ladder is None else ladder
            times = sum(getattr(rung, "times", 0) for rung in rungs)
            assert own[ref.path, task.id] <= 1 + times, f"{task.id} was tried {own[ref.path, task.id]} times"

    def nothing_rejected_is_delivered(self):
        bad = {text for text in self.rejected if isinstance(text, str)}
        shown = [repr(one) for one in self.heard]
        outcomes = [reply.result() for *_, reply in self.asked if done_well(reply)] + list(self.sent.values())
        shown += [everything(outcome) for outcome in outcomes]
        shown += [repr(letter.evidence and letter.evidence.partial) for letter in self.system.dead_letters]
        desk = self.system.cells.get("top/team/desk")
        if desk is not None and desk.actor is not None:
            shown += [
                repr((case.draft, case.evidence and case.evidence.get("partial")))
                for case in desk.actor.list_cases(state="all")
            ]
        if all(rules["judges"] == [("sound", "reject")] for rules in self.told["rules"].values()):
            assert not any("bad-" in one for one in shown), "nobody has judged it"
        for text in bad:
            word = text.split(" ")[0]
            assert not any(f"{word}'" in one or f"{word} " in one for one in shown), f"{text} was rejected"

    def nothing_is_overspent(self):
        for cell in self.system.cells.values():
            for view in () if cell.guard is None else cell.guard.view(self.tree.now).budgets:
                true = view.owner in self.true_words
                most = view.limits.cost + (0.0 if true else CENT.cost)
                assert view.spent.cost <= most + 1e-9, f"{view.owner} spent {view.spent.cost} of {view.limits.cost}"

    @property
    def true_words(self):
        """Whose budgets know what a call costs at most."""
        told = {f"top/team/{name}": rules["budgets"] for name, rules in self.told["rules"].items()}
        told["top/team"] = self.told["team"]["budgets"]
        reloaded = any(what == "reload" for _, what, _ in self.told["blows"])
        return {path for path, budgets in told.items() if not reloaded and all(one.call.cost for one in budgets)}


async def deaf(clock, seconds):
    """Ignores that it is cancelled."""
    until = clock.monotonic() + seconds
    while (left := until - clock.monotonic()) > 0:
        with contextlib.suppress(asyncio.CancelledError):
            await clock.sleep(left)


def done_well(reply):
    return reply is not None and not reply.cancelled() and reply.exception() is None


def everything(outcome):
    """Returns all that an outcome shows of outputs."""
    partial = outcome.evidence and outcome.evidence.partial
    return repr((outcome.output, [part.output for part in outcome.parts], partial))


MANY = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    report_multiple_bugs=False,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)


@MANY
@given(told=worlds())
async def test_whatever_happens_the_books_are_right(plant, nothing_is_left, told):
    """Every task ends once and in time; attempts, breakers, budgets and judges keep their word; nothing is left."""
    await World(told, plant, nothing_is_left).run()


@MANY
@given(
    told=worlds(
        rules(judges=SOUND, budgets=NO_BUDGETS),
        tasks(
            ends=st.sampled_from(
                [("bad",), ("good",), ("failed", "bad"), ("partial", "bad"), ("human", "bad"), ("raise", RuntimeError)]
            ),
            told=("good", "bad"),
        ),
    )
)
async def test_nothing_that_was_rejected_is_delivered(plant, nothing_is_left, told):
    """Not as an output, a part's, a draft, or evidence; not to a fallback, nor through whoever had it as a part."""
    await World(told, plant, nothing_is_left).run()


ALERT = st.builds(BreakerSpec, failures=st.integers(1, 2), cooldown=st.sampled_from([0.5, 3.0]))
FORCES = st.tuples(
    st.sampled_from([0.0, 0.5, 2.0]), st.sampled_from(["force open", "force closed", "kill", "reload"]), st.just("a")
)


@MANY
@given(told=worlds(rules(breaker=ALERT, budgets=NO_BUDGETS), tasks(depth=1, ends=FAILING), FORCES, fewest=4))
async def test_no_handler_begins_while_its_breaker_is_open(plant, nothing_is_left, told):
    """However many wait in the mailbox when it opens, and whoever forces it."""
    await World(told, plant, nothing_is_left).run()


@MANY
@given(
    told=worlds(
        rules(budgets=st.lists(ONE_BUDGET, min_size=1, max_size=2)), tasks(ends=FAILING, cents=(1, 2, 3)), fewest=3
    )
)
async def test_no_budget_is_overspent(plant, nothing_is_left, told):
    """By one call at most; and by none where the budget knows what a call costs."""
    await World(told, plant, nothing_is_left).run()


KILLS = st.tuples(
    st.floats(0.0, 8.0), st.sampled_from(["kill", "kill team", "stop", "terminate", "delete"]), st.sampled_from(NAMES)
)
TAKING_TIME = st.sampled_from([("good",), ("hang",), ("deaf", 4.0), ("stop",), ("kill",)])


@MANY
@given(told=worlds(rules(budgets=NO_BUDGETS), tasks(ends=TAKING_TIME, seconds=(0.0, 0.5, 2.0)), KILLS, fewest=3))
async def test_whoever_is_killed_every_task_ends(plant, nothing_is_left, told):
    """Children and their supervisor, at any time, by hand or by themselves."""
    await World(told, plant, nothing_is_left).run()


DEATHS = st.one_of(
    st.tuples(st.just("raise"), st.sampled_from([RuntimeError, ValueError, SystemExit, ConnectionError])),
    st.just(("kill",)),
)
FIRST_DEATH = steps(ends=DEATHS, told=(None,), cents=(0,), seconds=(0.0,))
MORE_DEATHS = steps(ends=st.one_of(DEATHS, st.sampled_from([("hang",), ("deaf", 4.0), ("good",)])), cents=(0,))
POISON = st.builds(lambda first, more: [first, *more], FIRST_DEATH, st.lists(MORE_DEATHS, max_size=3))
AGAIN = st.lists(OWN_RUNGS, min_size=1, max_size=2).map(tuple)


@MANY
@given(
    plans_=st.lists(POISON, min_size=1, max_size=4),
    ladder=AGAIN,
    more=st.integers(0, 2),
    several=st.integers(1, 3),
)
async def test_tasks_that_kill_do_not_take_the_supervisor_down(plant, nothing_is_left, plans_, ladder, more, several):
    """Where the first death of each can be borne, all the others wait until they can be."""
    told = {"rules": {}, "team": {}, "tasks": [], "blows": [], "desk": False}
    world = World(told, plant, nothing_is_left)
    names = NAMES[:several]
    children = dict.fromkeys(names, (Doer, Work(recovery=ladder, attempt_timeout=1.0), {"world": world}))
    intensity = Intensity(len(plans_) + more, 5.0)
    async with plant(children, intensity=intensity) as tree:
        world.tree, world.system = tree, tree.system
        given_ = [(names[n % several], Task(f"t{n}", {"plan": plan})) for n, plan in enumerate(plans_)]
        replies = [tree.ref(name).ask(task) for name, task in given_]
        await asyncio.gather(*replies)
        await tree.system.clock.sleep(10)
        nothing_is_left(tree.system)
        lives = tree.system.cells["top/team"].incarnation
    assert lives == 1
