"""I5, I6, I9: what is said of restarts that break the contract, and of those that keep it."""

import pytest

from treeward.chaos.invariants.restarts import CauseKnown, OnlyItsReach, WithinIntensity
from treeward.runtime.errors import StartFailed
from treeward.runtime.exits import Exit
from treeward.runtime.telemetry import ActorEnded, ActorStarted
from treeward.supervisors.requests import ChildRestarting, ChildRetried, Reload
from treeward.supervisors.spec import Intensity, SupervisorSpec

BOOM = ValueError("boom")
LATE = StartFailed("top/a", "on_start took too long")


# --- I5 ---------------------------------------------------------------------------------------------


async def test_own_restart(stage):
    """A child that has died is started again: that is as it should be."""
    async with stage(OnlyItsReach(), "a", "b") as on:
        on.died("a", 1, BOOM)
        on.started("a", 2)
        assert on.told == []


async def test_temporary(stage):
    """A temporary child that begins once more under the same supervisor is a violation, whoever has died."""
    async with stage(OnlyItsReach(), "a", b="temporary", strategy="one_for_all") as on:
        on.died("a", 1)
        on.ended("b", 1, Exit.SHUTDOWN)
        on.started("b", 2)
        on.ended("b", 2)
        on.started("b", 3)
        assert on.told == [
            "top/b is temporary, and was started again after the death of a",
            "top/b is temporary, and was started again",
        ]


async def test_temporary_that_is_asked_for(stage):
    """Whoever asks the supervisor for a temporary child gets it again."""
    async with stage(OnlyItsReach(), "a", b="temporary") as on:
        on.ended("b", 1)
        on.asked()
        on.started("b", 2)
        assert on.told == []


async def test_temporary_under_a_new_supervisor(stage):
    """A supervisor that is restarted starts all its children, temporary ones too."""
    async with stage(OnlyItsReach(), b="temporary") as on:
        on.ended("b", 1)
        on.cell("").incarnation = 2
        on.started("b", 2)
        assert on.told == []


async def test_death_of_a_temporary_child(stage):
    """That a temporary child is to be started again is said as soon as the supervisor tells of it."""
    async with stage(OnlyItsReach(), b="temporary") as on:
        on.died("b", 1, BOOM)
        assert on.told == ["top/b is temporary, has ended with ValueError: boom, and is to be started again"]


@pytest.mark.parametrize(
    ("reason", "count"), [(Exit.NORMAL, 1), (Exit.SHUTDOWN, 1), (Exit.KILLED, 0), (BOOM, 0)], ids=str
)
async def test_transient(stage, reason, count):
    """A transient child is restarted after an abnormal end only."""
    async with stage(OnlyItsReach(), a="transient") as on:
        on.died("a", 1, reason)
        assert len(on.told) == count


async def test_start_of_a_transient_child(stage):
    """A start that has failed is tried again, whatever it has failed with."""
    async with stage(OnlyItsReach(), a="transient") as on:
        on.died("a", 1, BOOM)
        on.ended("a", 2, Exit.SHUTDOWN)
        on.restarting("a", 2, Exit.SHUTDOWN)
        assert on.told == []


@pytest.mark.parametrize(
    ("strategy", "dead", "count"),
    [
        ("one_for_one", "a", 1),
        ("one_for_one", "c", 1),
        ("rest_for_one", "a", 0),
        ("rest_for_one", "c", 1),
        ("one_for_all", "a", 0),
        ("one_for_all", "c", 0),
    ],
)
async def test_siblings(stage, strategy, dead, count):
    """A child that begins again after the death of a sibling is a violation where the strategy does not reach it."""
    async with stage(OnlyItsReach(), "a", "b", "c", strategy=strategy) as on:
        on.died(dead, 1)
        on.ended("b", 1, Exit.SHUTDOWN)
        on.started("b", 2)
        assert (
            on.told == [f"top/b was started again after the death of {dead}, whose restart does not reach it"] * count
        )


async def test_one_restart_is_one_reason(stage):
    """A sibling's death is the reason for one start; the next one needs another reason."""
    async with stage(OnlyItsReach(), "a", "b", strategy="one_for_one") as on:
        on.died("b", 1)
        on.started("b", 2)
        on.died("a", 1)
        on.ended("b", 2, Exit.SHUTDOWN)
        on.started("b", 3)
        assert len(on.told) == 1


