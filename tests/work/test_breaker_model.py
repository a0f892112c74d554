"""A circuit breaker under random use: what always holds, and that it does as a slow model of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from treeward.supervisors.breakers.breaker import Breaker, BreakerSpec
from treeward.supervisors.work_errors import BreakerOpen

QUARTER = 0.25  # all times are multiples of it, so that they are exact, and often just at a boundary

times = st.integers(1, 24).map(lambda quarters: quarters * QUARTER)


@st.composite
def specs(draw):
    cooldown = draw(times)
    rate = draw(st.none() | st.sampled_from([0.25, 0.5, 1.0]))
    return BreakerSpec(
        failures=draw(st.integers(1, 4) | (st.nothing() if rate is None else st.none())),
        within=draw(times),
        rate=rate,
        minimum=draw(st.integers(1, 5)),
        slow=draw(st.none() | times),
        dear=draw(st.none() | times),
        cooldown=cooldown,
        factor=draw(st.sampled_from([1.0, 1.5, 2.0, 4.0])),
        max_cooldown=cooldown * draw(st.sampled_from([1, 2, 5])),
    )


took = st.sampled_from([0.0, QUARTER, 2.0, 100.0])
passing = st.tuples(st.just("pass"), st.integers(0, 40).map(lambda quarters: quarters * QUARTER))
asking = st.tuples(st.just("permit"))
ending = st.tuples(st.just("record"), st.integers(0, 5), st.booleans(), took, took)
giving_back = st.tuples(st.just("release"), st.integers(0, 5), took)
by_hand = st.tuples(st.just("trip")) | st.tuples(st.just("force"), st.sampled_from(["open", "closed", None]))
steps = st.lists(passing | asking | asking | ending | ending | giving_back | by_hand, max_size=60)


class Model:
    """The same, written for the reader: it keeps all that ever happened, and works everything out anew."""

    def __init__(self, spec):
        self.spec = spec
        self.ended = []  # (when, failed), since it was last closed
        self.changes = 0
        self.state, self.forced = "closed", None
        self.opened_at, self.bad_probes = None, 0
        self.probe_at = None  # when the probe that others wait for began

    def cooldown(self):
        grown = self.spec.cooldown
        for _ in range(self.bad_probes):
            grown *= self.spec.factor
        return min(grown, self.spec.max_cooldown)

    def shown(self, now):
        if self.forced:
            return f"forced_{self.forced}"
        if self.state == "open" and now - self.opened_at >= self.cooldown():
            return "half_open"
        return self.state

    def settle(self, now):
        if self.shown(now) != self.state and not self.forced:
            self.go("half_open")

    def go(self, state):
        self.state, self.probe_at = state, None
        self.changes += not self.forced

    def window(self, now):
        return [failed for when, failed in self.ended if now - when <= self.spec.within]

    def too_many(self, now):
        failed, calls = sum(self.window(now)), len(self.window(now))
        counted = self.spec.failures is not None and failed >= self.spec.failures
        share = self.spec.rate is not None and calls >= self.spec.minimum and failed / calls >= self.spec.rate
        return counted or share

    def open(self, now):
        self.bad_probes = 0 if self.state == "closed" else self.bad_probes + 1
        self.opened_at = now
        self.go("open")

    def permit(self, now):
        self.settle(now)
        state = self.shown(now)
        if state in ("closed", "forced_closed"):
            return (self.changes, state, now)
        if state == "half_open" and (self.probe_at is None or now - self.probe_at >= self.cooldown()):
            self.probe_at = now
            return (self.changes, state, now)
        return None

    def record(self, permit, ok, now, seconds, cost):
        changes, state, _ = permit
        if changes != self.changes:
            return
        slow = self.spec.slow is not None and seconds > self.spec.slow
        dear = self.spec.dear is not None and cost > self.spec.dear
        failed = not ok or slow or dear
        self.ended.append((now, failed))
        if state == "half_open" and failed:
            self.open(now)
        elif state == "half_open":
            self.ended, self.bad_probes = [], 0
            self.go("closed")
        elif state == "closed" and self.too_many(now):
            self.open(now)

    def release(self, permit, now, seconds):
        if self.spec.slow is not None and seconds > self.spec.slow:
            self.record(permit, False, now, 0.0, 0.0)
        elif permit[0] == self.changes and permit[1] == "half_open" and permit[2] == self.probe_at:
            self.probe_at = None

    def trip(self, now):
        self.settle(now)
        cool = self.state == "open" and now - self.opened_at >= self.cooldown()
        if self.state != "open" or cool:
            self.open(now)

    def force(self, to, now):
        self.settle(now)
        if to != self.forced:
            self.forced, self.probe_at = to, None
            self.changes += 1
        if to is None and self.state == "closed" and self.too_many(now):
            self.open(now)


class Played:
    """A breaker and its model, taken through the same steps, and what is under way."""

    def __init__(self, spec):
        self.breaker, self.model = Breaker(spec, "it"), Model(spec)
        self.now = 0.0
        self.under_way = []  # (permit, the model's permit)

    def play(self, steps):
        for step, *details in steps:
            getattr(self, step if step != "pass" else "wait")(*details)
            yield

    def wait(self, seconds):
        self.now += seconds

    def permit(self):
        expected = self.model.permit(self.now)
        try:
            permit = self.breaker.permit(self.now)
        except BreakerOpen:
            permit = None
        assert (permit is None) is (expected is None)
        if permit is not None:
            self.under_way.append((permit, expected))

    def take(self, place):
        return self.under_way.pop(place % len(self.under_way)) if self.under_way else None

    def record(self, place, ok, seconds, cost):
        if taken := self.take(place):
            self.model.record(taken[1], ok, self.now, seconds, cost)
            self.breaker.record(taken[0], ok=ok, now=self.now, seconds=seconds, cost=cost)

    def release(self, place, seconds):
        if taken := self.take(place):
            self.model.release(taken[1], self.now, seconds)
            self.breaker.release(taken[0], self.now, seconds)

    def trip(self):
        self.model.trip(self.now)
        self.breaker.trip(self.now, "a test")

    def force(self, to):
        self.model.force(to, self.now)
        self.breaker.force(to, self.now)


@given(specs(), steps)
def test_it_does_as_the_slow_model(spec, steps):
    """After any calls, results, trips and forces, its state, its window and what it lets through are the model's."""
    both = Played(spec)
    for _ in both.play(steps):
        view, model, now = both.breaker.view(both.now), both.model, both.now
        assert view.state == model.shown(now)
        assert (view.failures, view.calls) == (sum(model.window(now)), len(model.window(now)))
        assert view.cooldown == model.cooldown()


