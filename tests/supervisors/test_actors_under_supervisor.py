"""SUPERVISION.md section 12: what an actor can rely on below a supervisor."""

from __future__ import annotations

import asyncio

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.errors import ActorCrashed, ActorStopped, AskTimeout, MailboxFull, NameTaken
from treeward.runtime.exits import Exit, Shutdown
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.signals import Exit as ExitSignal
from treeward.supervisors.errors import FailedToStart
from treeward.supervisors.spec import Backoff, ChildSpec, Intensity

SLOW = Backoff(initial=10, jitter="none")
DISPATCHERS = ["loop", pytest.param("thread", marks=pytest.mark.realtime)]


def child(cls, *args, **options):
    return ChildSpec(id="a", start=Factory(cls, args), **options)


async def _value(call):
    return await call


# --- an exception out of a handler ------------------------------------------------------------------


@pytest.mark.parametrize("dispatcher", DISPATCHERS)
async def test_an_exception_ends_the_incarnation_with_that_exception_as_the_reason(lab, dispatcher):
    """The very object, with its traceback."""
    error = ValueError("mine")
    async with lab.run() as top:
        ref = await top.start_child(lab.spec("a", dispatcher=dispatcher))
        with pytest.raises(ActorCrashed):
            await ref.ask(error)
        assert await ref.ask("who") == ("a", 2, "who")
        assert lab.reasons["a1"] is error
        assert error.__traceback__ is not None


@pytest.mark.parametrize("dispatcher", DISPATCHERS)
async def test_a_caller_that_waits_for_that_messages_reply_gets_actor_crashed_with_the_cause(lab, dispatcher):
    """The error names the actor, the incarnation and the cause."""
    error = ValueError("mine")
    async with lab.run() as top:
        ref = await top.start_child(lab.spec("a", dispatcher=dispatcher))
        with pytest.raises(ActorCrashed, match=r"top/a \(incarnation 1\) crashed: ValueError: mine") as caught:
            await ref.ask(error)
        assert (caught.value.path, caught.value.incarnation) == ("top/a", 1)
        assert caught.value.cause is error


@pytest.mark.parametrize("dispatcher", DISPATCHERS)
async def test_an_expected_exception_goes_to_the_caller_and_the_actor_lives(lab, dispatcher):
    """It is an answer: no restart, no event."""
    async with lab.run() as top:
        ref = await top.start_child(lab.spec("a", dispatcher=dispatcher))
        error = KeyError("declared as a LookupError")
        with pytest.raises(KeyError) as caught:
            await ref.ask(error)
        assert caught.value is error
        assert await ref.ask("who") == ("a", 1, "who")
        assert lab.trace == ["+a1"]


@pytest.mark.parametrize(
    "error", [SystemExit(3), asyncio.CancelledError(), GeneratorExit(), RecursionError()], ids=repr
)
async def test_what_would_end_a_program_ends_the_incarnation(lab, error):
    """`sys.exit()` in a handler is a crash as any other; the supervisor and its siblings live."""
    async with lab.run(*lab.specs("a b")) as top:
        await top.crash("a", error)
        assert lab.trace == ["-a1", "+a2"]
        assert lab.reasons["a1"] is error


async def test_endless_recursion_is_a_crash_as_any_other(lab):
    """The stack is unwound, and the next incarnation answers."""

    class Recurses(Actor):
        def on_receive(self, message):
            return self.incarnation if message == "who" else self.on_receive(message)

    async with lab.run(child(Recurses)) as top:
        with pytest.raises(ActorCrashed, match="RecursionError"):
            await top.child("a").ask("go")
        assert await top.child("a").ask("who") == 2


# --- messages that wait -----------------------------------------------------------------------------


