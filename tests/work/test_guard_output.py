"""What judges have not let pass reaches nobody: not as an output, not as a draft, not as evidence."""

from __future__ import annotations

import asyncio

import pytest

from treeward.agents.agent import Agent, NeedsHuman
from treeward.agents.delivery import deliver
from treeward.agents.desk import Desk
from treeward.agents.errors import ToolRefused
from treeward.runtime.evidence import Verdict
from treeward.runtime.task import Outcome, Usage
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.work.ladder import Escalate, Fallback, Restart, Retry
from treeward.supervisors.work.policy import Work


def clean(output, task):
    """Rejects whatever has the word `bad` in it."""
    return "bad" not in repr(output)


STRICT = (FunctionJudge(clean),)


class Torn(Agent):
    """Tells of something bad, then does what the input says for the attempt."""

    def handle(self, task):
        step = task.input[min(task.attempt, len(task.input)) - 1]
        self.progress(f"bad {task.attempt}")
        if isinstance(step, Exception):
            raise step
        return step


def everything(outcome):
    """Returns all that an outcome shows of outputs, as one text."""
    evidence = outcome.evidence
    return repr((outcome.output, [part.output for part in outcome.parts], evidence and evidence.partial))


async def test_what_a_lost_attempt_told_is_no_evidence_before_it_was_judged(plant):
    """An attempt that crashed has told something bad: the good outcome of the next one does not show it."""
    async with plant({"one": (Torn, Work(judges=STRICT))}) as tree:
        outcome = await tree.run("one", [RuntimeError("oh"), "fine"])
    assert (outcome.status, outcome.output) == ("ok", "fine")
    assert "bad" not in everything(outcome)


async def test_a_fallback_that_answers_shows_nothing_of_what_was_not_judged(plant):
    """Nor does the outcome that another one reached."""
    rules = Work(judges=STRICT, recovery=(Fallback(("two",)),))
    async with plant({"one": (Torn, rules), "two": (Torn, None)}) as tree:
        outcome = await tree.run("one", [RuntimeError("oh"), "fine"])
    assert (outcome.status, outcome.output) == ("fallback", "fine")
    assert "bad" not in everything(outcome)


async def test_the_evidence_of_a_poison_task_is_judged(plant):
    """The dead letter's evidence has only what the judges let pass."""
    async with plant({"one": (Torn, Work(judges=STRICT))}) as tree:
        outcome = await tree.run("one", [RuntimeError("oh")])
        (letter,) = tree.system.dead_letters
    assert outcome.status == "dead_letter"
    assert "bad" not in everything(outcome)
    assert letter.evidence.partial is None


async def test_the_evidence_of_a_poison_task_has_what_may_pass(plant):
    """What was told before the crash, and is good, is in the dead letter."""

    class Fine(Agent):
        def handle(self, task):
            self.progress("half of it")
            raise RuntimeError("oh")

    async with plant({"one": (Fine, Work(judges=STRICT))}) as tree:
        outcome = await tree.run("one", "x")
        (letter,) = tree.system.dead_letters
    assert (outcome.status, letter.evidence.partial) == ("dead_letter", "half of it")


@pytest.mark.parametrize("ladder", [(), (Retry(1),), (Fallback(("nobody",)),)])
async def test_the_output_of_a_failed_outcome_is_judged_too(plant, ladder):
    """An agent that says that it failed may say with what; only what the judges let pass goes on."""

    class Honest(Agent):
        def handle(self, task):
            return Outcome(task.id, "failed", task.input, error="I could not do it")

    async with plant({"one": (Honest, Work(judges=STRICT, recovery=ladder))}) as tree:
        bad = await tree.run("one", "bad")
        good = await tree.run("one", "fine", task="u")
    assert (bad.status, bad.output, bad.error) == ("failed", None, "I could not do it")
    assert "bad" not in everything(bad)
    assert (good.status, good.output) == ("failed", "fine")


async def test_a_draft_is_judged_where_no_desk_is_asked(plant):
    """A ladder without `escalate` gives the outcome back as it is; a draft that may not pass is an invalid output."""

    class Shy(Agent):
        def handle(self, task):
            return NeedsHuman("I may not decide this", task.input)

    async with plant({"one": (Shy, Work(judges=STRICT, recovery=()))}) as tree:
        bad = await tree.run("one", "bad")
        good = await tree.run("one", "fine", task="u")
    assert (bad.status, bad.output, bad.failure) == ("failed", None, "invalid_output")
    assert "bad" not in everything(bad)
    assert (good.status, good.output) == ("needs_human", "fine")