@given(specs(), steps)
def test_it_never_passes_a_call_while_it_is_open(spec, steps):
    """A call is let through only in a state that lets calls through, as it was seen just before."""
    it = Played(spec)
    before = it.breaker.view(0.0)
    for (step, *_), _ in zip(steps, it.play(steps), strict=True):
        view = it.breaker.view(it.now)
        if step == "permit":
            rejected = view.rejected - before.rejected
            assert rejected == (before.retry_in != 0.0)
            assert rejected or before.state in ("closed", "half_open", "forced_closed")
            assert not rejected or before.state in ("open", "half_open", "forced_open")
        before = it.breaker.view(it.now)


@given(specs(), steps)
def test_there_are_never_two_probes_at_once(spec, steps):
    """Of the probes of one half-open state, at most one is under way that is younger than a cooldown."""
    it = Played(spec)
    for _ in it.play(steps):
        now, cooldown = it.now, it.breaker.view(it.now).cooldown
        probes = [permit for permit, _ in it.under_way if permit.probe and now - permit.at < cooldown]
        latest = max((permit.generation for permit in probes), default=0)
        assert sum(permit.generation == latest for permit in probes) <= 1


@given(specs(), steps)
def test_each_change_follows_from_the_one_before(spec, steps):
    """What is told is a chain: each change begins where the last one ended, and is one that exists."""
    told = []
    it = Played(spec)
    it.breaker = Breaker(spec, "it", lambda before, now, _: told.append((before, now)))
    for _ in it.play(steps):
        pass
    states = ["closed", *(now for _, now in told)]
    assert [before for before, _ in told] == states[:-1]
    by_itself = {change for change in told if not any(state.startswith("forced") for state in change)}
    assert by_itself <= {
        ("closed", "open"),
        ("open", "half_open"),
        ("half_open", "open"),
        ("half_open", "closed"),
    }