@pytest.mark.parametrize("dispatcher", DISPATCHERS)
async def test_messages_that_wait_are_kept_for_the_next_incarnation_in_order(lab, dispatcher):
    """Behind each crash, the rest is handled by the next life; nothing is handled twice."""
    async with lab.run(intensity=lab.MANY) as top:
        ref = await top.start_child(lab.spec("a", dispatcher=dispatcher))
        for number in range(20):
            ref.tell(number)
            if number % 5 == 4:
                ref.tell(lab.Boom(number))
        await ref.ask("last")
        assert lab.got == [("a", 1 + n // 5, n) for n in range(20)] + [("a", 5, "last")]


@pytest.mark.parametrize("how", ["killed", "group", "terminated", "failed_starts", "backoff", "supervisor"])
async def test_messages_survive_every_way_to_a_next_incarnation(lab, how):
    """Killed, taken down with siblings, restarted by hand, after failed starts, after a wait, with its supervisor."""
    inner = lab.nested("sup", *lab.specs("a b"), strategy="one_for_all", backoff=SLOW if how == "backoff" else None)
    async with lab.run(inner) as top:
        ref = top.child("sup/a")
        await top.send("sup/a", ("wait", 60))
        replies = [ref.ask(number, block=False) for number in range(3)]
        await lab.quiet()
        match how:
            case "killed" | "backoff":
                await top.kill("sup/a")
            case "group":
                lab.ends["a"] = 1
                await top.crash("sup/b")
            case "terminated":
                await top.handle("sup").terminate_child("a")
                await top.handle("sup").restart_child("a")
            case "failed_starts":
                lab.fail("a", 2)
                await top.kill("sup/a")
            case "supervisor":
                await top.kill("sup")
        assert [message for _, _, message in [await reply for reply in replies]] == [0, 1, 2]
        assert [message for _, _, message in lab.got] == [0, 1, 2]


async def test_a_ref_and_its_mailbox_survive_any_number_of_restarts_of_the_supervisors_above(lab):
    """Three levels down: the same ref, and what waited is handled."""
    tree = lab.nested("s1", lab.nested("s2", lab.nested("s3", lab.spec("a"))))
    async with lab.run(tree, intensity=lab.MANY) as top:
        ref = top.child("s1/s2/s3/a")
        for number, above in enumerate(("s1", "s1/s2", "s1/s2/s3")):
            ref.tell(("wait", 60))
            ref.tell(number)
            await lab.quiet()
            await top.kill(above)
        assert lab.got == [("a", 2, 0), ("a", 3, 1), ("a", 4, 2)]
        assert top.child("s1/s2/s3/a") is ref


@pytest.mark.parametrize(
    "how", ["temporary", "deleted", "reloaded", "dropped_with_its_group", "gave_up", "supervisor_deleted"]
)
async def test_they_are_lost_only_with_the_child_itself(lab, how):
    """Then each waiting caller gets an error, and each message goes to the dead letters."""
    restart = "temporary" if how in ("temporary", "dropped_with_its_group") else "permanent"
    limit = Intensity(0, 5) if how == "gave_up" else lab.MANY
    inner = lab.nested(
        "sup",
        lab.spec("a", restart=restart, shutdown=1),
        lab.spec("b"),
        strategy="one_for_all",
        intensity=limit,
        options={"restart": "temporary"},
    )
    async with lab.run(inner) as top:
        ref, sup = top.child("sup/a"), top.handle("sup")
        await top.send("sup/a", ("wait", 60))
        ref.tell("told")
        asked = ref.ask("asked", block=False)
        match how:
            case "temporary":
                await top.kill("sup/a")
            case "deleted":
                await sup.terminate_child("a")
                assert not asked.done()
                await sup.delete_child("a")
            case "reloaded":
                await sup.reload(lab.nested("x", lab.spec("b")).factory.args[0])
            case "dropped_with_its_group" | "gave_up":
                await top.crash("sup/b")
            case "supervisor_deleted":
                await top.terminate_child("sup")
        with pytest.raises(ActorStopped):
            await asked
        letters = [(letter.recipient, letter.message, letter.reason) for letter in top.system.dead_letters]
        assert letters == [("top/sup/a", "told", "stopped"), ("top/sup/a", "asked", "stopped")]
        assert not ref.is_alive()


async def test_stashed_messages_are_kept_too(lab):
    """What a life had put aside comes first in the next one."""

    class Stashes(Actor):
        def on_receive(self, message):
            if message == "boom":
                raise lab.Boom
            if self.incarnation == 1:
                return self.stash()
            lab.got.append((self.incarnation, message))
            return message

    async with lab.run(child(Stashes)) as top:
        reply = top.child("a").ask("first", block=False)
        for message in ("second", "boom", "third"):
            top.child("a").tell(message)
        assert await reply == "first"
        await lab.quiet()
        assert lab.got == [(2, "first"), (2, "second"), (2, "third")]


# --- asking with a timeout --------------------------------------------------------------------------


async def test_ask_with_a_timeout_gets_a_timeout_error(lab):
    """At its time, exactly."""
    async with lab.run(lab.spec("a")) as top:
        with pytest.raises(AskTimeout, match="top/a did not reply within 3 s"):
            await top.child("a").ask(("wait", 10), timeout=3)
        assert lab.now() == 3.0


async def test_a_late_reply_is_dropped(lab):
    """The handler ends as if somebody listened; nothing comes of it."""
    async with lab.run(lab.spec("a")) as top:
        with pytest.raises(AskTimeout):
            await top.child("a").ask(("wait", 10), timeout=3)
        await lab.at(20)
        assert len(top.system.dead_letters) == 0
        assert lab.trace == []


async def test_a_handler_that_has_not_begun_by_the_deadline_is_skipped(lab):
    """The message carries its deadline; what nobody waits for is not done."""
    async with lab.run(lab.spec("a")) as top:
        await top.send("a", ("wait", 10))
        with pytest.raises(AskTimeout):
            await top.child("a").ask("late", timeout=3)
        in_time = top.child("a").ask("in time", timeout=30)
        assert await in_time == ("a", 1, "in time")
        assert [message for _, _, message in lab.got] == ["in time"]


async def test_a_deadline_is_kept_over_a_restart(lab):
    """A message that waits for a child that is backing off is skipped if its time has passed."""
    async with lab.run(lab.spec("a"), backoff=SLOW) as top:
        await top.crash("a")
        with pytest.raises(AskTimeout):
            await top.child("a").ask("too early", timeout=9)
        assert await top.child("a").ask("patience", timeout=2) == ("a", 2, "patience")
        assert [message for _, _, message in lab.got] == ["patience"]


# --- monitors and links -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        pytest.param(("stop", Exit.NORMAL), Exit.NORMAL, id="normal"),
        pytest.param(("stop", Exit.SHUTDOWN), Exit.SHUTDOWN, id="shutdown"),
        pytest.param(("stop", Shutdown(1)), Shutdown(1), id="shutdown_detail"),
        pytest.param(ValueError("x"), ValueError, id="exception"),
        pytest.param(None, Exit.KILLED, id="killed"),
    ],
)
async def test_a_monitor_gets_exactly_one_down_with_the_reason(lab, end, reason):
    """ref, incarnation, reason; once, although the child comes back."""
    async with lab.run(lab.spec("a")) as top:
        seen = await top.watch(top.child("a"))
        await (top.kill("a") if end is None else top.send("a", end))
        await top.kill("a")
        (down,) = seen
        assert (down.ref, down.incarnation) == (top.child("a"), 1)
        assert down.reason == reason or isinstance(down.reason, reason)


