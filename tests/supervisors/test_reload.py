"""SUPERVISION.md section 11: new specs at run time."""

from __future__ import annotations

import asyncio

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.errors import ActorStopped
from treeward.runtime.exits import Exit
from treeward.runtime.mailbox import MailboxSpec
from treeward.supervisors.dynamic import DynamicSpec, DynamicSupervisor
from treeward.supervisors.errors import InvalidSpec
from treeward.supervisors.pool import Pool, PoolSpec
from treeward.supervisors.spec import Backoff, ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor

SLOW = Backoff(initial=10, jitter="none")


class Echo(Actor):
    def __init__(self, word):
        self.word = word

    def on_receive(self, message):
        return (self.word, self.incarnation)


def echo(child_id, word, **options):
    return ChildSpec(id=child_id, start=Factory(Echo, (word,)), **options)


def spec_of(*children, **options):
    return SupervisorSpec(children=children, **options)


# --- options ----------------------------------------------------------------------------------------


async def test_options_are_replaced_whole(lab):
    """What is left out falls back to its default; the children notice nothing."""
    options = {"strategy": "one_for_all", "intensity": Intensity(1, 60), "backoff": SLOW}
    async with lab.run(*lab.specs("a b"), **options, auto_shutdown="any_significant") as top:
        await top.reload(spec_of(*lab.specs("a b")))
        kept = top.actor._spec
        assert (kept.strategy, kept.intensity, kept.backoff, kept.auto_shutdown) == (
            "one_for_one",
            Intensity(3, 5.0),
            None,
            "never",
        )
        assert lab.trace == []
        await top.crash("a")
        assert lab.trace == ["-a1", "+a2"]


async def test_the_event_history_is_kept(lab):
    """A smaller limit judges the old events too: the next one is too many."""
    async with lab.run(lab.spec("a")) as top:
        await top.crash("a")
        await top.crash("a")
        await top.reload(spec_of(lab.spec("a"), intensity=Intensity(2, 5)))
        assert top.ref.is_alive()
        await top.crash("a")
        assert not top.ref.is_alive()


async def test_a_greater_limit_helps_at_once(lab):
    """The history is kept, but there is room again."""
    async with lab.run(lab.spec("a"), intensity=Intensity(1, 5)) as top:
        await top.crash("a")
        await top.reload(spec_of(lab.spec("a"), intensity=Intensity(2, 5)))
        await top.crash("a")
        assert top.ref.is_alive()


# --- children that stay -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"restart": "transient"},
        {"restart": "temporary"},
        {"shutdown": 99},
        {"shutdown": "brutal_kill"},
        {"start_timeout": 7},
        {"mailbox": MailboxSpec(5, "drop_oldest")},
        {},
    ],
    ids=str,
)
async def test_same_id_new_spec_the_incarnation_stays(lab, options):
    """A setting that can be changed under a running child is changed, and nothing else happens."""
    async with lab.run(lab.spec("a"), lab.spec("b")) as top:
        await top.reload(spec_of(lab.spec("a", **options), lab.spec("b")))
        assert lab.trace == []
        assert await top.child_spec("a") == lab.spec("a", **options)


async def test_the_new_restart_type_decides_about_the_next_death(lab):
    """A permanent child that became temporary is dropped."""
    async with lab.run(lab.spec("a")) as top:
        await top.reload(spec_of(lab.spec("a", restart="temporary")))
        await top.crash("a")
        assert await top.states() == {}


async def test_the_new_shutdown_decides_about_the_next_end(lab):
    """A child that was to be killed after 5 s has all the time of the world."""
    lab.ends["a"] = 100
    async with lab.run(lab.spec("a")) as top:
        await top.reload(spec_of(lab.spec("a", shutdown="infinity")))
        await top.terminate_child("a")
        assert lab.times == [(100.0, "-a1")]


async def test_the_new_mailbox_bounds_the_running_child(lab):
    """What waits stays, also if it is more; what comes is judged anew."""
    async with lab.run(lab.spec("a")) as top:
        ref = top.child("a")
        await top.send("a", ("wait", 5))
        for number in range(3):
            ref.tell(number)
        await top.reload(spec_of(lab.spec("a", mailbox=MailboxSpec(2, "drop_newest"))))
        ref.tell("too many")
        await lab.at(6)
        assert [message for _, _, message in lab.got] == [0, 1, 2]
        assert [letter.message for letter in top.system.dead_letters] == ["too many"]


