"""SUPERVISION.md section 2: the options of supervisors, what is legal, and what they are by default."""

from __future__ import annotations

import math

import pytest

from treeward.runtime.actor import Actor
from treeward.supervisors.dynamic import DynamicSpec, DynamicSupervisor
from treeward.supervisors.errors import FailedToStart, InvalidSpec, MaxChildren
from treeward.supervisors.pool import PoolSpec
from treeward.supervisors.spec import Backoff, ChildSpec, Intensity, SupervisorSpec

CHILD = ChildSpec(id="a", start=Actor)


def test_defaults():
    """one_for_one, 3 restarts within 5 s, no backoff, auto_shutdown never."""
    spec = SupervisorSpec()
    assert (spec.strategy, spec.intensity, spec.backoff, spec.auto_shutdown, spec.children) == (
        "one_for_one",
        Intensity(3, 5.0),
        None,
        "never",
        (),
    )
    assert Intensity() == Intensity(3, 5.0)


@pytest.mark.parametrize(
    "options",
    [
        *({"strategy": strategy} for strategy in ("one_for_one", "one_for_all", "rest_for_one")),
        {"intensity": Intensity(0, 1)},
        {"intensity": Intensity(10**9, 1e-6)},
        {"intensity": Intensity(1, 10**9)},
        {"backoff": None},
        {"backoff": Backoff()},
        *({"auto_shutdown": when} for when in ("never", "any_significant", "all_significant")),
    ],
    ids=str,
)
def test_legal_options(options):
    """What the table calls legal is taken, and kept as it was given."""
    spec = SupervisorSpec(**options)
    assert {name: getattr(spec, name) for name in options} == options


@pytest.mark.parametrize(
    ("name", "value", "legal"),
    [
        ("strategy", "simple_one_for_one", "one_for_one, one_for_all, rest_for_one"),
        ("strategy", "ONE_FOR_ALL", "one_for_one, one_for_all, rest_for_one"),
        ("strategy", None, "one_for_one, one_for_all, rest_for_one"),
        ("strategy", [], "one_for_one, one_for_all, rest_for_one"),
        ("auto_shutdown", "always", "never, any_significant, all_significant"),
        ("auto_shutdown", True, "never, any_significant, all_significant"),
        ("intensity", (3, 5), "Intensity"),
        ("intensity", None, "Intensity"),
        ("backoff", 1.0, "Backoff"),
        ("children", ["a"], "ChildSpec"),
        ("children", [None], "ChildSpec"),
    ],
)
def test_illegal_options(name, value, legal):
    """A value that is not legal is an error that has the option, the value and what is legal."""
    with pytest.raises(InvalidSpec) as caught:
        SupervisorSpec(**{name: value})
    shown = value[0] if name == "children" else value
    assert name.removesuffix("ren") in str(caught.value)
    assert repr(shown) in str(caught.value)
    assert legal in str(caught.value)


@pytest.mark.parametrize("restarts", [-1, 0.5, 3.0, "3", None, True, math.inf])
def test_intensity_restarts_are_a_whole_number_from_0(restarts):
    """R is an integer, 0 or more."""
    with pytest.raises(InvalidSpec, match=r"restarts is .*: expected a whole number, 0 or more"):
        Intensity(restarts, 5)


@pytest.mark.parametrize("within", [0, -1, 0.0, math.nan, math.inf, "5", None, True])
def test_intensity_within_is_more_than_0_seconds(within):
    """T is a number of seconds above 0, and finite."""
    with pytest.raises(InvalidSpec, match=r"within is .*: expected seconds, more than 0"):
        Intensity(3, within)


def test_backoff_defaults():
    """Backoff begins with 0.2 s, doubles up to 60 s, spreads fully, and begins anew after 300 s."""
    assert Backoff() == Backoff(initial=0.2, factor=2.0, max=60.0, jitter="full", reset_after=300.0)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("initial", [0, -1, "1", math.inf, math.nan, None, True, 61]),
        ("factor", [0.5, 0, -2, "2", math.inf, math.nan, None]),
        ("max", [0, 0.1, -1, "60", math.inf, math.nan, None]),
        ("jitter", [-1, "half", math.inf, math.nan, None, True]),
        ("reset_after", [0, -1, "300", math.inf, math.nan, None]),
    ],
)
def test_backoff_fields_are_checked(field, values):
    """Each field of a backoff says what is legal for it."""
    for value in values:
        with pytest.raises(InvalidSpec, match="backoff (initial|max|" + field + ") is .*: expected "):
            Backoff(**{field: value})