async def test_each_incarnation_that_is_watched_has_its_own_down(lab):
    """Three watched lives are three messages, in order, each once."""
    async with lab.run(lab.spec("a")) as top:
        seen = []
        watcher = top.system.spawn(type("W", (_Watcher,), {}), seen)
        for _ in range(3):
            watcher.tell(top.child("a"))
            await lab.quiet()
            await top.crash("a")
        assert [down.incarnation for down in seen] == [1, 2, 3]


class _Watcher(Actor):
    def __init__(self, seen):
        self.seen = seen

    def on_receive(self, message):
        if hasattr(message, "incarnation") and hasattr(message, "reason"):
            self.seen.append(message)
        else:
            self.monitor(message)


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all"])
async def test_several_monitors_get_one_down_each(lab, strategy):
    """Also of children that are ended on purpose."""
    async with lab.run(*lab.specs("a b"), strategy=strategy) as top:
        seen = [await top.watch(top.child(name)) for name in "aabb"]
        await top.crash("a")
        await top.terminate_child("b")
        assert [len(downs) for downs in seen] == [1, 1, 1, 1]


async def test_a_monitor_of_one_that_was_dead_already_gets_its_down_at_once(lab):
    """With the incarnation and the reason of the life that has ended last."""
    async with lab.run(lab.spec("a")) as top:
        await top.kill("a")
        await top.terminate_child("a")
        (down,) = await top.watch(top.child("a"))
        assert (down.incarnation, down.reason) == (2, Exit.SHUTDOWN)


