"""What a ledger promises, whatever calls come: the limit and one call at most; with true words, the limit."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.runtime.usage import Limits, Usage
from treeward.supervisors.budgets.budget import Budget, Call
from treeward.supervisors.budgets.ledger import Hold, Ledger

DEAREST = 60  # cents that a call costs at most; a limit is that of a few calls
STEP = 15  # cents that one step of a call costs at most, where it spends step by step

LIMITS = st.integers(0, 200)
PERS = st.sampled_from(["task", "hour", "day", "life"])
ACTS = st.sampled_from(["call"] * 4 + ["part"] * 4 + ["charge"] * 3 + ["end"] * 3 + ["release", "wait"])
SCRIPTS = st.lists(st.tuples(ACTS, st.integers(0, 9), st.integers(0, DEAREST)), max_size=60)
"""What happens: an act, which of the calls under way does it, and how many cents."""
WAITS = (1.0, 600.0, 3600.0, 90_000.0)


@dataclass(eq=False)
class Work:
    """A call under way: what it costs in the end, and what of that it has said so far."""

    id: str
    hold: Hold
    cost: int
    lineage: tuple[str, ...]
    begun: float
    said: int = 0
    stopped: bool = False


class Scene:
    """A ledger, its calls under way, and a check after each act. All amounts are cents, and as many tokens."""

    def __init__(self, limit, per="life", word=None):
        amounts = {"limits": limit, "call": word}
        limits = {name: Limits(cost=cents / 100, tokens=cents) for name, cents in amounts.items() if cents is not None}
        self.limit = limit
        self.ledger = Ledger(Budget(**limits, per=per), "it", 0.0)
        self.now = 0.0
        self.open = []
        self.numbers = 0
        self.answers = []

    @property
    def spent(self):
        spent = self.ledger.view(self.now).spent
        assert spent.tokens == round(spent.cost * 100)
        return spent.tokens

    def play(self, script):
        for act, who, cents in script:
            before, calls = self.spent, list(self.open)
            if act == "wait":
                self.now += WAITS[who % len(WAITS)]
            elif act == "call":
                self.ask((), cents)
            elif self.open:
                getattr(self, act)(self.open[who % len(self.open)], cents)
            self.check(before, calls)
        for work in reversed(self.open):
            self.ledger.release(work.hold, self.now)
        self.open.clear()
        view = self.ledger.view(self.now)
        assert (view.calls, view.reserved.cost, view.reserved.tokens) == (0, 0, 0)

    def ask(self, lineage, cents):
        self.numbers += 1
        left = self.limit - self.spent
        answer = self.ledger.reserve(Call(f"{self.numbers}", lineage), self.now)
        self.answers.append(answer)
        if isinstance(answer, Hold):
            work = Work(f"{self.numbers}", answer, cents, lineage, self.now)
            self.granted(work, left)
            self.open.append(work)

    def part(self, work, cents):
        self.ask((*work.lineage, work.id), cents)

    def charge(self, work, cents):
        if not work.stopped:
            self.say(work, min(cents, work.cost - work.said))

    def say(self, work, cents):
        work.said += cents
        work.stopped = self.ledger.charge(work.hold, Usage(cost=cents / 100, input_tokens=cents), self.now) is not None

    def end(self, work, _):
        """All that it has cost, be it charged or not, if nobody has stopped it."""
        total = work.said if work.stopped else work.cost
        self.open.remove(work)
        self.ledger.settle(work.hold, Usage(cost=total / 100, input_tokens=total), 1.0, 0, self.now)

    def release(self, work, _):
        self.open.remove(work)
        self.ledger.release(work.hold, self.now)

    def granted(self, work, left):
        """Looks at a call that was let in while so much was left."""

    def check(self, before, calls):
        """Looks at what an act has made of what was spent `before`, with those `calls` under way."""


class OneByOne(Scene):
    """Calls that do not say what they cost."""

    beyond = 0

    def granted(self, work, left):
        assert left > 0
        assert {other.id for other in self.open} <= set(work.lineage)

    def check(self, before, calls):
        """From the act on that passes the limit, only those who are under way then can spend."""
        if self.spent <= self.limit:
            self.beyond = 0
        elif before <= self.limit:
            self.beyond = sum(call.cost for call in calls)
        assert self.spent <= self.limit + self.beyond


class StepByStep(OneByOne):
    """Calls that charge each step as soon as it is made, and do nothing while they wait for a part."""

    def charge(self, work, cents):
        inner = self.open[-1]
        self.say(inner, 0)
        if not inner.stopped:
            self.say(inner, min(cents, STEP))

    def part(self, work, cents):
        super().part(self.open[-1], cents)

    def end(self, work, cents):
        self.release(work, cents)

    def release(self, work, cents):
        super().release(self.open[-1], cents)

    def check(self, before, calls):
        assert self.spent <= self.limit + STEP


class Truthful(Scene):
    """Calls that say what they cost at most, and keep their word."""

    def ask(self, lineage, cents):
        super().ask(lineage, min(cents, self.limit, DEAREST))

    def check(self, before, calls):
        assert self.spent + self.ledger.view(self.now).reserved.tokens <= self.limit
        assert not any(work.stopped for work in self.open)


@given(limit=LIMITS, per=PERS, script=SCRIPTS)
def test_the_limit_and_one_call(limit, per, script):
    """Where no call says what it costs, no more is spent in any period than the limit and one call."""
    scene = OneByOne(limit, per)
    scene.play([(act, who, cents) for act, who, cents in script if act != "part"])
    assert scene.beyond <= DEAREST


@given(limit=LIMITS, per=PERS, script=SCRIPTS)
def test_the_limit_and_one_call_of_each_level(limit, per, script):
    """Calls in calls that say only in the end what they have spent may each pass the limit, but no later one."""
    OneByOne(limit, per).play(script)


@given(limit=LIMITS, per=PERS, script=SCRIPTS)
def test_the_limit_and_one_step(limit, per, script):
    """Calls in calls that say at once what they have spent, and then wait, pass the limit by one step in all."""
    StepByStep(limit, per).play(script)


@given(limit=LIMITS, per=PERS, script=SCRIPTS)
def test_not_more_than_the_limit(limit, per, script):
    """Calls that keep their word, in each other and side by side, never spend more than the limit."""
    Truthful(limit, per, word=min(limit, DEAREST)).play(script)


@given(limit=LIMITS, per=PERS, script=SCRIPTS, word=st.integers(0, DEAREST))
def test_what_is_left_is_let_out(limit, per, script, word):
    """A call that is alone gets in if there is room for it by its word, or anything at all if it has none."""
    for scene in (OneByOne(limit, per), Scene(limit, per, word=min(word, limit))):
        scene.play(script)
        left, needed = limit - scene.spent, 1 if isinstance(scene, OneByOne) else min(word, limit)
        scene.ask((), 0)
        assert isinstance(scene.answers[-1], Hold) == (left >= needed)


@pytest.mark.parametrize("word", [None, 1])
@given(limit=st.integers(0, 5), calls=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_incarnations(word, limit, calls):
    """One incarnation more than the limit is lost at most, and none more if calls give their word on that."""
    if word is not None and word > limit:
        limit = word
    ledger = Ledger(Budget(limits=Limits(restarts=limit), call=Limits(restarts=word)), "it", 0.0)
    under_way = []
    for number, (begins, crashes) in enumerate(calls):
        if begins or not under_way:
            answer = ledger.reserve(Call(f"{number}"), 0.0)
            under_way += [answer] if isinstance(answer, Hold) else []
        else:
            ledger.settle(under_way.pop(0), Usage(), 1.0, int(crashes), 0.0)
        assert ledger.view(0.0).spent.restarts <= limit + (word is None)


@pytest.mark.parametrize("word", [None, 20])
@given(
    limit=st.integers(20, 90),
    script=st.lists(st.tuples(st.sampled_from(["call", "part", "end", "wait"]), st.integers(1, 20)), max_size=60),
)
def test_wall_time(word, limit, script):
    """The time of calls, parts included, is within the limit and one call; with true words, within the limit."""
    ledger = Ledger(Budget(limits=Limits(seconds=limit), call=Limits(seconds=word)), "it", 0.0)
    now, longest, under_way = 0.0, 0.0, []
    for number, (act, seconds) in enumerate(script):
        if act == "wait":
            end = min((begun + word for _, begun, _ in under_way), default=now) if word else now + seconds
            now = max(now, min(now + seconds, end))
        elif act == "end" and under_way:
            hold, begun, lineage = under_way.pop()
            longest = max(longest, now - begun if not lineage else 0.0)
            ledger.settle(hold, Usage(), now - begun, 0, now)
        elif act in ("call", "part"):
            lineage = tuple(hold.task for hold, _, _ in under_way) if act == "part" else ()
            answer = ledger.reserve(Call(f"{number}", lineage), now)
            under_way += [(answer, now, lineage)] if isinstance(answer, Hold) else []
        assert ledger.view(now).spent.seconds <= limit + (longest if word is None else 0)