async def test_death_of_both(stage):
    """A child that has died by itself may begin again, whatever its siblings do."""
    async with stage(OnlyItsReach(), "a", "b", strategy="one_for_one") as on:
        on.died("a", 1)
        on.died("b", 1)
        on.started("b", 2)
        assert on.told == []


@pytest.mark.parametrize(("reason", "count"), [(BOOM, 1), (Exit.NORMAL, 1)], ids=str)
async def test_stays_down(stage, reason, count):
    """A permanent child that has ended and is not started again is a violation, once all have had their time."""
    async with stage(OnlyItsReach(), "a", "b") as on:
        on.ended("a", 1, reason)
        state_of(on, "a", "stopped")
        on.invariant.settled(on)
        assert len(on.told) == count
        assert on.told[0].endswith(", and stays down")


async def test_stays_down_for_a_reason(stage):
    """A child may stay down that was ended by hand, has declined, need not be restarted, or waits for its turn."""
    async with stage(OnlyItsReach(), "a", "b", "c", d="transient") as on:
        for name in "abcd":
            state_of(on, name, "stopped")
        on.ended("a", 1, Exit.SHUTDOWN)
        on.asked()
        on.died("b", 1)
        on.ended("b", 2, Exit.NORMAL)  # a start that declines
        on.ended("d", 1, Exit.NORMAL)
        on.invariant.settled(on)
        assert on.told == []


async def test_stays_down_for_a_while(stage):
    """Nobody has to be up while a sibling is being restarted: its group waits with it."""
    async with stage(OnlyItsReach(), "a", "b", strategy="one_for_all") as on:
        on.died("a", 1)
        on.ended("b", 1, Exit.SHUTDOWN)
        state_of(on, "a", "restarting")
        state_of(on, "b", "stopped")
        on.invariant.settled(on)
        assert on.told == []


def state_of(on, name, state):
    supervisor = on.system.cells["top"].actor
    supervisor._children.get(name).state = state


# --- I6 ---------------------------------------------------------------------------------------------


def die(on, name, first, times, every=0.1):
    for number in range(first, first + times):
        on.now += every
        on.died(name, number, BOOM)
        on.started(name, number + 1)


async def test_within_the_limit(stage):
    """As many deaths as the limit allows are no reason to give up, and to go on is right."""
    async with stage(WithinIntensity(), "a") as on:
        die(on, "a", 1, 3)
        on.now += 6.0
        die(on, "a", 4, 3)
        assert on.told == []


async def test_gives_up(stage):
    """One death more than the limit allows: the supervisor gives up, as it should."""
    async with stage(WithinIntensity(), "a") as on:
        die(on, "a", 1, 3)
        on.ended("a", 4, BOOM)
        on.gave_up_over("a", BOOM)
        assert on.told == []


async def test_gives_up_at_the_edge(stage):
    """A death that is just as old as the window is long counts still."""
    async with stage(WithinIntensity(), "a") as on:
        die(on, "a", 1, 3, every=1.0)
        on.now = 6.0  # the first one was at 1.0
        on.ended("a", 4, BOOM)
        on.gave_up_over("a", BOOM)
        assert on.told == []


async def test_gives_up_too_early(stage):
    """To give up after as many deaths as are allowed is a violation."""
    async with stage(WithinIntensity(), "a") as on:
        die(on, "a", 1, 2)
        on.ended("a", 3, BOOM)
        on.gave_up_over("a", BOOM)
        assert on.told == ["top #1 gave up after 3 deaths: its limit is 3 within 5 s"]


async def test_gives_up_over_what_is_long_past(stage):
    """Deaths that are older than the window count no more."""
    async with stage(WithinIntensity(), "a") as on:
        die(on, "a", 1, 3)
        on.now += 5.5
        on.ended("a", 4, BOOM)
        on.gave_up_over("a", BOOM)
        assert on.told == ["top #1 gave up after 1 deaths: its limit is 3 within 5 s"]


async def test_another_limit(stage):
    """A supervisor that goes by another limit than its spec's is a violation."""
    async with stage(WithinIntensity(), "a", intensity=Intensity(3, 5.0)) as on:
        die(on, "a", 1, 1)
        on.ended("a", 2, BOOM)
        on.gave_up_over("a", BOOM, restarts=1)
        assert on.told == ["top gave up by a limit of 1 within 5 s: its spec says Intensity(restarts=3, within=5.0)"]