@pytest.mark.parametrize("value", [0, 0.5, "full", "none"])
def test_legal_jitter(value):
    """Jitter is full, none, or a number of seconds from 0."""
    assert Backoff(jitter=value).jitter == value


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        pytest.param(SupervisorSpec, "max_children", id="static_max_children"),
        pytest.param(SupervisorSpec, "max_restarts", id="static_max_restarts"),
        pytest.param(SupervisorSpec, "child", id="static_child"),
        pytest.param(SupervisorSpec, "size", id="static_size"),
        pytest.param(DynamicSpec, "strategy", id="dynamic_strategy"),
        pytest.param(DynamicSpec, "auto_shutdown", id="dynamic_auto_shutdown"),
        pytest.param(DynamicSpec, "children", id="dynamic_children"),
        pytest.param(PoolSpec, "strategy", id="pool_strategy"),
        pytest.param(PoolSpec, "auto_shutdown", id="pool_auto_shutdown"),
        pytest.param(PoolSpec, "max_children", id="pool_max_children"),
        pytest.param(Intensity, "period", id="intensity_period"),
        pytest.param(Backoff, "delay", id="backoff_delay"),
        pytest.param(ChildSpec, "strategy", id="child_strategy"),
        pytest.param(ChildSpec, "intensity", id="child_intensity"),
    ],
)
def test_an_unknown_or_misplaced_option_is_an_error_that_names_it(kind, option):
    """No kind of spec ignores an option that it does not have."""
    with pytest.raises(TypeError, match=option):
        kind(**{option: "never"})


async def test_the_spec_of_another_kind_is_an_error(lab):
    """A supervisor that is given another kind's options fails to start, and says what it takes."""
    async with lab.system() as system:
        rig = lab.rig(system, DynamicSpec())
        await lab.quiet()
        error = rig.ref._cell.end
        assert isinstance(error, InvalidSpec)
        assert "expected a SupervisorSpec" in str(error)


async def test_the_spec_of_another_kind_further_down_is_an_error_before_anything_starts(lab):
    """Also the specs of supervisors below are looked at before any child starts."""
    wrong = lab.nested("below", spec=SupervisorSpec(), kind=DynamicSupervisor)
    async with lab.system() as system:
        rig = lab.rig(system, SupervisorSpec(children=[lab.spec("a"), lab.nested("nest", wrong)]))
        await lab.quiet()
        assert "expected a DynamicSpec" in str(rig.ref._cell.end)
        assert not any(entry.startswith("+") for entry in lab.trace)


# --- dynamic supervisors ----------------------------------------------------------------------------


def test_dynamic_defaults():
    """A dynamic supervisor has no template, no limit of children, 3 restarts within 5 s, and no backoff."""
    spec = DynamicSpec()
    assert (spec.child, spec.max_children, spec.intensity, spec.backoff) == (
        None,
        None,
        Intensity(3, 5.0),
        None,
    )


@pytest.mark.parametrize("limit", [0, 1, 10**6, None])
def test_legal_max_children(limit):
    """`max_children` is a whole number from 0, or none."""
    assert DynamicSpec(max_children=limit).max_children == limit


@pytest.mark.parametrize("limit", [-1, 1.5, "10", True, math.inf])
def test_illegal_max_children(limit):
    """Anything else is an error that says so."""
    with pytest.raises(InvalidSpec, match=r"max_children is .*: expected a whole number, 0 or more, or None"):
        DynamicSpec(max_children=limit)


def test_a_dynamic_supervisors_template_is_not_significant():
    """There is no auto_shutdown in a dynamic supervisor, so no child of it can be significant."""
    with pytest.raises(InvalidSpec, match="significant"):
        DynamicSpec(child=ChildSpec(id="a", start=Actor, restart="transient", significant=True))


async def test_max_children_is_a_limit(lab):
    """One child more than `max_children` is an error that has the limit."""
    spec = DynamicSpec(child=lab.spec("w"), max_children=2)
    async with lab.run(kind=DynamicSupervisor, spec=spec) as top:
        await top.start_another()
        second = await top.start_another()
        with pytest.raises(MaxChildren, match="max_children is 2") as caught:
            await top.start_another()
        assert caught.value.limit == 2
        await top.terminate_child(second)
        assert await top.start_another() is not None


async def test_a_restarting_child_counts_for_max_children(lab):
    """A child that waits for its next start still has its place."""
    spec = DynamicSpec(child=lab.spec("w"), max_children=1, backoff=Backoff(initial=10, jitter="none"))
    async with lab.run(kind=DynamicSupervisor, spec=spec) as top:
        await top.start_another()
        await top.crash("w-1")
        assert (await top.count_children()).active == 0
        with pytest.raises(MaxChildren):
            await top.start_another()


async def test_a_child_that_failed_to_start_does_not_count_for_max_children(lab):
    """A failed start leaves its place free."""
    spec = DynamicSpec(child=lab.spec("w"), max_children=1)
    lab.fail("w")
    async with lab.run(kind=DynamicSupervisor, spec=spec) as top:
        with pytest.raises(FailedToStart):
            await top.start_another()
        assert await top.start_another() is not None
