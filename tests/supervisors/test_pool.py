"""A pool: identical children behind one ref, whose number can change while it runs."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.errors import ActorCrashed, ActorStopped, AskTimeout, MailboxFull
from treeward.runtime.exits import Exit
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task
from treeward.supervisors.errors import InvalidSpec, Unsupported
from treeward.supervisors.pool import Pool, PoolSpec
from treeward.supervisors.spec import Backoff, ChildSpec, Intensity

ROUTES = ["round_robin", "least_mailbox", "consistent_hash", "broadcast"]
SLOW = Backoff(initial=10, jitter="none")


class Member(Actor):
    """Says who it is and what it got; takes its time, or crashes, if it is told to."""

    expected = (LookupError,)

    def __init__(self, got=None, seconds=0):
        self.got = got
        self.seconds = seconds

    def on_receive(self, message):
        match message:
            case BaseException():
                raise message
            case ("stop", reason):
                return self.stop(reason)
        return self.handle(message)

    async def handle(self, message):
        number = int(self.path.rpartition("/")[2])
        if self.got is not None:
            self.got.append((number, message))
        if self.seconds:
            await asyncio.sleep(self.seconds)
        return number


def pool(lab, size, route="round_robin", member=None, arguments=(), **options):
    """Runs a pool; `member` are options of the members' spec, `arguments` those of their constructor."""
    child = ChildSpec(id="w", start=Factory(Member, arguments), **(member or {}))
    return lab.run(kind=Pool, spec=PoolSpec(child=child, size=size, route=route, **options))


async def asked(top, messages, **options):
    """Returns the replies of the pool to several messages, asked all at once."""
    return await asyncio.gather(*(_value(top.ref.ask(message, **options)) for message in messages))


async def _value(call):
    return await call


# --- the options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "pool size is 0: expected a whole number, 1 or more"),
        ({"size": 1.5}, "pool size is 1.5: expected a whole number, 1 or more"),
        ({"size": True}, "pool size is True: expected a whole number, 1 or more"),
        ({"route": "random"}, "pool route is 'random': expected one of round_robin, least_mailbox"),
        ({"key": ""}, "pool key is '': expected the name"),
        ({"intensity": 3}, "intensity is 3: expected an Intensity"),
        ({"backoff": 3}, "backoff is 3: expected a Backoff"),
        ({"child": Member}, "expected a ChildSpec"),
        ({"child": ChildSpec(id="w", start=Member, restart="temporary")}, "since a pool keeps its size"),
        (
            {"child": ChildSpec(id="w", start=Member, restart="transient", significant=True)},
            "significant of 'w' is True: expected false",
        ),
    ],
)
def test_options_are_checked(options, message):
    """Each option of a pool says what is legal for it."""
    with pytest.raises(InvalidSpec) as caught:
        PoolSpec(**{"child": ChildSpec(id="w", start=Member), "size": 3, **options})
    assert message in str(caught.value)


def test_defaults():
    """round_robin, by the key `id`, 3 restarts within 5 s, no backoff."""
    spec = PoolSpec(child=ChildSpec(id="w", start=Member), size=3)
    assert (spec.route, spec.key, spec.intensity, spec.backoff) == ("round_robin", "id", Intensity(), None)


async def test_members_are_numbered_from_1(lab):
    """Whatever the id of the template."""
    async with pool(lab, 3) as top:
        assert await top.states() == {"1": "running", "2": "running", "3": "running"}
        assert (await top.child_spec("2")).id == "2"


# --- routes -----------------------------------------------------------------------------------------


async def test_round_robin_gives_each_its_turn(lab):
    """One after the other, from the first on."""
    async with pool(lab, 3) as top:
        assert [await top.ref.ask("who") for _ in range(7)] == [1, 2, 3, 1, 2, 3, 1]


