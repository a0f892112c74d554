"""I1, of messages: what is said of a message that is lost, and what becomes of one that is not."""

from collections import deque

from treeward.chaos.invariants.log import Log
from treeward.chaos.invariants.messages import NoMessageLost
from treeward.chaos.invariants.watch import Watch
from treeward.runtime.actor import Actor
from treeward.runtime.dead_letters import LettersPurged
from treeward.runtime.errors import ActorStopped
from treeward.runtime.faults import HANDLE, PUT, Visit
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.reply import Reply
from treeward.supervisors.pool import Pool, PoolSpec
from treeward.supervisors.requests import Resize
from treeward.supervisors.spec import ChildSpec


class Picky(Actor):
    """Puts the first message aside until the third has come, and dies over `die`; remembers what it has handled."""

    handled = ()

    def on_receive(self, message):
        if message == "die":
            raise ValueError("dead")
        if message == "first" and "third" not in self.handled:
            self.stash()
            return
        type(self).handled += (message,)
        if message == "third":
            self.unstash_all()


def put(on, name, message, reply=None, *, into=True):
    """Has a message go into a mailbox, as far as the invariant sees; `into` says whether it really does."""
    mailbox = on.cell(name).mailbox
    visit = Visit(PUT, f"top/{name}", 1, message, reply)
    on.invariant.send(visit, lambda envelope: mailbox.put(envelope) if into else None, (message, reply))


def handle(on, name, message, reply=None):
    on.cell(name).mailbox.messages.popleft()
    on.invariant.call(Visit(HANDLE, f"top/{name}", 1, message, reply), print)


async def test_kept(stage):
    """What is in the mailbox when the next incarnation begins is kept."""
    async with stage(NoMessageLost(), "a") as on:
        put(on, "a", "one")
        on.started("a", 2)
        handle(on, "a", "one")
        on.started("a", 3)
        on.invariant.settled(on)
        on.invariant.closed(on)
        assert on.told == []


async def test_lost(stage):
    """What has gone into the mailbox, and is not there when the next incarnation begins, is lost; it is told once."""
    async with stage(NoMessageLost(), "a") as on:
        on.now = 2.5
        put(on, "a", "one", into=False)
        put(on, "a", "two")
        on.started("a", 2)
        on.started("a", 3)
        on.invariant.settled(on)
        on.cell("a").mailbox.messages = deque()
        assert on.told == [
            "top/a: str, put at 2.500000 s, is not in the mailbox any more, and incarnation 2 began without it"
        ]


async def test_lost_without_a_restart(stage):
    """A message that is gone by the time that all has settled is lost, too."""
    async with stage(NoMessageLost(), "a", "b") as on:
        put(on, "a", "one", into=False)
        on.invariant.settled(on)
        assert on.told == ["top/a: str, put at 0.000000 s, is not in the mailbox any more, and nobody has handled it"]


async def test_lost_at_the_end(stage):
    """What waits when the runtime is closed becomes a dead letter, or is answered for."""
    async with stage(NoMessageLost(), "a") as on:
        put(on, "a", "one")
        put(on, "a", "two", Reply(loop=on.system.loop))
        on.cell("a").mailbox.messages.clear()
        on.invariant.closed(on)
        assert [text.partition(",")[0] for text in on.told] == ["top/a: str", "top/a: str"]
        assert on.told[0].endswith("was never handled nor answered for, and is no dead letter")


async def test_answered_for(stage):
    """A message whose sender has an answer, or does not wait any more, need not be handled."""
    async with stage(NoMessageLost(), "a") as on:
        replies = [Reply(loop=on.system.loop) for _ in range(3)]
        for number, reply in enumerate(replies):
            put(on, "a", f"message {number}", reply, into=False)
        replies[0].resolve("done")
        replies[1].fail(ActorStopped("top/a", None))
        replies[2].cancel()
        on.started("a", 2)
        on.invariant.closed(on)
        assert on.told == []


async def test_dead_letter(stage):
    """A message that is a dead letter is not lost, whoever has read it since."""
    async with stage(NoMessageLost(), "a") as on:
        one, two = object(), object()
        put(on, "a", one, into=False)
        on.system.dead_letters.add(one, "top/a", "stopped")
        on.started("a", 2)
        put(on, "a", two, into=False)
        on.tell(LettersPurged("", 0, 0.0, 1, None))
        on.invariant.closed(on)
        assert on.told == []


async def test_too_many_letters(stage):
    """Where dead letters were thrown away to make room for others, nobody can say which."""
    async with stage(NoMessageLost(), "a") as on:
        put(on, "a", "one", into=False)
        on.system.dead_letters.dropped = 1
        on.started("a", 2)
        assert on.told == []


async def test_one_message_twice(stage):
    """One object sent twice is two messages: to handle it once is to lose the other."""
    async with stage(NoMessageLost(), "a") as on:
        put(on, "a", "one")
        put(on, "a", "one", into=False)
        handle(on, "a", "one")
        on.started("a", 2)
        assert len(on.told) == 1


async def test_real_actors(stage):
    """Stashed messages, crashes, full mailboxes and stopped actors lose nothing."""
    Picky.handled = ()
    child = {"start": Picky, "mailbox": MailboxSpec(4, "drop_oldest")}
    async with stage(NoMessageLost(), "a", child=child) as on:
        Watch((on.invariant,), Log()).start(on)
        for number, message in enumerate(("first", "die", "second", "third", "and", "so", "on", "too many")):
            on.system.ref("top/a").tell(message)
            if number in (0, 1):
                await on.system.clock.sleep(1)
        await on.system.clock.sleep(1)
        on.invariant.settled(on)
        assert Picky.handled == ("so", "on", "too many")
        assert [letter.message for letter in on.system.dead_letters] == ["second", "third", "and"]
        on.system.ref("top/a").tell("for the letters")
    on.invariant.closed(on)
    assert on.told == []


async def test_pool(stage):
    """What waited for a member of a pool that is taken away goes to the others, and is not lost."""
    Picky.handled = ()
    async with stage(NoMessageLost()) as on:
        Watch((on.invariant,), Log()).start(on)
        spec = PoolSpec(child=ChildSpec(id="p", start=Picky), size=3)
        pool = on.system.spawn(Pool, spec)
        for number in range(9):
            pool.tell(number)
        await pool.ask(Resize(1), block=False)
        await on.system.clock.sleep(1)
        on.invariant.settled(on)
        assert sorted(Picky.handled) == [*range(9)]
    on.invariant.closed(on)
    assert on.told == []