@pytest.mark.parametrize("state", ["stopped", "restarting"])
async def test_a_child_that_does_not_run_stays_so_and_its_next_start_is_the_new_one(lab, state):
    """A reload is no restart: who was stopped by hand stays stopped, who waits goes on waiting."""
    async with lab.run(echo("a", "old"), backoff=SLOW) as top:
        if state == "stopped":
            await top.terminate_child("a")
        else:
            await top.kill("a")
        lab.forget()
        await top.reload(spec_of(echo("a", "new"), backoff=SLOW))
        assert await top.states() == {"a": state}
        assert lab.trace == []
        if state == "stopped":
            await top.restart_child("a")
        assert await top.child("a").ask("which") == ("new", 2)


# --- children that change ---------------------------------------------------------------------------


async def test_a_changed_start_restarts_just_that_child(lab):
    """Whatever the strategy; its siblings run on."""
    before, after = (spec_of(*lab.specs("a c"), echo("b", word)) for word in ("old", "new"))
    async with lab.run(spec=before) as top:
        await top.reload(after)
        assert lab.trace == ["-b1", "+b2"]
        assert await top.child("b").ask("which") == ("new", 2)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"start": Factory(Echo, ("new",))}, id="arguments"),
        pytest.param({"start": Factory(lambda: Echo("new"))}, id="class"),
        pytest.param({"start": Factory(Echo, (), {"word": "new"})}, id="keyword_arguments"),
        pytest.param({"start": Factory(Echo, ("old",), None, {"profile": 1})}, id="attributes"),
    ],
)
async def test_what_is_a_changed_start(lab, change):
    """Class, arguments and attributes; an equal start is no change."""
    async with lab.run(echo("a", "old")) as top:
        await top.reload(spec_of(echo("a", "old")))
        assert lab.trace == []
        await top.reload(spec_of(ChildSpec(id="a", **change)))
        assert lab.trace == ["-a1", "+a2"]


@pytest.mark.realtime
async def test_a_changed_dispatcher_restarts_just_that_child(lab):
    """Where a child runs is settled at its start."""
    async with lab.run(lab.spec("a"), lab.spec("b")) as top:
        await top.reload(spec_of(lab.spec("a", dispatcher="thread"), lab.spec("b")))
        assert lab.trace == ["-a1", "+a2"]
        assert top.child("a")._cell.worker is not None
        await top.reload(spec_of(lab.spec("a"), lab.spec("b")))
        assert lab.trace == ["-a1", "+a2", "-a2", "+a3"]
        assert top.child("a")._cell.worker is None


async def test_several_are_restarted_in_order_each_for_itself(lab):
    """One after the other, in the order of the list: the tree is never down as a whole."""
    old = [echo(child, "old", shutdown="infinity") for child in "abc"]
    new = [echo(child, "new", shutdown="infinity") for child in "abc"]
    async with lab.run(*old, strategy="one_for_all") as top:
        await top.reload(spec_of(*new, strategy="one_for_all"))
        assert lab.trace == ["-a1", "+a2", "-b1", "+b2", "-c1", "+c2"]


async def test_a_child_that_is_restarted_for_a_reload_is_ended_by_its_old_shutdown(lab):
    """The incarnation that ends was promised that time."""
    lab.ends["a"] = 3
    new = ChildSpec(id="a", start=Factory(Echo, ("new",)), shutdown="brutal_kill")
    async with lab.run(lab.spec("a", shutdown=5)) as top:
        await top.reload(spec_of(new))
        assert lab.times == [(3.0, "-a1"), (3.0, "+a2")]
        assert lab.reasons["a1"] is Exit.SHUTDOWN


async def test_a_restart_for_a_reload_is_no_event(lab):
    """It was wanted: also an intensity of 0 stands it."""
    async with lab.run(echo("a", "old"), intensity=Intensity(0, 5)) as top:
        await top.reload(spec_of(echo("a", "new"), intensity=Intensity(0, 5)))
        await lab.quiet()
        assert await top.states() == {"a": "running"}
        assert len(top.actor._window) == 0


async def test_messages_wait_for_the_new_one(lab):
    """The ref and the mailbox are the same."""
    async with lab.run(lab.spec("a")) as top:
        await top.send("a", ("wait", 2))
        waiting = top.child("a").ask("which", block=False)
        await top.reload(spec_of(echo("a", "new")))
        assert await waiting == ("new", 2)