async def test_least_mailbox_gives_to_whom_has_least_to_do(lab):
    """Counting what waits and what is in hand; the first of equals."""
    async with pool(lab, 3, "least_mailbox", arguments=(None, 10)) as top:
        top.child("1").tell("busy")
        top.child("1").tell("waits")
        top.child("2").tell("busy")
        await lab.quiet()
        assert await asked(top, range(6)) == [3, 2, 3, 1, 2, 3]


async def test_consistent_hash_gives_equal_keys_to_the_same_member(lab):
    """By the attribute `id`, from whatever sender, as often as it comes."""

    @dataclass
    class Job:
        id: int

    async with pool(lab, 5, "consistent_hash") as top:
        jobs = [Job(number) for number in range(50)] * 2
        owners = await asked(top, jobs)
        assert owners[:50] == owners[50:]
        assert set(owners) == {1, 2, 3, 4, 5}


async def test_the_key_is_an_attribute_or_a_mappings_key(lab):
    """`key` names it; what has no such key belongs where its text does."""
    async with pool(lab, 5, "consistent_hash", key="customer") as top:
        mapping = await asked(top, [{"customer": 7, "n": n} for n in range(10)])
        attribute = await asked(top, [type("Job", (), {"customer": 7})() for _ in range(10)])
        assert len({*mapping, *attribute}) == 1
        assert len(set(await asked(top, ["same text"] * 10))) == 1
        assert len(set(await asked(top, [f"text {n}" for n in range(100)]))) == 5


async def test_broadcast_gives_to_all_and_an_ask_returns_the_list_of_all_replies(lab):
    """In the members' order, when the last has replied."""
    got = []
    async with pool(lab, 3, "broadcast", arguments=(got, 2)) as top:
        assert await top.ref.ask("hello") == [1, 2, 3]
        assert lab.now() == 2.0
        assert sorted(got) == [(1, "hello"), (2, "hello"), (3, "hello")]


async def test_a_told_broadcast_reaches_all(lab):
    """Without anybody who waits for the replies."""
    got = []
    async with pool(lab, 3, "broadcast", arguments=(got,)) as top:
        top.ref.tell("hello")
        await lab.quiet()
        assert sorted(got) == [(1, "hello"), (2, "hello"), (3, "hello")]


async def test_a_broadcast_fails_as_the_first_member_that_fails(lab):
    """The error is the member's: a crash, or an expected exception."""
    async with pool(lab, 3, "broadcast", intensity=lab.MANY) as top:
        with pytest.raises(KeyError):
            await top.ref.ask(KeyError("expected"))
        with pytest.raises(ActorCrashed, match="top/1"):
            await top.ref.ask(lab.Boom())
        await lab.quiet()
        assert await top.ref.ask("again") == [1, 2, 3]


async def test_a_broadcast_keeps_the_senders_deadline(lab):
    """A member that has not begun by then does not begin."""
    got = []
    async with pool(lab, 2, "broadcast", arguments=(got, 5)) as top:
        top.child("2").tell("busy")
        with pytest.raises(AskTimeout):
            await top.ref.ask("late", timeout=3)
        await lab.at(20)
        assert sorted(got) == [(1, "late"), (2, "busy")]


# --- replies and errors -----------------------------------------------------------------------------


@pytest.mark.parametrize("route", ROUTES[:3])
async def test_the_reply_comes_from_the_member(lab, route):
    """The pool is free for the next message meanwhile."""
    async with pool(lab, 2, route, arguments=(None, 5)) as top:
        reply = top.ref.ask("slow", block=False)
        await lab.quiet()
        assert len(await top.which_children()) == 2
        assert lab.now() == 0.0
        assert await reply in (1, 2)
        assert lab.now() == 5.0


@pytest.mark.parametrize("route", ROUTES[:3])
async def test_an_error_comes_from_the_member(lab, route):
    """Expected ones as they are, a crash with the member's path."""
    async with pool(lab, 1, route) as top:
        with pytest.raises(KeyError):
            await top.ref.ask(KeyError("expected"))
        with pytest.raises(ActorCrashed, match="top/1"):
            await top.ref.ask(lab.Boom())