async def test_does_not_give_up(stage):
    """A restart beyond the limit is a violation."""
    async with stage(WithinIntensity(), "a") as on:
        die(on, "a", 1, 4)
        assert on.told == ["top/a is restarted, though its supervisor has passed its limit"]


async def test_tries_count(stage):
    """Each new try of a start counts, and so does the death before; the failed starts themselves do not."""
    async with stage(WithinIntensity(), "a") as on:
        on.died("a", 1, BOOM)
        for number in (2, 3, 4):
            on.died("a", number, LATE)
            on.retried("a", number)
        on.gave_up_over("a", LATE)
        assert on.told == []


async def test_tries_beyond_the_limit(stage):
    """After a try that is one too many, the next thing that is told has to be that the supervisor gives up."""
    async with stage(WithinIntensity(), "a", "b") as on:
        on.died("a", 1, BOOM)
        for number in (2, 3, 4):
            on.died("a", number, LATE)
            on.retried("a", number)
        on.started("b", 2)
        assert on.told == ["top #1 has passed its limit, and does not give up"]


async def test_tries_beyond_the_limit_at_the_end(stage):
    """The same, where nothing is told any more."""
    async with stage(WithinIntensity(), "a", intensity=Intensity(0, 5.0)) as on:
        on.ended("a", 2, LATE)
        on.restarting("a", 2, LATE)
        on.retried("a", 2)
        on.invariant.settled(on)
        assert on.told == ["top #1 has passed its limit, and does not give up"]


async def test_death_counted_as_a_try(stage):
    """A death that was counted is not counted again when the child is tried after its backoff."""
    async with stage(WithinIntensity(), "a") as on:
        on.died("a", 1, BOOM)
        on.retried("a", 1)
        assert on.told == ["top/a: the end of incarnation 1 is counted again, as a new try"]


async def test_one_death_twice(stage):
    """One death is answered once."""
    async with stage(WithinIntensity(), "a") as on:
        on.died("a", 1, BOOM)
        on.restarting("a", 1, BOOM)
        assert on.told == ["top/a: the end of incarnation 1 is counted twice"]


async def test_siblings_are_no_deaths(stage):
    """Whoever is ended with a child that has died does not count as another death."""
    async with stage(WithinIntensity(), "a", "b", strategy="one_for_all") as on:
        on.died("a", 1, BOOM)
        on.died("b", 1, Exit.SHUTDOWN)
        assert on.told == ["top/b: incarnation 1 was ended with a, and counts as a death of its own"]


async def test_siblings_are_no_reason_to_give_up(stage):
    """The same, where the supervisor gives up over it."""
    async with stage(WithinIntensity(), "a", "b", strategy="one_for_all", intensity=Intensity(1, 5.0)) as on:
        on.died("a", 1, BOOM)
        on.ended("b", 1, Exit.SHUTDOWN)
        on.gave_up_over("b", Exit.SHUTDOWN, restarts=1)
        assert on.told == ["top/b: incarnation 1 was ended with a, and counts as a death of its own"]


async def test_siblings_with_deaths_of_their_own(stage):
    """A sibling's own death counts: before it was ended with others, out of their reach, or after it began anew."""
    async with stage(WithinIntensity(), "a", "b", "c", strategy="rest_for_one", intensity=Intensity(9, 5.0)) as on:
        on.ended("b", 1, BOOM)
        on.died("a", 1, BOOM)
        on.restarting("b", 1, BOOM)
        on.died("c", 1, BOOM)  # which a takes along, but the supervisor was at b
        told = len(on.told)
        on.started("a", 2)
        on.started("b", 2)
        on.started("c", 2)
        on.died("b", 2, BOOM)
        on.died("a", 2, BOOM)
        assert (told, len(on.told)) == (1, 1)


async def test_failed_start_takes_nobody_along_before_it_is_tried(stage):
    """While a failed start waits for its next try, siblings that are up die for themselves."""
    async with stage(WithinIntensity(), "a", "b", strategy="one_for_all", intensity=Intensity(9, 5.0)) as on:
        on.died("a", 1, BOOM)
        on.ended("b", 1, Exit.SHUTDOWN)
        on.started("a", 2)
        on.ended("b", 2, LATE)
        on.restarting("b", 2, LATE)
        on.died("a", 2, BOOM)
        assert on.told == []