async def test_a_changed_start_that_fails_is_tried_again_as_in_a_restart(lab):
    """The others are reloaded all the same; each try is an event."""
    changed = lab.spec("a", mailbox=MailboxSpec(1))
    other = ChildSpec(id="a", start=Factory(changed.factory.cls, (lab, "A")))
    async with lab.run(*lab.specs("a b")) as top:
        lab.fail("A", 2)
        await top.reload(spec_of(other, lab.spec("b"), lab.spec("c")))
        await lab.quiet()
        assert await top.states() == dict.fromkeys("abc", "running")
        assert lab.trace == ["-a1", "-a2", "+c1", "-a3", "+a4"]
        assert len(top.actor._window) == 2


# --- children that come and go ----------------------------------------------------------------------


async def test_a_new_id_is_started_in_its_place(lab):
    """In the order of the list, from then on for all that goes by the order."""
    async with lab.run(*lab.specs("a c"), strategy="rest_for_one") as top:
        await top.reload(spec_of(*lab.specs("z a b c"), strategy="rest_for_one"))
        assert lab.trace == ["+z1", "+b1"]
        assert list(await top.states()) == ["z", "a", "b", "c"]
        lab.forget()
        await top.crash("a")
        assert lab.trace == ["-a1", "-c1", "-b1", "+a2", "+b2", "+c2"]


async def test_an_id_that_is_gone_is_terminated_and_deleted(lab):
    """By its own shutdown; its address is gone with it, and who waits gets an error."""
    lab.ends["b"] = 3
    async with lab.run(*lab.specs("a b c")) as top:
        await top.send("b", ("wait", 1))
        ref = top.child("b")
        waiting = ref.ask("late", block=False)
        await top.reload(spec_of(*lab.specs("a c")))
        assert lab.times == [(4.0, "-b1")]
        assert list(await top.states()) == ["a", "c"]
        assert top.child("b") is None
        with pytest.raises(ActorStopped):
            await waiting
        assert [letter.message for letter in top.system.dead_letters] == ["late"]


async def test_several_that_are_gone_end_newest_first_before_anything_starts(lab):
    """First the old goes, then the new comes."""
    async with lab.run(*lab.specs("a b c d")) as top:
        await top.reload(spec_of(*lab.specs("x c y")))
        assert lab.trace == ["-d1", "-b1", "-a1", "+x1", "+y1"]


async def test_a_changed_order_is_the_order_from_then_on(lab):
    """Nothing is restarted for it."""
    async with lab.run(*lab.specs("a b c")) as top:
        await top.reload(spec_of(*lab.specs("c a b")))
        assert lab.trace == []
        assert list(await top.states()) == ["c", "a", "b"]
        await top.stop()
        assert lab.trace == ["-b1", "-a1", "-c1", "-top1"]


async def test_a_new_child_that_declines_is_stopped(lab):
    """As at any start."""
    lab.decline("b")
    lab.decline("t")
    async with lab.run(lab.spec("a")) as top:
        await top.reload(spec_of(*lab.specs("a b"), lab.spec("t", restart="temporary")))
        assert await top.states() == {"a": "running", "b": "stopped"}


async def test_a_new_child_that_fails_is_tried_again_unless_it_is_temporary(lab):
    """A daemon that reloads its tree wants what it declares to run."""
    async with lab.run(backoff=SLOW) as top:
        lab.fail("b")
        lab.fail("t")
        await top.reload(spec_of(lab.spec("b"), lab.spec("t", restart="temporary"), backoff=SLOW))
        assert await top.states() == {"b": "restarting"}
        await lab.at(11)
        assert await top.states() == {"b": "running"}


async def test_what_was_added_at_run_time_is_gone_with_a_spec_that_has_it_not(lab):
    """After a reload, the children are those of the spec."""
    async with lab.run(lab.spec("a")) as top:
        await top.start_child(lab.spec("b"))
        await top.reload(spec_of(lab.spec("a")))
        assert await top.states() == {"a": "running"}