async def test_a_monitor_of_a_supervisor(lab):
    """A supervisor is an actor: its end is announced when all below it has ended."""
    async with lab.run(lab.nested("sup", lab.spec("a"))) as top:
        seen = await top.watch(top.child("sup"))
        lab.ends["a"] = 3
        await top.terminate_child("sup")
        assert [(down.incarnation, down.reason) for down in seen] == [(1, Exit.SHUTDOWN)]
        assert lab.times[-2:] == [(3.0, "-a1"), (3.0, "-sup1")]


class Linked(Actor):
    def __init__(self, other, heard=None):
        self.other = other
        self.heard = heard
        self.trap_exit = heard is not None

    def on_receive(self, message):
        if message == "link":
            self.link(self.other())
        elif isinstance(message, ExitSignal):
            self.heard.append(message.reason)


@pytest.mark.parametrize(
    ("reason", "carried"),
    [(Exit.NORMAL, False), (Exit.SHUTDOWN, True), (Exit.KILLED, True), (ValueError("x"), True)],
    ids=str,
)
async def test_a_link_carries_an_abnormal_exit_to_the_other_side(lab, reason, carried):
    """The linked child dies of the same reason, and its supervisor judges that death as any other."""
    linked = ChildSpec(id="b", start=Factory(Linked, (lambda: top.child("a"),)))
    async with lab.run(lab.spec("a"), linked) as top:
        await top.send("b", "link")
        await top.end("a", reason)
        assert ("-b1" in lab.trace) is carried
        if carried:
            assert lab.reasons["b1"] is reason
        assert await top.states() == {"a": "running", "b": "running"}


async def test_unless_that_side_traps_exits(lab):
    """Then the exit is a message, and both restarts are none of its business."""
    heard = []
    linked = ChildSpec(id="b", start=Factory(Linked, (lambda: top.child("a"), heard)))
    async with lab.run(lab.spec("a"), linked) as top:
        await top.send("b", "link")
        error = lab.Boom()
        await top.crash("a", error)
        assert heard == [error]
        assert lab.trace == ["-a1", "+a2"]


# --- what goes first --------------------------------------------------------------------------------


async def test_stop_goes_before_ordinary_messages(lab):
    """A child that is busy, and has a thousand messages, is stopped before the first of them."""
    async with lab.run(lab.spec("a")) as top:
        await top.send("a", ("wait", 1))
        for number in range(1000):
            top.child("a").tell(number)
        await top.terminate_child("a")
        assert lab.got == []
        assert len(top.child("a")._cell.mailbox) == 1000


async def test_exit_signals_go_before_ordinary_messages(lab):
    """The crash of a linked actor ends it before what waits."""
    linked = ChildSpec(id="b", start=Factory(Linked, (lambda: top.child("a"),)), restart="temporary")
    async with lab.run(lab.spec("a"), linked) as top:
        await top.send("b", "link")
        top.child("a").tell(lab.Boom())
        for number in range(200):
            top.child("b").tell(number)
        await lab.quiet()
        assert await top.states() == {"a": "running"}


async def test_supervision_requests_go_before_ordinary_messages(lab):
    """A supervisor under a flood answers its calls at once."""
    async with lab.run(lab.spec("a")) as top:
        for number in range(1000):
            top.ref.tell(number)
        await top.terminate_child("a")
        assert len(top.system.dead_letters) < 1000
        await lab.quiet()
        assert len(top.system.dead_letters) == 1000