@pytest.mark.parametrize("route", ROUTES[:3])
async def test_a_deadline_goes_along_with_the_message(lab, route):
    """A member that has not begun by then skips it."""
    got = []
    async with pool(lab, 1, route, arguments=(got, 5)) as top:
        top.ref.tell("busy")
        with pytest.raises(AskTimeout):
            await top.ref.ask("late", timeout=3)
        await lab.at(20)
        assert got == [(1, "busy")]


async def test_a_members_bounded_mailbox_says_so(lab):
    """`fail`: the caller gets `MailboxFull`; `drop_oldest`: the oldest makes room; `wait`: there will be room."""
    for overflow, results in (
        ("fail", [1, 1, MailboxFull]),
        ("drop_oldest", [1, MailboxFull, 1]),
        ("wait", [1, 1, 1]),
    ):
        bounded = {"mailbox": MailboxSpec(1, overflow)}
        async with pool(lab, 1, member=bounded, arguments=(None, 5)) as top:
            first = top.ref.ask(0, block=False)
            await lab.quiet()
            rest = [top.ref.ask(number, block=False) for number in (1, 2)]
            replies = await asyncio.gather(first, *map(_value, rest), return_exceptions=True)
            assert [type(reply) if isinstance(reply, Exception) else reply for reply in replies] == results


async def test_a_pool_answers_calls_while_messages_pour_in(lab):
    """Its calls overtake them."""
    async with pool(lab, 2) as top:
        for number in range(1000):
            top.ref.tell(number)
        assert (await top.count_children()).active == 2
        await lab.quiet()


# --- supervision ------------------------------------------------------------------------------------


async def test_members_are_restarted_one_for_one(lab):
    """The others notice nothing."""
    async with pool(lab, 3) as top:
        await top.crash("2")
        assert lab.trace == ["-21", "+22"]


async def test_the_pool_gives_up_as_any_supervisor(lab):
    """Its intensity counts the deaths of all members; the others are stopped, newest first."""
    async with pool(lab, 3, intensity=Intensity(1, 5)) as top:
        await top.crash("1")
        await top.crash("2")
        assert lab.trace[2:] == ["-21", "-31", "-12", "-top1"]
        assert lab.reasons["top1"] is Exit.SHUTDOWN


@pytest.mark.parametrize("route", ["round_robin", "least_mailbox"])
async def test_members_that_are_being_restarted_are_passed_over(lab, route):
    """What can be done by another does not wait for the backoff."""
    async with pool(lab, 3, route, backoff=SLOW) as top:
        await top.crash("2")
        assert set(await asked(top, range(6))) == {1, 3}
        assert lab.now() == 0.0
        await lab.at(11)
        assert set(await asked(top, range(6))) == {1, 2, 3}


async def test_a_message_that_belongs_to_one_waits_for_that_one(lab):
    """consistent_hash: the key's member, also while it is being restarted."""
    async with pool(lab, 3, "consistent_hash", backoff=SLOW) as top:
        owner = await top.ref.ask("key")
        await top.crash(str(owner))
        assert await top.ref.ask("key") == owner
        assert lab.now() == 10.0


async def test_if_all_are_being_restarted_messages_wait(lab):
    """They are kept in a member's mailbox."""
    async with pool(lab, 2, backoff=SLOW) as top:
        await top.crash("1")
        await top.crash("2")
        assert sorted(await asked(top, range(4))) == [1, 1, 2, 2]
        assert lab.now() == 10.0