async def test_a_draft_that_may_not_pass_is_on_no_desk(plant):
    """The case has the reason, and no draft."""

    class Shy(Agent):
        def handle(self, task):
            return NeedsHuman("I may not decide this", "bad")

    children = {"one": (Shy, Work(judges=STRICT, recovery=(Escalate(),))), "desk": (Desk, None)}
    async with plant(children) as tree:
        outcome = await tree.run("one", "x")
        case = tree.cell("desk").actor.show("case-1")
    assert (outcome.status, outcome.output) == ("needs_human", {"case": "case-1"})
    assert (case.draft, "bad" in repr(case)) == (None, False)


async def test_the_partial_output_of_an_agent_that_failed_is_not_lost(plant):
    """What an agent has told before a tool refused it is what the outcome has."""

    class Refused(Agent):
        def handle(self, task):
            self.progress("half of it")
            raise ToolRefused("not today")

    async with plant({"one": (Refused, Work(recovery=()))}) as tree:
        outcome = await tree.run("one", "x")
    assert (outcome.status, outcome.output) == ("partial", "half of it")
    assert "not today" in outcome.error


async def test_what_a_fallback_has_told_by_the_deadline_is_not_lost(plant):
    """The deadline comes while another one has the task: the outcome has what that one told."""

    class Hung(Agent):
        async def handle(self, task):
            self.progress("half of it")
            await asyncio.get_running_loop().create_future()

    rules = Work(recovery=(Fallback(("two",)),))
    async with plant({"one": (Torn, rules), "two": (Hung, None)}) as tree:
        begun = tree.now
        outcome = await tree.run("one", [RuntimeError("oh")], deadline=3.0)
        took = tree.now - begun
        left = [tree.guard(name).deliveries for name in ("one", "two")]
    assert (outcome.status, outcome.output, took) == ("partial", "half of it", 3.0)
    assert [(part.agent, part.status) for part in outcome.parts][-1] == ("top/team/two", "partial")
    assert left == [{}, {}]


async def test_judges_that_are_asked_about_what_there_is_are_paid_for(plant):
    """What it costs to judge a partial output is in the outcome."""

    def dear(output, task):
        return Verdict("dear", accepted=True, usage=Usage(model_calls=1, cost=0.25))

    class Fine(Agent):
        def handle(self, task):
            self.progress("half of it")
            raise ToolRefused("not today")

    async with plant({"one": (Fine, Work(judges=(FunctionJudge(dear),), recovery=()))}) as tree:
        outcome = await tree.run("one", "x")
    assert (outcome.status, outcome.output, outcome.usage.cost) == ("partial", "half of it", 0.25)
    assert sum(part.usage.cost for part in outcome.parts) == 0.25


async def test_a_restart_is_no_way_round_the_judges(plant):
    """A fresh incarnation's output is judged like any other."""
    async with plant({"one": (Torn, Work(judges=STRICT, recovery=(Restart(2),)))}) as tree:
        outcome = await tree.run("one", [RuntimeError("oh"), "bad"])
    assert (outcome.status, outcome.failure) == ("failed", "invalid_output")
    assert "bad" not in everything(outcome)


class Frank(Agent):
    """Nobody judges it; each word costs a token."""

    def handle(self, task):
        self.charge(Usage(input_tokens=1))
        return task.input


async def test_what_others_have_said_for_a_rejected_output_is_not_shown(plant):
    """An agent makes its output of another one's; as that is rejected, the other one's words go with it."""

    class Echo(Agent):
        async def handle(self, task):
            word = "bad" if task.attempt == 1 else "fine"
            outcome = await deliver(self.system.ref("top/team/frank"), task.part(f"p{task.attempt}", "ask", word))
            return Outcome(task.id, "ok", outcome.output, outcome.parts, outcome.usage)

    async with plant({"one": (Echo, Work(judges=STRICT, recovery=(Retry(1),))), "frank": (Frank, None)}) as tree:
        outcome = await tree.run("one", "x")
    assert (outcome.status, outcome.output) == ("ok", "fine")
    assert [(part.agent, part.output) for part in outcome.parts][:2] == [
        ("top/team/frank", None),
        ("top/team/frank", "fine"),
    ]


async def test_what_a_fallback_has_said_in_vain_is_judged(plant):
    """A fallback fails, and says with what: it is shown if the judges of whom was asked let it pass."""

    class Sorry(Agent):
        def handle(self, task):
            self.charge(Usage(input_tokens=1))
            return Outcome(task.id, "failed", task.context["word"], error="I could not do it")

    rules = Work(judges=STRICT, recovery=(Fallback(("two",)),))
    async with plant({"one": (Torn, rules), "two": (Sorry, None)}) as tree:
        bad = await tree.run("one", [RuntimeError("oh")], context={"word": "bad"})
        good = await tree.run("one", [RuntimeError("oh")], context={"word": "fine"}, task="u")
    assert (bad.status, bad.output, good.status, good.output) == ("failed", None, "partial", "fine")
    assert "bad" not in everything(bad)
    assert [part.output for part in good.parts if part.agent.endswith("two")] == ["fine"]