@pytest.mark.parametrize("overflow", ["wait", "drop_newest", "drop_oldest", "fail"])
async def test_a_full_mailbox_never_blocks_them(lab, overflow):
    """A child with a full mailbox can be stopped, restarted, and killed."""
    async with lab.run(lab.spec("a", mailbox=MailboxSpec(1, overflow))) as top:
        await top.send("a", ("wait", 3))
        top.child("a").tell("fills it")
        await top.terminate_child("a")
        assert lab.times == [(3.0, "-a1")]
        await top.restart_child("a")
        await lab.quiet()
        assert lab.got == [("a", 2, "fills it")]


# --- bounded mailboxes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overflow", "handled", "refused", "dead"),
    [
        pytest.param("drop_newest", [0, 1], [2, 3], [2, 3], id="drop_newest"),
        pytest.param("drop_oldest", [2, 3], [0, 1], [0, 1], id="drop_oldest"),
        pytest.param("fail", [0, 1], [2, 3], [], id="fail"),
        pytest.param("wait", [0, 1, 2, 3], [], [], id="wait"),
    ],
)
async def test_what_is_dropped_goes_to_the_dead_letters(lab, overflow, handled, refused, dead):
    """Two fit while the child is busy; what becomes of the others is the declared policy's to say.

    With `fail` nothing is dropped: the sender has the message, and the error.
    """
    async with lab.run(lab.spec("a", mailbox=MailboxSpec(2, overflow))) as top:
        await top.send("a", ("wait", 3))
        replies = [asyncio.ensure_future(_value(top.child("a").ask(number))) for number in range(4)]
        await lab.at(5)
        results = await asyncio.gather(*replies, return_exceptions=True)
        assert [message for _, _, message in lab.got] == handled
        assert [letter.message for letter in top.system.dead_letters] == dead
        assert [n for n in range(4) if isinstance(results[n], MailboxFull)] == refused


async def test_mailboxes_are_unbounded_by_default(lab):
    """Ten thousand messages wait as well as one."""
    async with lab.run(lab.spec("a")) as top:
        await top.send("a", ("wait", 3))
        for number in range(10_000):
            top.child("a").tell(number)
        assert len(top.child("a")._cell.mailbox) == 10_000


async def test_a_sender_that_waits_for_room_learns_of_the_childs_end(lab):
    """A child that is stopped will make no room: who waits for it gets an error."""
    async with lab.run(lab.spec("a", mailbox=MailboxSpec(1, "wait"), shutdown="brutal_kill")) as top:
        await top.send("a", ("wait", 60))
        top.child("a").tell("fills it")
        sender = asyncio.ensure_future(top.child("a").send("no room"))
        await lab.quiet()
        await top.terminate_child("a")
        with pytest.raises(ActorStopped):
            await sender


# --- names ------------------------------------------------------------------------------------------


class Named(Actor):
    def __init__(self, lab, then=None):
        self.lab = lab
        self.then = then

    def on_start(self):
        self.register("the-one")
        self.join("group")
        self.offer("skill")
        if self.then is not None:
            raise self.then

    def on_receive(self, message):
        if isinstance(message, BaseException):
            raise message
        if message == "end":
            self.stop()


def entries(top):
    registry = top.system.registry
    return (registry.name("the-one"), registry.group("group"), registry.capable("skill"))


NOTHING = (None, (), ())


@pytest.mark.parametrize("how", ["ends", "crashes", "is_killed", "is_terminated"])
async def test_names_are_released_when_their_owner_ends_however_it_ends(lab, how):
    """Name, groups and capabilities are free when the life has ended."""
    async with lab.run(child(Named, lab, restart="temporary")) as top:
        ref = top.child("a")
        assert entries(top) == (ref, (ref,), (ref,))
        match how:
            case "ends":
                await top.send("a", "end")
            case "crashes":
                await top.crash("a")
            case "is_killed":
                await top.kill("a")
            case "is_terminated":
                await top.terminate_child("a")
        assert entries(top) == NOTHING