@pytest.mark.parametrize("route", ROUTES)
async def test_members_that_are_stopped_get_nothing(lab, route):
    """A transient member that has ended is left out, and its keys go to others."""
    async with pool(lab, 3, route, member={"restart": "transient"}) as top:
        await top.send("2", ("stop", Exit.NORMAL))
        replies = await asked(top, range(30))
        assert set(replies[0] if route == "broadcast" else replies) == {1, 3}
        await top.restart_child("2")
        replies = await asked(top, range(30))
        assert set(replies[0] if route == "broadcast" else replies) == {1, 2, 3}


@pytest.mark.parametrize("route", ROUTES)
async def test_if_all_are_stopped_messages_become_dead_letters(lab, route):
    """Who asks gets an error, or an empty list from a broadcast; the pool lives."""
    async with pool(lab, 2, route, member={"restart": "transient"}) as top:
        for number in ("1", "2"):
            await top.send(number, ("stop", Exit.NORMAL))
        if route == "broadcast":
            assert await top.ref.ask("hello") == []
        else:
            with pytest.raises(ActorStopped):
                await top.ref.ask("hello")
        top.ref.tell("hello")
        await lab.quiet()
        assert [letter.reason for letter in top.system.dead_letters] == ["stopped"] * 2
        assert top.ref.is_alive()


async def test_a_member_that_declines_is_left_out(lab):
    """It is `stopped`; the others do the work."""
    spec = PoolSpec(child=lab.spec("w"), size=3)
    lab.starts["w"].append(None)
    lab.decline("w")
    async with lab.run(kind=Pool, spec=spec) as top:
        assert await top.states() == {"1": "running", "2": "stopped", "3": "running"}
        top.ref.tell("a")
        top.ref.tell("b")
        await lab.quiet()
        assert len(lab.got) == 2


@pytest.mark.parametrize("call", ["start_child", "terminate_child", "delete_child"])
async def test_members_come_and_go_by_resize_alone(lab, call):
    """The calls of a static supervisor that would change the size are errors that say what to use."""
    async with pool(lab, 2) as top:
        with pytest.raises(Unsupported, match="use resize"):
            await getattr(top, call)(lab.spec("x") if call == "start_child" else "1")
        assert await top.states() == {"1": "running", "2": "running"}


# --- its size ---------------------------------------------------------------------------------------