async def test_siblings_that_wait_for_a_group_that_is_no_more_are_started(lab):
    """A reload that changes the strategy, or removes the child that failed, leaves nobody down for ever."""
    for after in (
        spec_of(*lab.specs("a b c"), backoff=SLOW),
        spec_of(*lab.specs("a c"), strategy="one_for_all", backoff=SLOW),
    ):
        async with lab.run(*lab.specs("a b c"), strategy="one_for_all", backoff=SLOW) as top:
            await top.crash("b")
            assert await top.states() == {"a": "stopped", "b": "restarting", "c": "stopped"}
            await top.reload(after)
            states = await top.states()
            assert (states["a"], states["c"]) == ("running", "running")


async def test_one_that_was_left_and_fails_keeps_those_after_it_waiting(lab):
    """rest_for_one: they are started with its next try, not before it."""
    options = {"backoff": SLOW, "intensity": Intensity(10, 5)}
    async with lab.run(*lab.specs("z a b"), strategy="one_for_all", **options) as top:
        await top.crash("z")
        lab.fail("a")
        lab.forget()
        await top.reload(spec_of(*lab.specs("a b"), strategy="rest_for_one", **options))
        assert await top.states() == {"a": "restarting", "b": "stopped"}
        await lab.at(11)
        assert lab.times == [(0.0, "-a2"), (10.0, "+a3"), (10.0, "+b2")]


# --- supervisors below ------------------------------------------------------------------------------


async def test_a_supervisor_below_is_reloaded_in_place(lab):
    """A change further down touches just what has changed."""
    before = spec_of(lab.spec("x"), lab.nested("sup", lab.spec("a"), echo("b", "old")))
    after = spec_of(
        lab.spec("x"), lab.nested("sup", lab.spec("a"), echo("b", "new"), lab.spec("c"), strategy="one_for_all")
    )
    async with lab.run(spec=before) as top:
        await top.reload(after)
        assert lab.trace == ["-b1", "+b2", "+c1"]
        assert top.child("sup")._cell.actor._spec.strategy == "one_for_all"
        await top.kill("sup")
        assert [info.id for info in await top.handle("sup").which_children()] == ["c", "b", "a"]
        assert await top.child("sup/b").ask("which") == ("new", 3)


async def test_the_event_history_of_a_supervisor_below_is_kept(lab):
    """It is the same incarnation."""
    before, after = (spec_of(lab.nested("sup", lab.spec("a"), echo("b", word))) for word in ("old", "new"))
    async with lab.run(spec=before) as top:
        await top.crash("sup/a")
        await top.reload(after)
        assert len(top.child("sup")._cell.actor._window) == 1


@pytest.mark.parametrize("depth", [1, 5])
async def test_a_change_deep_down(lab, depth):
    """Through any number of levels."""

    def tree(word):
        spec = spec_of(lab.spec("a"), echo("b", word))
        for _ in range(depth):
            spec = spec_of(lab.nested("sup", spec=spec))
        return spec

    async with lab.run(spec=tree("old")) as top:
        await top.reload(tree("new"))
        assert lab.trace == ["-b1", "+b2"]


async def test_another_kind_of_supervisor_is_a_changed_start(lab):
    """A static one that became dynamic is restarted, with all below it."""
    before = spec_of(lab.nested("sup", lab.spec("a")))
    after = spec_of(lab.nested("sup", kind=DynamicSupervisor, spec=DynamicSpec()))
    async with lab.run(spec=before) as top:
        await top.reload(after)
        assert lab.trace == ["-a1", "-sup1", "+sup2"]
        assert isinstance(top.child("sup")._cell.actor, DynamicSupervisor)


class Fixed(Supervisor):
    """A supervisor that makes its own spec."""

    def __init__(self, lab, ids):
        super().__init__(spec_of(*lab.specs(ids)))


async def test_a_supervisor_that_makes_its_own_spec_is_restarted_if_its_arguments_change(lab):
    """Only what is told a spec can be told another."""

    def child(ids):
        return ChildSpec(id="sup", start=Factory(Fixed, (lab, ids)), type="supervisor")

    async with lab.run(child("a")) as top:
        await top.reload(spec_of(child("a")))
        assert lab.trace == []
        await top.reload(spec_of(child("a b")))
        assert lab.trace == ["-a1", "-sup1", "+a2", "+b1", "+sup2"]