async def test_goes_on_after_giving_up(stage):
    """A supervisor that has given up does nothing more for its children, and ends."""
    async with stage(WithinIntensity(), "a", "b", intensity=Intensity(0, 5.0)) as on:
        on.ended("a", 1, BOOM)
        on.gave_up_over("a", BOOM, restarts=0)
        on.died("b", 1, BOOM)
        on.invariant.settled(on)
        assert on.told == [
            "top/b: its supervisor has given up, and goes on all the same",
            "top/b is restarted, though its supervisor has passed its limit",
            "top #1 has given up, and lives on",
        ]


async def test_new_incarnation_new_window(stage):
    """A supervisor that was restarted begins to count anew."""
    async with stage(WithinIntensity(), "a") as on:
        die(on, "a", 1, 3)
        on.cell("").incarnation = 2
        die(on, "a", 4, 3)
        assert on.told == []


async def test_abandoned(stage):
    """An incarnation that was abandoned, and has ended after all, is one death."""
    async with stage(WithinIntensity(), "a") as on:
        die(on, "a", 1, 2)
        on.abandoned("a", 3)
        on.ended("a", 3)
        on.restarting("a", 3)
        on.started("a", 4)
        on.ended("a", 4, BOOM)
        on.gave_up_over("a", BOOM)
        assert on.told == []


async def test_after_a_reload(stage):
    """After a reload, nobody is blamed for what a longer window would have remembered."""
    async with stage(WithinIntensity(), "a") as on:
        on.asked(Reload(SupervisorSpec()))
        die(on, "a", 1, 5)
        assert on.told == []


# --- I9 ---------------------------------------------------------------------------------------------


async def test_cause(stage):
    """A restart whose cause was told is in order: its own end, a sibling's, a request."""
    async with stage(CauseKnown(), "a", "b") as on:
        on.died("a", 1, BOOM)
        on.started("a", 2)
        on.started("b", 2)
        on.asked()
        on.started("b", 3)
        assert on.told == []


async def test_no_cause(stage):
    """A child that begins once more, and nobody has said why, is a violation."""
    async with stage(CauseKnown(), "a") as on:
        on.cell("a").incarnation = 2
        on.ended("a", 1)
        on.started("a", 2)
        assert on.told == ["top/a: incarnation 2 began, and nothing tells why"]


async def test_end_that_was_not_told(stage):
    """A supervisor that answers an end of which nothing was told is a violation."""
    async with stage(CauseKnown(), "a") as on:
        on.restarting("a", 1, BOOM)
        on.restarting("a", 7, BOOM)
        assert on.told == [
            "top/a: incarnation 1 is to be replaced, and its end was never told",
            "top/a: incarnation 7 is to be replaced, and its end was never told",
        ]


async def test_another_reason(stage):
    """The reason for a restart is the one with which the incarnation ended."""
    async with stage(CauseKnown(), "a") as on:
        on.ended("a", 1, BOOM)
        on.restarting("a", 1, Exit.KILLED)
        assert on.told == [
            "top/a: incarnation 1 is to be replaced because of killed, and has ended with ValueError: boom"
        ]


async def test_reason_of_the_abandoned(stage):
    """Of an abandoned incarnation the reason is not known."""
    async with stage(CauseKnown(), "a") as on:
        on.abandoned("a", 1)
        on.restarting("a", 1, BOOM)
        assert on.told == []


@pytest.mark.parametrize("kind", [CauseKnown, OnlyItsReach, WithinIntensity])
async def test_unsupervised(stage, kind):
    """Nothing is asked of actors that nobody supervises, and of those whose supervisor is gone."""
    async with stage(kind(), "a") as on:
        for path in ("alone", "gone/child"):
            on.tell(ActorStarted(path, 1, 0.0), ActorEnded(path, 1, 0.0, BOOM))
            on.tell(
                ChildRestarting(path, 1, 0.0, BOOM, 0.0, ()), ActorStarted(path, 2, 0.0), ChildRetried(path, 2, 0.0)
            )
        assert on.told == []
