"""Draws curves as SVG, with matplotlib: one plot for each family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .growth import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .growth import Curve

__all__ = ["draw"]

MARKERS = "osD^vPX*"
SETTINGS = {
    "svg.hashsalt": "treeward",  # the same curves make the same file
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(curves: Sequence[Curve], into: Path) -> list[Path]:
    """Writes FAMILY.svg for each family that has a curve; returns the files. Raises ImportError without matplotlib."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra: whoever draws nothing does not need it

    mpl.use("svg")
    into.mkdir(parents=True, exist_ok=True)
    files = []
    with mpl.rc_context(SETTINGS):
        for family, cases in FAMILIES.items():
            own = [curve for curve in curves if curve.case in cases and curve.points]
            if own:
                files.append(into / f"{family}.svg")
                _figure(family, own).savefig(files[-1], metadata={"Date": None})
    return files


def _figure(family: str, curves: Sequence[Curve]) -> Any:
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    for curve, marker in zip(curves, MARKERS, strict=False):
        _line(axes, curve, marker)
    axes.set_xscale("log")
    axes.set_xlabel("how many")
    if family == "memory":  # what is left of a task may be nothing
        axes.set_ylabel("bytes each")
    else:
        axes.set_yscale("log")
        axes.set_ylabel("microseconds of processor time each")
    axes.set_title(family)
    axes.grid(visible=True, which="major", alpha=0.25)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def _line(axes: Any, curve: Curve, marker: str) -> None:
    """Draws a curve; a ring is where it bends."""
    sizes, costs = [point.n for point in curve.points], [point.cost for point in curve.points]
    (line,) = axes.plot(sizes, costs, marker=marker, markersize=4, linewidth=1.4, label=curve.case)
    if curve.bend is not None:
        at, _ = curve.bend
        axes.plot([at.n], [at.cost], marker="o", markersize=11, fillstyle="none", color=line.get_color())
