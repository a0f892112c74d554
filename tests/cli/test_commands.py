"""The commands of the live view: what is typed behind `/desk` and `/dlq`, and what is shown for it."""

from __future__ import annotations

import asyncio
import io
import sys

import pytest
from rich.console import Console

from treeward.agents.agent import Agent
from treeward.agents.delivery import deliver
from treeward.agents.desk import PATIENCE
from treeward.agents.errors import NoDesk, ToolRefused, UnknownCase
from treeward.agents.events import CaseAnswered, CaseOpened
from treeward.cli import cases, commands, letters
from treeward.cli.commands import Mistake, ago, as_text, person, two_words, verb_of
from treeward.runtime.errors import ActorCrashed, CannotRedrive, UnknownLetter
from treeward.runtime.evidence import AttemptRecord, Evidence
from treeward.runtime.task import Outcome, Task
from treeward.runtime.usage import Usage
from treeward.supervisors.escalation import escalated
from treeward.trees.runtime import Runtime
from treeward.trees.spec import AgentNode, SupervisorNode, Tree

HERE = __name__


class Clerk(Agent):
    """Answers, fails, or dies, as the request says."""

    async def handle(self, task):
        if task.input == "crash":
            raise ValueError("crashed")
        if task.input == "fail":
            return Outcome(task.id, "failed", error="no luck")
        await asyncio.sleep(1)
        return f"done: {task.input}"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])
    monkeypatch.setattr(commands.getpass, "getuser", lambda: "ann")


def runtime(*desks):
    children = [AgentNode(agent=name, use="desk") for name in desks]
    children.append(AgentNode(agent="clerk", use=f"{HERE}:Clerk"))
    tree = Tree(name="top", tree=SupervisorNode(supervisor="top", backoff="none", children=children))
    return Runtime(tree, allow=[HERE], blocked_after=None)


async def shown(command, rt, words=""):
    """Returns what a command shows, as text without the spaces at the ends of lines."""
    console = Console(file=io.StringIO(), width=110, highlight=False, markup=False, emoji=False)
    async for part in command(rt, words):
        console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


EVIDENCE = Evidence(
    attempts=(
        AttemptRecord("top/clerk", 1, "first", "transient", "no line"),
        AttemptRecord("top/clerk", 2, "revise", "invalid_output"),
    ),
    spent=Usage(model_calls=3, cost=0.25),
    partial={"amount": 3},
    breakers={"top/clerk": "open"},
)


async def open_case(rt, id_="t", request="refund me", desk="top/desk", agent="top/clerk"):
    task = Task(id_, request, kind="billing", context={"customer": 7})
    await deliver(rt.ref(desk), escalated(task, "too odd", agent, "a draft", EVIDENCE))


# --- /desk ------------------------------------------------------------------------------------------


async def test_what_waits_is_listed():
    """`/desk` lists the open cases, how long they have waited, whose they are, why, and what was asked."""
    async with runtime("desk") as rt:
        assert await shown(cases.desk, rt) == "no case waits for a person\n"
        await open_case(rt)
        await asyncio.sleep(200)
        await open_case(rt, "u", {"text": "second"}, agent="")
        assert await shown(cases.desk, rt) == (
            "case    state  since  from       reason   request\n"
            "case-1  open   3m     top/clerk  too odd  refund me\n"
            'case-2  open   0s     -          too odd  {"text": "second"}\n'
        )


async def test_cases_of_another_state_are_listed():
    """`/desk list STATE` lists others, or all; a state that there is not is told with those that there are."""
    async with runtime("desk") as rt:
        await open_case(rt)
        await open_case(rt, "u")
        await shown(cases.desk, rt, "drop case-1 spam")
        assert (await shown(cases.desk, rt, "list dropped")).splitlines()[1].split()[:2] == ["case-1", "dropped"]
        assert [line.split()[0] for line in (await shown(cases.desk, rt, "list all")).splitlines()] == [
            "case",
            "case-1",
            "case-2",
        ]
        assert await shown(cases.desk, rt, "list returned") == "no case is returned\n"
        with pytest.raises(Mistake, match="there is no state 'closed': expected one of open, answered, returned, drop"):
            await shown(cases.desk, rt, "list closed")


@pytest.mark.parametrize("words", ["case-1", "show case-1", "  show   case-1 "])
async def test_one_case_is_shown(words):
    """A case is shown whole: request, reason, draft, facts, what was tried and spent, and what can be done with it."""
    async with runtime("desk") as rt:
        await open_case(rt)
        assert await shown(cases.desk, rt, words) == (
            "case-1, open, opened 0s ago\n"
            "request  refund me\n"
            "reason   too odd\n"
            "from     top/clerk\n"
            "kind     billing\n"
            "draft    a draft\n"
            'facts    {"customer": 7}\n'
            "tried    top/clerk, attempt 1 (first): no line\n"
            "tried    top/clerk, attempt 2 (revise): invalid_output\n"
            "spent    model calls 3, cost 0.25\n"
            'partial  {"amount": 3}\n'
            "breaker  top/clerk open\n"
            "/desk answer case-1 TEXT   /desk return case-1 NOTE   /desk drop case-1 REASON\n"
        )


