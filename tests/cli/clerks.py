"""Agents that do what the request says; the trees of these tests use them, in this process and in others."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from treeward.agents.agent import Agent, NeedsHuman
from treeward.agents.orchestrator import Orchestrator
from treeward.runtime.actor import Actor
from treeward.runtime.task import Outcome


class Clerk(Agent):
    """Answers with the request, after having done what its first word says."""

    async def handle(self, task):
        word, _, rest = str(task.input).partition(" ")
        return await getattr(self, f"do_{word}", self.do_nothing)(task, rest)

    async def do_nothing(self, task, rest):
        return f"done: {task.input}"

    async def do_context(self, task, rest):
        return dict(task.context)

    async def do_wait(self, task, rest):
        await asyncio.sleep(float(rest))
        return f"waited {rest}"

    async def do_crash(self, task, rest):
        raise ValueError(rest or "crashed")

    async def do_human(self, task, rest):
        return NeedsHuman("ask a person", "a draft")

    async def do_lose(self, task, rest):
        self.system.dead_letters.add(replace(task, input=rest), self.path, "poison")
        return "lost"

    async def do_mind(self, task, rest):
        return f"minded: {task.feedback[0]}" if task.feedback else NeedsHuman("too odd")

    async def do_status(self, task, rest):
        return Outcome(task.id, rest, "an output", error=None if rest == "ok" else "an error")

    async def do_print(self, task, rest):
        print("printed by the agent")  # noqa: T201 - it is what it is there for
        return "printed"

    async def do_evil(self, task, rest):
        return "before\x1b[2J\x1b]0;title\x07 after\x9b31m\u202e"

    async def do_object(self, task, rest):
        return {"self": self.__class__, "number": float("inf"), "bytes": b"\xff"}

    async def do_thread(self, task, rest):
        await asyncio.to_thread(time.sleep, 600)

    async def do_block(self, task, rest):
        time.sleep(600)  # noqa: ASYNC251 - it is what it is there for


class Sleeper(Actor):
    """Does nothing, for as long as it is let."""


class Ill(Actor):
    """Cannot live: it dies of its first message, which it sends to itself."""

    def on_start(self):
        self.after(0.01, "die")

    def on_receive(self, message):
        raise ValueError("cannot live")


class Done(Actor):
    """Ends by itself, orderly."""

    def on_start(self):
        self.after(0.01, "end")

    def on_receive(self, message):
        self.stop()


class BadConstructor(Actor):
    def __init__(self):
        raise ValueError("no such database")


class BadStart(Actor):
    async def on_start(self):
        raise ValueError("no such server")


class SlowStart(Actor):
    async def on_start(self):
        await asyncio.sleep(600)


class StuckStart(Actor):
    def on_start(self):
        time.sleep(600)


class Chief(Orchestrator):
    """Has the clerk do everything; what the clerk leaves to a person goes to the desk."""

    def classify(self, task):
        return ("work",)
