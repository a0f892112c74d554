"""Classification where agents work: who is asked, what the ladder makes of it, and what becomes of poison."""

from __future__ import annotations

import pytest

from treeward.agents.agent import Agent
from treeward.runtime.telemetry import HookFailed
from treeward.supervisors.events import TaskQuarantined
from treeward.supervisors.failures.failure import Failure
from treeward.supervisors.work.ladder import Fallback, Restart, Retry, Revise
from treeward.supervisors.work.policy import Work

RETRY = (Retry(3, jitter="none"),)


class Said(Exception):
    def __init__(self, text="no", **attributes):
        super().__init__(text)
        vars(self).update(attributes)


class Raiser(Agent):
    """Raises what its input says for each attempt; the last is repeated."""

    async def handle(self, task):
        step = task.input[min(task.attempt, len(task.input)) - 1]
        if isinstance(step, BaseException):
            raise step
        return f"{step} {task.feedback}" if task.feedback else step


class Clerk(Agent):
    def handle(self, task):
        return "I do it by hand"


def by_stock(error):
    return "deterministic" if "stock" in str(error) else None


def by_weather(error):
    return "transient" if "storm" in str(error) else None


def tried(outcome):
    return [attempt.failure for attempt in outcome.evidence.attempts]


def planted(plant, recovery, classify=(), **above):
    children = {"raiser": (Raiser, Work(recovery=recovery, classify=classify)), "clerk": (Clerk, Work())}
    return plant(children, **above)


@pytest.mark.parametrize(
    ("error", "seconds", "kinds"),
    [
        pytest.param(Said("busy", status_code=503), 7.0, ["transient"] * 4, id="a_server_that_is_down"),
        pytest.param(
            Said("slow", status_code=429, retry_after=5), 15.0, ["rate_limited"] * 4, id="a_limit_that_says_when"
        ),
        pytest.param(Said("no", status_code=404), 0.0, ["deterministic"], id="a_page_that_is_not_there"),
        pytest.param(Said("no", status_code=429, code="insufficient_quota"), 0.0, ["credentials"], id="no_money"),
        pytest.param(KeyError("x"), 1.0, ["unknown"] * 2, id="a_bug"),
    ],
)
async def test_the_reaction_is_the_one_that_is_wanted(plant, error, seconds, kinds):
    """A ladder of retries does with each failure what helps, and no more."""
    async with planted(plant, RETRY) as tree:
        outcome = await tree.run("raiser", [error])
        assert (tree.now, tried(outcome)) == (seconds, kinds)


async def test_a_context_overflow_is_revised(plant):
    """The next attempt is told to make do with less."""
    overflow = Said("prompt is too long: 208310 tokens > 200000 maximum", status_code=400)
    async with planted(plant, (Revise(2),)) as tree:
        outcome = await tree.run("raiser", [overflow, "short"])
        assert outcome.output.startswith("short ('the input was too long for the model")


async def test_whose_classifiers_are_asked(plant):
    """The child's own first, then those of the supervisors above."""

    def never(error):
        return "transient"

    async with planted(
        plant, RETRY, (by_stock,), team=Work(classify=(by_weather,)), top=Work(classify=(never,))
    ) as tree:
        assert tried(await tree.run("raiser", [OSError("no stock in the storm")], task="a")) == ["deterministic"]
        assert tried(await tree.run("raiser", [KeyError("storm")], task="b")) == ["transient"] * 4
        assert tried(await tree.run("raiser", [KeyError("other")], task="c")) == ["transient"] * 4


async def test_a_classifier_may_say_when_to_come_back(plant):
    """A whole failure, with a wait in it."""
    async with planted(plant, RETRY, (lambda error: Failure("transient", "closed", retry_after=100.0),)) as tree:
        outcome = await tree.run("raiser", [KeyError("x"), "open"])
        assert (outcome.output, tree.now) == ("open", 100.0)


async def test_a_classifier_that_fails_harms_nobody(plant):
    """The task goes its way, and somebody is told of the classifier."""

    def wrong(error):
        raise LookupError("oops")

    async with planted(plant, RETRY, (wrong,)) as tree:
        outcome = await tree.run("raiser", [ConnectionError("lost")])
        assert tried(outcome) == ["transient"] * 4
        assert "oops" in str(outcome.evidence) or tree.told(HookFailed)


async def test_poison_is_quarantined_with_its_evidence(plant):
    """Twice the same crash: a dead letter that has all tries in it, and no third try, whoever sends it."""
    async with planted(plant, (Restart(5),)) as tree:
        outcome = await tree.run("raiser", [KeyError("x")])
        assert (outcome.status, tried(outcome)) == ("dead_letter", ["unknown"] * 2)
        (letter,) = tree.system.dead_letters
        assert (letter.reason, letter.recipient) == ("poison", "top/team/raiser")
        assert [attempt.crashed for attempt in letter.evidence.attempts] == [True, True]
        assert [event.task for event in tree.told(TaskQuarantined)] == ["t"]
        again = await tree.run("raiser", ["fine"])
        assert (again.status, again.failure, again.evidence.attempts) == ("failed", "unavailable", ())
        assert (await tree.run("raiser", ["fine"], task="another")).output == "fine"


async def test_poison_may_be_done_by_somebody_else(plant):
    """The ladder goes on; the child is not given the task again."""
    async with planted(plant, (Restart(5), Fallback(("clerk",)))) as tree:
        outcome = await tree.run("raiser", [KeyError("x")])
        assert (outcome.status, outcome.output) == ("fallback", "I do it by hand")
        again = await tree.run("raiser", [KeyError("x")])
        assert (again.output, again.evidence.attempts) == ("I do it by hand", ())


async def test_a_server_that_is_down_makes_no_poison(plant):
    """However many incarnations end over lost connections: the task is not to blame."""
    async with planted(plant, (Restart(5),)) as tree:
        outcome = await tree.run("raiser", [ConnectionError("lost")])
        assert (outcome.status, len(tried(outcome))) == ("failed", 6)
        assert tree.told(TaskQuarantined) == []