@pytest.mark.parametrize(
    ("words", "says", "state", "text"),
    [
        ("answer case-1 Take  5 dollars.", "case-1 is answered", "answered", "Take  5 dollars."),
        ("drop case-1 spam", "case-1 is dropped", "dropped", "spam"),
        ("return case-1 look again", "case-1 is returned: top/clerk tries again", "returned", "look again"),
    ],
)
async def test_a_case_is_decided(words, says, state, text):
    """The text is everything behind the id; who has typed it is the user of the system."""
    async with runtime("desk") as rt:
        await open_case(rt)
        assert await shown(cases.desk, rt, words) == f"{says}\n"
        case = await rt.desk.show("case-1")
        assert (case.said[0].action, case.said[0].text, case.said[0].by) == (state, text, "ann")


async def test_what_was_said_of_a_case_is_shown():
    """A case that was decided shows by whom, in which words; one that is closed offers nothing more."""
    async with runtime("desk") as rt:
        await open_case(rt)
        await shown(cases.desk, rt, "return case-1 look again")
        await asyncio.sleep(PATIENCE)
        lines = (await shown(cases.desk, rt, "case-1")).splitlines()
    assert lines[0] == "case-1, answered, opened 2s ago"
    assert lines[-2:] == ["returned  look again (ann)", "answered  done: refund me (top/clerk)"]


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        ("show", Mistake, "the id is missing: expected /desk show ID"),
        ("answer", Mistake, "the id is missing: expected /desk answer ID TEXT"),
        ("answer case-1", Mistake, "the text is missing: expected /desk answer ID TEXT"),
        ("return case-1  ", Mistake, "the text is missing: expected /desk return ID NOTE"),
        ("drop case-1", Mistake, "the text is missing: expected /desk drop ID REASON"),
        ("anser case-1 yes", Mistake, "there is no /desk anser: did you mean answer?"),
        ("anser", Mistake, "there is no /desk anser: did you mean answer?"),
        ("xyz case-1 yes", Mistake, "there is no /desk xyz: expected /desk list [STATE], /desk show ID, /desk answer"),
        ("case-11", UnknownCase, "there is no case 'case-11': did you mean case-1?"),
        ("answer case-7 yes", UnknownCase, "there is no case 'case-7': did you mean case-"),
        ("x:case-1", NoDesk, "there is no desk at 'x': expected top/desk"),
        ("return case-2 again", ToolRefused, "case-2 came from no agent that could try again: answer it, or drop it"),
        ("answer case-3 no", ToolRefused, "case-3 was answered by Bob already: open a new case about it"),
    ],
)
async def test_mistakes_at_the_desk(words, error, says):
    """What is missing, unknown or not possible is said, with what was probably meant."""
    async with runtime("desk") as rt:
        await open_case(rt)
        await open_case(rt, "u", agent="")
        await open_case(rt, "v")
        await rt.desk.answer("case-3", "yes", by="Bob")
        with pytest.raises(error) as raised:
            await shown(cases.desk, rt, words)
        assert str(raised.value).startswith(says)


async def test_a_tree_without_a_desk_says_so():
    """`/desk` in a tree that has none says how to have one."""
    async with runtime() as rt:
        for words in ("", "case-1", "answer case-1 yes"):
            with pytest.raises(NoDesk, match="there is no desk in this tree"):
                await shown(cases.desk, rt, words)


async def test_several_desks():
    """Cases of several desks are listed with their desks; an id that only one has needs no desk."""
    async with runtime("first", "second") as rt:
        await open_case(rt, "a", desk="top/first")
        await open_case(rt, "b", desk="top/second")
        await open_case(rt, "c", desk="top/second")
        listed = [line.split()[0] for line in (await shown(cases.desk, rt)).splitlines()[1:]]
        assert listed == ["top/first:case-1", "top/second:case-1", "top/second:case-2"]
        with pytest.raises(Mistake, match="case-1 is at top/first and at top/second: say which, such as top/first:cas"):
            await shown(cases.desk, rt, "case-1")
        assert await shown(cases.desk, rt, "answer case-2 yes") == "case-2 is answered\n"
        assert await shown(cases.desk, rt, "answer top/second:case-1 yes") == "top/second:case-1 is answered\n"
        assert [line.split()[0] for line in (await shown(cases.desk, rt)).splitlines()[1:]] == ["top/first:case-1"]
        with pytest.raises(UnknownCase, match="did you mean case-1"):
            await shown(cases.desk, rt, "case-3")


