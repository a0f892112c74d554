"""The requests of a plan, with their names and their times."""

import itertools
import random

import pytest
from pydantic import ValidationError

from treeward.chaos.plans.work import Asked, Work, asked


def test_requests_come_in_the_order_of_their_times():
    """Works go side by side; what is given at the same time comes in the order of the plan."""
    works = [Work(id="a", input="x", times=3, every="2s"), Work(id="b", input="y", times=2, at=2, every="1s")]
    given = asked(works, random.Random(1))
    assert [(one.name, one.at) for one in given] == [("a 1", 0), ("a 2", 2), ("b 1", 2), ("b 2", 3), ("a 3", 4)]


def test_requests_have_names():
    """A work with an id names its requests, those of the others are numbered through; all names differ."""
    works = [Work(input=1), Work(id="one", input=1), Work(input=1, times=2)]
    assert [one.name for one in asked(works, random.Random(1))] == ["request 1", "one", "request 2", "request 3"]


def test_a_number_stands_in_texts():
    """`{n}` is the number of the request within its work, in the input, the context and the key, however deep."""
    work = Work(
        input={"text": "order {n}", "list": ["{n}", 7], "n": 1},
        context={"customer": "c-{n}"},
        key="k-{n}",
        to="team/writer",
        times=2,
        deadline=None,
    )
    assert asked([work], random.Random(1))[1] == Asked(
        name="request 2",
        at=0.0,
        input={"text": "order 2", "list": ["2", 7], "n": 1},
        to="team/writer",
        context={"customer": "c-2"},
        key="k-2",
        deadline=None,
    )


def test_a_request_has_usual_values():
    """Without more than an input: once, at once, to the entry, with five minutes, and no key of its own."""
    assert asked([Work(input="x")], random.Random(1)) == [Asked("request 1", 0.0, "x", None, {}, "", 300.0)]


def test_times_are_drawn_from_the_source():
    """A range of times is drawn anew from request to request; the same source gives the same times."""
    work = Work(input="x", times=50, every="1s..5s")
    times = [one.at for one in asked([work], random.Random(5))]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert 1 <= min(waits) < 1.5
    assert 4.5 < max(waits) <= 5
    assert times == [one.at for one in asked([work], random.Random(5))]
    assert times != [one.at for one in asked([work], random.Random(6))]


@pytest.mark.parametrize(
    "wrong", [{"times": 0}, {"every": 0}, {"every": "-1s"}, {"at": -1}, {"deadline": 0}, {"id": "A"}, {"to": ""}]
)
def test_what_makes_no_sense_is_refused(wrong):
    """No request, no time between two, a time before the start: each is refused."""
    with pytest.raises(ValidationError):
        Work(input="x", **wrong)


def test_random_beginning():
    """A range as the first time is drawn from, anew for each seed; the following ones come from there on."""
    work = Work(input="x", times=2, at="10s..20s", every="5s")
    first, second = asked([work], random.Random(1))
    assert 10 <= first.at <= 20
    assert second.at == first.at + 5
    assert len({asked([work], random.Random(seed))[0].at for seed in range(20)}) > 10


def test_chance():
    """Each work is given in its share of the seeds, one in every seed; the times of one depend on no other."""
    works = [Work(id=id_, input="x", at="0s..9s", chance=chance) for id_, chance in (("a", 0.5), ("b", 0.2), ("c", 1))]
    drawn = [[one.name for one in asked(works, random.Random(seed))] for seed in range(400)]
    counts = [sum(name in names for names in drawn) for name in "abc"]
    assert (150 < counts[0] < 250, 40 < counts[1] < 120, counts[2]) == (True, True, 400)
    assert all(asked(works[:2], random.Random(seed)) for seed in range(400))
    every = {one.name: one.at for one in asked(works, random.Random(7), every=True)}
    assert every.keys() == {"a", "b", "c"}
    assert asked(works[1:], random.Random(7), every=True)[0].at in every.values()
    assert all(every[one.name] == one.at for one in asked(works, random.Random(7)))


@pytest.mark.parametrize("wrong", [{"chance": 0}, {"chance": 1.5}, {"at": "-1s"}, {"at": "soon"}])
def test_chance_and_beginning_are_checked(wrong):
    """A chance is above 0 and at most 1; the first time is not before the plan's start."""
    with pytest.raises(ValidationError):
        Work(input="x", **wrong)