async def test_names_are_released_when_the_start_fails(lab):
    """What was entered before the failure is taken out."""
    async with lab.run() as top:
        with pytest.raises(FailedToStart):
            await top.start_child(child(Named, lab, lab.Boom()))
        assert entries(top) == NOTHING


async def test_a_restarted_child_has_its_name_again(lab):
    """Nothing of the last life stands in the way of the next."""
    async with lab.run(child(Named, lab)) as top:
        for _ in range(3):
            await top.crash("a")
        assert entries(top) == (top.child("a"), (top.child("a"),), (top.child("a"),))


async def test_a_name_that_another_has_is_a_failed_start(lab):
    """The second child of that name does not start; the first is not disturbed."""
    async with lab.run(child(Named, lab)) as top:
        second = ChildSpec(id="b", start=Factory(Named, (lab,)))
        with pytest.raises(FailedToStart) as caught:
            await top.start_child(second)
        assert isinstance(caught.value.cause, NameTaken)
        assert top.system.registry.name("the-one") == top.child("a")


# --- the restart hook -------------------------------------------------------------------------------


async def test_the_last_message_and_the_error_are_given_to_the_next_incarnations_restart_hook(lab):
    """What it had in hand, and what it died of."""
    error = lab.Boom("reason")
    async with lab.run(lab.spec("a")) as top:
        await top.crash("a", error)
        assert lab.restarts == [("a", 2, error, error)]


async def test_the_restart_hook_runs_before_on_start_and_not_in_the_first_life(lab):
    """`on_restart`, then `on_start`."""
    calls = []

    class Hooks(Actor):
        def on_restart(self, message, reason):
            calls.append("on_restart")

        def on_start(self):
            calls.append("on_start")

    async with lab.run(child(Hooks)) as top:
        await top.kill("a")
        assert calls == ["on_start", "on_restart", "on_start"]


async def test_the_message_in_hand_of_a_killed_child_is_given_too(lab):
    """Whatever ended it in the middle of its work."""
    async with lab.run(lab.spec("a")) as top:
        await top.send("a", ("wait", 60))
        await top.kill("a")
        assert lab.restarts == [("a", 2, ("wait", 60), Exit.KILLED)]


async def test_without_a_message_in_hand_the_hook_gets_none(lab):
    """A child that was idle, or that was taken down with its siblings, had nothing in hand."""
    async with lab.run(*lab.specs("a b"), strategy="one_for_all") as top:
        error = lab.Boom()
        await top.crash("a", error)
        assert lab.restarts == [("a", 2, error, error), ("b", 2, None, Exit.SHUTDOWN)]


async def test_after_a_failed_start_the_hook_still_gets_the_last_message(lab):
    """The message is not forgotten with the life that never began."""
    message = lab.Boom("in hand")
    async with lab.run(lab.spec("a")) as top:
        lab.fail("a")
        await top.crash("a", message)
        assert [(incarnation, given) for _, incarnation, given, _ in lab.restarts] == [(2, message), (3, message)]


async def test_a_restart_hook_that_raises_is_a_failed_start(lab):
    """It belongs to the start; the child is tried again."""
    failures = [lab.Boom("hook")]

    class Hooks(Actor):
        def on_restart(self, message, reason):
            if failures:
                raise failures.pop()

    async with lab.run(child(Hooks)) as top:
        await top.kill("a")
        assert lab.trace == ["-a1", "-a2", "+a3"]


# --- timers -----------------------------------------------------------------------------------------


async def test_timers_die_with_their_incarnation(lab):
    """What the last life wanted to be reminded of does not reach the next."""

    class Timed(Actor):
        def on_start(self):
            self.after(5, ("due", self.incarnation))

        def on_receive(self, message):
            lab.got.append((lab.now(), message))

    async with lab.run(child(Timed)) as top:
        await lab.at(3)
        await top.kill("a")
        await lab.at(20)
        assert lab.got == [(8.0, ("due", 2))]