def test_cases_as_they_happen():
    """A case that is opened, or decided, is one line, with its desk where there are several."""
    waits = CaseOpened("a/desk", 1, 0.0, "case-3", "t", "too odd")
    assert cases.opened(waits, several=False) == "case-3 waits for a person: too odd (/desk case-3)"
    assert cases.opened(waits, several=True) == "a/desk:case-3 waits for a person: too odd (/desk a/desk:case-3)"
    done = CaseAnswered("a/desk", 1, 0.0, "case-3", "t", "Bob", "dropped")
    assert cases.closed(done, several=False) == "case-3 was dropped by Bob (/desk case-3)"


async def test_a_case_cannot_give_the_terminal_orders():
    """What customers and agents have written is shown without control characters."""
    async with runtime("desk") as rt:
        await open_case(rt, request="a\x1b[2Jb\x07\nc", agent="top/\x1b[31mclerk")
        for words in ("", "case-1"):
            text = await shown(cases.desk, rt, words)
            assert "ab c" in text
            assert "\x1b" not in text


# --- /dlq -------------------------------------------------------------------------------------------


def lose(rt, *messages, reason="poison", recipient="top/clerk", **more):
    for message in messages:
        rt.system.dead_letters.add(message, recipient, reason, **more)


async def test_dead_letters_are_listed():
    """`/dlq` lists the letters that are kept, and counts all that there were by reason."""
    async with runtime() as rt:
        assert await shown(letters.dlq, rt) == "no dead letters\n"
        lose(rt, Task("t", "refund me"))
        await asyncio.sleep(7300)
        lose(rt, {"a": 1}, reason="stopped", recipient="top/gone")
        lose(rt, "b", error="it was lost")
        assert await shown(letters.dlq, rt) == (
            "3 dead letters; so far 2 poison, 1 stopped\n"
            "letter  since  reason   for        kind  what\n"
            "dl-1    2h     poison   top/clerk  task  refund me\n"
            'dl-2    0s     stopped  top/gone   dict  {"a": 1}\n'
            "dl-3    0s     poison   top/clerk  str   it was lost\n"
        )
        assert (await shown(letters.dlq, rt, "list stopped")).splitlines()[0] == (
            "1 dead letter with the reason stopped; so far 2 poison, 1 stopped"
        )


@pytest.mark.parametrize("words", ["dl-1", "show dl-1"])
async def test_one_letter_is_shown(words):
    """A letter is shown with what it says, for whom, why, and what was tried."""
    async with runtime() as rt:
        lose(rt, Task("t", "refund me", idempotency_key="k"), evidence=EVIDENCE, error="it died")
        assert await shown(letters.dlq, rt, words) == (
            "dl-1, poison, 0s ago\n"
            "for      top/clerk\n"
            "kind     task\n"
            "content  refund me\n"
            "task     t\n"
            "key      k\n"
            "error    it died\n"
            "tried    top/clerk, attempt 1 (first): no line\n"
            "tried    top/clerk, attempt 2 (revise): invalid_output\n"
            "/dlq redrive dl-1   /dlq purge dl-1\n"
        )


async def test_a_letter_is_redriven():
    """`/dlq redrive ID` says where it goes, and then what became of it."""
    async with runtime() as rt:
        lose(rt, Task("t", "a"), Task("u", "fail"))
        assert await shown(letters.dlq, rt, "redrive dl-1") == "dl-1 is given to top/clerk again\ndl-1: done: a\n"
        assert (await shown(letters.dlq, rt, "redrive dl-2")).splitlines()[1] == "dl-2: failed: no luck"
        assert [letter.reason for letter in rt.dead_letters] == ["failed again"]


async def test_all_letters_are_redriven():
    """`/dlq redrive all`, or those of one reason: what became of each is a line."""
    async with runtime() as rt:
        lose(rt, Task("t", "a"), Task("u", "b"))
        lose(rt, Task("v", "c"), reason="mailbox full", recipient="top/gone")
        text = await shown(letters.dlq, rt, "redrive all mailbox full")
        assert text.splitlines()[0] == "1 dead letter given again"
        assert "dl-3: CannotRedrive: dl-3 cannot be redriven: top/gone, which it was for, is gone" in text
        assert await shown(letters.dlq, rt, "redrive all poison") == (
            "2 dead letters given again\ndl-1: done: a\ndl-2: done: b\n"
        )
        await shown(letters.dlq, rt, "purge all")
        assert await shown(letters.dlq, rt, "redrive all") == "no dead letters given again\n"