async def test_a_supervisor_below_that_ends_during_the_reload_comes_back_with_its_new_spec(lab):
    """It gives up in the middle of it; its parent restarts it from what it was told last."""
    before, after = (
        spec_of(lab.nested("sup", lab.spec("a"), echo("b", word), intensity=Intensity(0, 5))) for word in ("old", "new")
    )
    async with lab.run(spec=before) as top:
        top.child("sup/a").tell(lab.Boom())
        reloaded = top.reload(after)
        await reloaded
        await lab.quiet()
        assert await top.states() == {"sup": "running"}
        assert (await top.child("sup/b").ask("which"))[0] == "new"


async def test_a_dynamic_supervisor_below_is_reloaded_in_place(lab):
    """Its children live on, restarts included, as they were started; new ones follow the new template."""

    def tree(word, limit):
        spec = DynamicSpec(child=echo("w", word), max_children=limit)
        return spec_of(lab.nested("dyn", kind=DynamicSupervisor, spec=spec))

    async with lab.run(spec=tree("old", 1)) as top:
        first = await top.handle("dyn").start_another()
        await top.reload(tree("new", 2))
        second = await top.handle("dyn").start_another()
        assert await first.ask("which") == ("old", 1)
        assert await second.ask("which") == ("new", 1)
        await top.kill("dyn/w-1")
        assert await first.ask("which") == ("old", 2)


async def test_a_pool_below_is_reloaded_in_place(lab):
    """A changed size starts or ends members; a changed member restarts them, one after the other."""

    def tree(word, size):
        return spec_of(lab.nested("pool", kind=Pool, spec=PoolSpec(child=echo("w", word), size=size)))

    async with lab.run(spec=tree("old", 2)) as top:
        await top.reload(tree("old", 3))
        assert lab.trace == ["+31"]
        lab.forget()
        await top.reload(tree("new", 2))
        assert lab.trace == ["-31", "-11", "+12", "-21", "+22"]


# --- faults -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(DynamicSpec(), id="another_kind"),
        pytest.param(None, id="none"),
        pytest.param({"strategy": "one_for_all"}, id="a_mapping"),
        pytest.param(
            spec_of(
                echo("a", "new"),
                ChildSpec(id="sup", start=Factory(Supervisor, (DynamicSpec(),)), type="supervisor"),
                strategy="one_for_all",
            ),
            id="another_kind_below",
        ),
        pytest.param(
            spec_of(
                ChildSpec(
                    id="sup",
                    type="supervisor",
                    start=Factory(Supervisor, (spec_of(ChildSpec(id="p", start=Factory(Pool, (spec_of(),)))),)),
                ),
            ),
            id="another_kind_deep_below",
        ),
    ],
)
async def test_a_faulty_spec_changes_nothing_at_all(lab, wrong):
    """Neither options nor children, neither here nor below; the error says what is wrong."""
    before = spec_of(echo("a", "old"), lab.nested("sup", echo("b", "old")))
    async with lab.run(spec=before) as top:
        with pytest.raises(InvalidSpec, match="expected a"):
            await top.reload(wrong)
        assert lab.trace == []
        assert top.actor._spec is before
        assert await top.states() == {"a": "running", "sup": "running"}


def test_a_faulty_spec_cannot_even_be_made():
    """A duplicate id, or an illegal option, is an error before there is anything to reload."""
    with pytest.raises(InvalidSpec):
        spec_of(echo("a", "x"), echo("a", "y"))


async def test_a_faulty_spec_of_a_dynamic_supervisor_or_a_pool_changes_nothing(lab):
    """They take only their own kind."""
    async with lab.run(kind=DynamicSupervisor, spec=DynamicSpec(max_children=3)) as top:
        with pytest.raises(InvalidSpec, match="expected a DynamicSpec"):
            await top.reload(spec_of())
        assert top.actor._options.max_children == 3
    async with lab.run(kind=Pool, spec=PoolSpec(child=echo("w", "x"), size=2)) as top:
        with pytest.raises(InvalidSpec, match="expected a PoolSpec"):
            await top.reload(spec_of())
        assert await top.states() == {"1": "running", "2": "running"}


async def test_a_reload_is_served_in_its_turn(lab):
    """It blocks the supervisor as every call does, and what comes after it sees the new tree."""
    lab.starts["c"].append(5)
    async with lab.run(*lab.specs("a b")) as top:
        reloaded, states = await asyncio.gather(
            _value(top.reload(spec_of(*lab.specs("b c")))), _value(top.which_children())
        )
        assert reloaded is None
        assert [info.id for info in states] == ["c", "b"]
        assert lab.now() == 5.0


async def _value(call):
    return await call
