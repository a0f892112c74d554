"""Links: an abnormal end is the other side's end too, unless it traps exits."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from treeward.runtime.actor import Actor
from treeward.runtime.exits import Exit, Shutdown
from treeward.runtime.signals import Exit as ExitSignal
from treeward.runtime.system import ActorSystem


def runtime():
    return ActorSystem(blocked_after=None)


class Peer(Actor):
    """Does what it is told to, notes what it gets."""

    def __init__(self, seen=None, *, trap=False, late=None):
        self.seen = [] if seen is None else seen
        self.trap_exit = trap
        self.late = late

    def on_start(self):
        if self.late is not None:
            self.link(self.late)

    def on_stop(self, reason):
        self.seen.append(("stop", reason))

    def on_receive(self, message):
        if callable(message):
            return message(self)
        if isinstance(message, BaseException):
            raise message
        self.seen.append(message)
        return message


async def linked(system, *, trap=False):
    seen = []
    one, other = system.spawn(Peer), system.spawn(Peer, seen, trap=trap)
    await other.ask(lambda actor: actor.link(one))
    return one, other, seen


ERROR = ValueError("bad")
ENDS = [
    # reason, how it ends so, whether the other side ends too
    (Exit.NORMAL, lambda ref: ref.stop(reason=Exit.NORMAL), False),
    (Exit.SHUTDOWN, lambda ref: ref.stop(), True),
    (Shutdown("x"), lambda ref: ref.stop(reason=Shutdown("x")), True),
    (Exit.KILLED, lambda ref: ref._cell.kill(), True),
    (ERROR, lambda ref: ref.tell(ERROR), True),
]
IDS = ["normal", "shutdown", "Shutdown", "killed", "error"]


@pytest.mark.parametrize(("reason", "end", "carried"), ENDS, ids=IDS)
async def test_a_link_carries_abnormal_ends(reason, end, carried, settle):
    """All reasons but normal end the other side with the same reason, without its on_stop."""
    async with runtime() as system:
        one, other, seen = await linked(system)
        end(one)
        await settle()
        assert not one.is_alive()
        assert other.is_alive() is not carried
        assert seen == []
        if carried:
            assert other._cell.end == reason


@pytest.mark.parametrize(("reason", "end", "carried"), ENDS, ids=IDS)
async def test_a_link_goes_both_ways(reason, end, carried, settle):
    """Who was linked to ends with who linked."""
    async with runtime() as system:
        one, other, _ = await linked(system)
        end(other)
        await settle()
        assert one.is_alive() is not carried


@pytest.mark.parametrize(("reason", "end", "carried"), ENDS, ids=IDS)
async def test_who_traps_exits_gets_a_message(reason, end, carried, settle):
    """With `trap_exit` the end of the other side, a normal one too, arrives as a message; both ways of life go on."""
    async with runtime() as system:
        one, other, seen = await linked(system, trap=True)
        end(one)
        await settle()
        assert other.is_alive()
        assert seen == [ExitSignal(one, 1, reason)]


async def test_trapped_exits_overtake_messages(settle):
    """The exit is handled before what waits."""
    async with runtime() as system:
        one, other, seen = await linked(system, trap=True)
        other.tell("waits")
        one._cell.kill()
        await settle()
        assert seen == [ExitSignal(one, 1, Exit.KILLED), "waits"]


async def test_unlink(settle):
    """A link that was taken back carries nothing, from whichever side it was."""
    async with runtime() as system:
        for back in range(2):
            one, other, _ = await linked(system)
            refs = [one, other]
            await refs[back].ask(lambda actor, to=refs[1 - back]: actor.unlink(to))
            one._cell.kill()
            await settle()
            assert other.is_alive()


@pytest.mark.parametrize("trap", [False, True])
async def test_a_link_to_a_dead_actor_carries_its_end_at_once(trap, settle):
    """Who links to what has ended already gets its exit now, within its own handler too."""
    seen = []
    async with runtime() as system:
        one, other = system.spawn(Peer), system.spawn(Peer, seen, trap=trap)
        one._cell.kill()
        asked = other.ask(lambda actor: actor.link(one))
        await settle()
        assert asked.done()
        assert other.is_alive() is trap
        assert seen == ([ExitSignal(one, 1, Exit.KILLED)] if trap else [])
        if not trap:
            assert "killed" in str(asked.exception())


async def test_a_link_to_a_dead_actor_in_on_start_fails_the_start(settle, nursed):
    """The exit comes while it starts: it does not start, and ends once."""
    async with runtime() as system:
        dead = system.spawn(Peer)
        dead._cell.kill()
        child = nursed(system, Peer, late=dead)
        await settle()
        assert [failure.cause for failure in child.nurse.failures] == [Exit.KILLED]
        assert child.nurse.downs == []
        assert not child.cell.alive


async def test_an_exit_within_ones_own_handler_ends_it_once(settle, nursed):
    """A handler that kills its own link partner is killed by the link when it has returned: one end, one restart."""
    async with runtime() as system:
        victim = system.spawn(Peer)
        child = nursed(system, Peer)

        def kill_partner(actor):
            actor.link(victim)
            victim._cell.kill()
            return "returned"

        asked = child.ref.ask(kill_partner)
        await settle()
        assert "killed" in str(asked.exception())
        assert child.reasons == [Exit.KILLED]
        assert child.ref.incarnation == 2


async def test_a_link_to_oneself_is_none(settle):
    """An actor that links to itself ends as any other."""
    async with runtime() as system:
        ref = system.spawn(Peer)
        await ref.ask(lambda actor: actor.link(ref))
        ref._cell.kill()
        await settle()
        assert not ref.is_alive()


@pytest.mark.parametrize("size", [2, 3, 50])
async def test_a_ring_of_links_ends_as_a_whole(size, settle):
    """A cycle of links is no trouble: each ends once, with the first one's reason."""
    async with runtime() as system:
        refs = [system.spawn(Peer) for _ in range(size)]
        for one, other in zip(refs, [*refs[1:], refs[0]], strict=True):
            await one.ask(lambda actor, other=other: actor.link(other))
        refs[0].tell(ERROR)
        await settle()
        assert {ref._cell.end for ref in refs} == {ERROR}