async def test_resize_starts_members_or_ends_the_newest(lab):
    """It returns the size when all have started, or ended."""
    async with pool(lab, 2) as top:
        assert await top.resize(4) == 4
        assert lab.trace == ["+31", "+41"]
        lab.forget()
        assert await top.resize(1) == 1
        assert lab.trace == ["-41", "-31", "-21"]
        assert await top.resize(1) == 1
        assert [await top.ref.ask("who") for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("size", [0, -1, 1.5, "3", None, True])
async def test_an_illegal_size_changes_nothing(lab, size):
    """The error says what is legal."""
    async with pool(lab, 2) as top:
        with pytest.raises(InvalidSpec, match="expected a whole number, 1 or more"):
            await top.resize(size)
        assert await top.states() == {"1": "running", "2": "running"}


@pytest.mark.parametrize("route", ROUTES[:3])
async def test_resize_under_load_loses_nothing(lab, route):
    """Each of 300 messages is handled once and answered, while the size changes again and again."""
    got = []
    async with pool(lab, 4, route, arguments=(got, 0.5), member={"shutdown": "infinity"}) as top:
        replies = []
        for step, size in enumerate((1, 6, 2, 8, 3, 1)):
            replies += [top.ref.ask((step, number), block=False) for number in range(50)]
            await top.resize(size)
        assert len(await asyncio.gather(*map(_value, replies))) == 300
        assert Counter(message for _, message in got) == Counter(
            {(step, number): 1 for step in range(6) for number in range(50)}
        )
        assert len(top.system.dead_letters) == 0


async def test_what_waits_for_a_member_that_ends_goes_to_the_others_in_order(lab):
    """The message in hand is finished first, as its shutdown allows."""
    got = []
    async with pool(lab, 2, arguments=(got, 1)) as top:
        for number in range(6):  # 1 gets 0, 2, 4; 2 gets 1, 3, 5
            top.ref.tell(number)
        await lab.quiet()
        await top.resize(1)
        await lab.at(20)
        assert got == [(1, 0), (2, 1), (1, 2), (1, 4), (1, 3), (1, 5)]


async def test_a_broadcast_is_not_handled_twice_for_a_resize(lab):
    """What a member that ends had not begun is left out of the list: the others have it already."""
    got = []
    async with pool(lab, 3, "broadcast", arguments=(got, 1)) as top:
        first, second = top.ref.ask("a", block=False), top.ref.ask("b", block=False)
        await lab.quiet()
        await top.resize(2)
        assert await first == [1, 2, 3]
        assert await second == [1, 2]
        assert sorted(got) == [(1, "a"), (1, "b"), (2, "a"), (2, "b"), (3, "a")]


async def test_resize_is_kept_over_a_members_restart_but_not_over_the_pools(lab):
    """A pool that is restarted has the size of its spec again."""
    spec = PoolSpec(child=ChildSpec(id="w", start=Member), size=2)
    async with lab.run(lab.nested("pool", kind=Pool, spec=spec)) as top:
        await top.handle("pool").resize(3)
        await top.crash("pool/3")
        assert (await top.handle("pool").count_children()).active == 3
        await top.kill("pool")
        assert (await top.handle("pool").count_children()).specs == 2


@given(
    keys=st.lists(st.text(max_size=8), min_size=1, max_size=60, unique=True),
    before=st.integers(1, 9),
    after=st.integers(1, 9),
)
async def test_a_change_of_size_moves_only_the_share_that_has_to_move(new_lab, keys, before, after):
    """consistent_hash: growing moves keys only to the new members, shrinking only those of the old ones."""
    lab = new_lab()
    async with pool(lab, before, "consistent_hash") as top:
        owners = dict(zip(keys, await asked(top, keys), strict=True))
        await top.resize(after)
        moved = {key: owner for key, owner in zip(keys, await asked(top, keys), strict=True) if owner != owners[key]}
        if after >= before:
            assert all(owner > before for owner in moved.values())
        else:
            assert set(moved) == {key for key, owner in owners.items() if owner > after}


async def test_the_share_that_moves_is_about_the_one_that_has_to(lab):
    """From 9 to 10 members, a tenth of the keys moves; the load is spread evenly."""
    keys = [f"customer-{number}" for number in range(5000)]
    async with pool(lab, 9, "consistent_hash") as top:
        before = await asked(top, keys)
        await top.resize(10)
        after = await asked(top, keys)
        moved = sum(a != b for a, b in zip(before, after, strict=True))
        assert 350 < moved < 650
        assert all(400 < count < 600 for count in Counter(after).values())


async def test_a_reload_may_change_everything(lab):
    """Route, size, key and members; what is left out falls back to its default."""
    async with pool(lab, 2, "broadcast", backoff=SLOW) as top:
        spec = PoolSpec(child=ChildSpec(id="w", start=Factory(Member, (None, 0))), size=3)
        await top.reload(spec)
        assert [await top.ref.ask("who") for _ in range(3)] == [1, 2, 3]
        assert top.actor._spec.backoff is None


async def test_a_task_belongs_where_its_context_says():
    """The key of a consistent hash may be a field of a task's context: one customer's tasks go to one member."""
    spec = PoolSpec(child=ChildSpec(id="w", start=Sayer), size=4, route="consistent_hash", key="customer")
    async with ActorSystem(blocked_after=None) as system:
        pool = system.launch(Factory(Pool, (spec,)), path="pool")
        tasks = [Task(f"t{n}", n, context={"customer": "c7"}) for n in range(20)]
        assert len({(await pool.ask(task)).output for task in tasks}) == 1


class Sayer(Actor):
    """Says where it is."""

    def on_receive(self, message):
        return self.path