@pytest.mark.parametrize(
    ("words", "says", "left"),
    [
        ("purge dl-2", "1 dead letter thrown away", ["dl-1", "dl-3"]),
        ("purge all mailbox full", "1 dead letter thrown away", ["dl-1", "dl-2"]),
        ("purge all", "3 dead letters thrown away", []),
        ("purge all nothing", "no dead letters thrown away", ["dl-1", "dl-2", "dl-3"]),
    ],
)
async def test_letters_are_purged(words, says, left):
    """`/dlq purge` throws away one, all, or all of one reason, and says how many."""
    async with runtime() as rt:
        lose(rt, "a", "b")
        lose(rt, "c", reason="mailbox full")
        assert await shown(letters.dlq, rt, words) == f"{says}\n"
        assert [letter.id for letter in rt.dead_letters] == left


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        ("show", Mistake, "the id is missing: expected /dlq show ID"),
        ("redrive", Mistake, "the id is missing: expected /dlq redrive ID | all [REASON]"),
        ("purge", Mistake, "the id is missing: expected /dlq purge ID | all [REASON]"),
        ("purge dl-1 poison", Mistake, "'poison' is too much: expected /dlq purge ID | all [REASON]"),
        ("show dl-1 now", Mistake, "'now' is too much: expected /dlq show ID"),
        ("redrve dl-1", Mistake, "there is no /dlq redrve: did you mean redrive?"),
        ("x dl-1", Mistake, "there is no /dlq x: expected /dlq list [REASON], /dlq show ID, /dlq redrive ID | all"),
        ("dl-22", UnknownLetter, "there is no dead letter 'dl-22': did you mean dl-2?"),
        ("redrive dl-9", UnknownLetter, "there is no dead letter 'dl-9': did you mean dl-"),
        ("purge nothing", UnknownLetter, "there is no dead letter 'nothing': list them to see their ids"),
        ("redrive dl-2", CannotRedrive, "dl-2 cannot be redriven: top/gone, which it was for, is gone"),
        ("redrive dl-3", ActorCrashed, "top/clerk (incarnation 1) crashed"),
    ],
)
async def test_mistakes_with_letters(words, error, says):
    """What is missing, unknown or not possible is said."""
    async with runtime() as rt:
        lose(rt, Task("t", "a"))
        lose(rt, "b", recipient="top/gone")
        lose(rt, ValueError)  # what the clerk cannot take
        rt.ref("top/clerk")._cell.actor.on_receive = crash
        with pytest.raises(error) as raised:
            await shown(letters.dlq, rt, words)
        assert str(raised.value).startswith(says)


def crash(message):
    raise ValueError("crashed")


async def test_a_plain_message_is_handled():
    """A message that is no task shows what its recipient has answered."""
    async with runtime() as rt:
        answers = iter((None, 7))
        rt.ref("top/clerk")._cell.actor.on_receive = lambda message: next(answers)
        lose(rt, "a", "b")
        assert (await shown(letters.dlq, rt, "redrive dl-1")).splitlines()[1] == "dl-1: handled"
        assert (await shown(letters.dlq, rt, "redrive dl-2")).splitlines()[1] == "dl-2: handled, 7"


# --- words ------------------------------------------------------------------------------------------

VERBS = {"list": "[STATE]", "show": "ID", "answer": "ID TEXT"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ("list", "")),
        ("   ", ("list", "")),
        ("list open", ("list", "open")),
        ("case-1", ("show", "case-1")),
        ("show case-1", ("show", "case-1")),
        ("answer case-1  two  words ", ("answer", "case-1  two  words")),
    ],
)
def test_the_verb_of_a_command(words, expected):
    """Nothing means `list`, an id alone means `show`, and else the first word is the verb."""
    assert verb_of("/desk", words, VERBS) == expected


def test_an_id_and_a_text():
    """What is behind the id is the text, as it was typed."""
    assert two_words("/desk", "case-1  a  b ", "answer ID TEXT") == ("case-1", "a  b")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (0, "0s"), (59.4, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86_399, "23h"), (200_000, "2d")],
)
def test_how_long_ago(seconds, text):
    """A time is shown in its largest whole unit."""
    assert ago(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("a\nb", "a b"), ({"a": [1]}, '{"a": [1]}'), (None, "null"), (object, "\"<class 'object'>\"")],
)
def test_a_value_on_one_line(value, text):
    """A text stands as it is, all else as JSON."""
    assert as_text(value) == text


def test_a_user_without_a_name(monkeypatch):
    """Where the system knows no name, the user's number does."""

    def unknown():
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr(commands.getpass, "getuser", unknown)
    monkeypatch.setattr(commands.os, "getuid", lambda: 1234)
    assert person() == "user 1234"