async def test_a_long_chain_of_links(settle):
    """A chain that is longer than Python's stack is deep ends to the last one."""
    async with runtime() as system:
        refs = [system.spawn(Peer) for _ in range(5000)]
        for one, other in itertools.pairwise(refs):
            one.tell(lambda actor, other=other: actor.link(other))
        await refs[-2].ask(lambda actor: None)
        refs[0]._cell.kill()
        await settle()
        assert [ref for ref in refs if ref.is_alive()] == []


async def test_everybody_linked_to_everybody():
    """Dense links end each actor once."""
    ended = []
    async with runtime() as system:
        system.observe(lambda event: ended.append(event.path) if event.name == "actor.ended" else None)
        refs = [system.spawn(Peer) for _ in range(30)]
        for one in refs:
            await one.ask(lambda actor: [actor.link(other) for other in refs])
        refs[7]._cell.kill()
        assert sorted(ended) == sorted(ref.path for ref in refs)


async def test_a_restarted_actor_has_no_links(nursed, settle):
    """A link is of incarnations: the next one of either side is not tied."""
    async with runtime() as system:
        one, other = nursed(system, Peer), nursed(system, Peer)
        await one.ref.ask(lambda actor: actor.link(other.ref))
        one.ref.tell(ERROR)
        await settle()
        assert (one.ref.incarnation, other.ref.incarnation) == (2, 2)
        one.ref.tell(ERROR)
        await settle()
        assert (one.ref.incarnation, other.ref.incarnation) == (3, 2)


async def test_ties_leave_nothing_behind(settle):
    """A long-lived actor that is linked to and monitors many short-lived ones keeps none of them."""
    async with runtime() as system:
        long = system.spawn(Peer, trap=True)
        await long.ask("x")
        for _ in range(50):
            short = system.spawn(Peer)
            await long.ask(lambda actor, short=short: [actor.link(short), actor.monitor(short)])
            await short.stop()
            await settle()
        ties = long._cell.ties
        assert (ties.links, ties.watched, ties.watchers) == ({}, {}, {})


@pytest.mark.realtime
async def test_ties_do_not_reach_another_loop(aside):
    """An actor of a runtime on another loop cannot be linked or monitored: it says so."""

    class Careful(Peer):
        expected = (ValueError,)

    async with runtime() as system:
        ref = system.spawn(Careful)
        with aside() as other:
            far = other.spawn(Peer)
            with pytest.raises(ValueError, match="lives on another event loop"):
                await ref.ask(lambda actor: actor.link(far))
            with pytest.raises(ValueError, match="lives on another event loop"):
                await ref.ask(lambda actor: actor.monitor(far))


async def test_ties_reach_another_system_on_the_same_loop(settle):
    """Two runtimes on one loop are no obstacle."""
    async with runtime() as system, runtime() as other:
        one, two = system.spawn(Peer), other.spawn(Peer)
        await one.ask(lambda actor: actor.link(two))
        two._cell.kill()
        await settle()
        assert not one.is_alive()
        await asyncio.sleep(0)
