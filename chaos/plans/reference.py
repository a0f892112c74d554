"""The reference of a plan's YAML for people, made from its schema and from the tables: docs/chaos-plan.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...trees.tables import Section, Tables
from .actions import ACTIONS, CORRUPTIONS
from .arguments import MISSING
from .choices import RANGE_PATTERN
from .explain import points
from .fields import SHAPE_PATTERN, SPAN_PATTERN
from .plan import METRICS
from .plan_file import plan_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .actions import ActionKind
    from .arguments import Argument

__all__ = ["plan_reference"]

_KEYS = (
    Section("The document", ("Plan",), "A file is one mapping with these keys."),
    Section("A fault", ("Fault",)),
    Section("`where`", ("Where",), "All that is said has to be so; of a list, one of its items."),
    Section("`work`", ("Work",)),
    Section("`heal`", ("Heal",)),
    Section("A hypothesis", ("Expectation",), "The name of an invariant, or a mapping with one of these keys."),
    Section("`abort_if`", ("Abort",)),
    Section("`parity`", ("Parity",)),
)

_NAMES = {
    "Where": "[where](#where)",
    "Heal": "[heal](#heal)",
    "Work": "[work](#work)",
    "Abort": "[abort_if](#abort_if)",
    "Parity": "[parity](#parity)",
}
_LISTS = {
    "Fault": "[faults](#a-fault)",
    "Work": "[works](#work)",
    "Expectation": "[hypotheses](#a-hypothesis)",
    "Abort": "[abort_if](#abort_if)",
}

_INTRODUCTION = """\
# The YAML of a fault plan

A plan says what is to go wrong in a tree, what the tree is asked meanwhile, and what has to hold all the same. This
page is made from the JSON Schema of a plan and from the tables that the program itself goes by.

```yaml
# plan.yaml
treeward: 1
name: slow-bank
title: The bank is slow, and agents die
faults:
  - id: crashes
    at: actor.handle
    where: {path: support/specialists/billing, message: Task}
    do: 30%->crash(ValueError)
    from: 10s
    for: 1m
  - {at: tool.call, where: {tool: "payments.*"}, do: slow(1s..5s), shape: intermittent(20%)}
  - {at: mailbox.put, do: 1%->drop | 2%->delay(1s..5s)}
  - {at: actor, where: "support/specialists/*", do: kill, every: 20s±10s}
work:
  - {id: refund, input: "please refund order {n}", times: 20, every: 1s..5s}
knobs:
  intensity.restarts: [3, 30]
  "**/billing:timeout": 10s..60s
heal: {at: 2m, ready_within: 30s}
parity: {of: [refund], same: [status], unless: [needs_human]}
```

`load_plan` reads it, and refuses it with every fault that it has, each with its line and its column. Given the
tree, it looks as well whether the two fit each other: that every pattern of paths matches somebody, and every knob
turns something.

```python
from treeward import load_plan
from treeward.chaos.plans.explain import explain
from treeward.trees import library, load_tree

plan = load_plan("plan.yaml", tree=load_tree(library.find("support")))
print(explain(plan).split("\\n\\n")[1])
```

```text
Faults
  crashes        ... from 10s for 1m: crash(ValueError) at 30% of the visits
  tool.call-2    tool.call of any agent, tool payments.*: slow(1s..5s) at 20% of the visits
  mailbox.put-3  mailbox.put of any agent: drop at 1% of the visits, or delay(1s..5s) at 2% of the visits
  actor-4        actor (one of support/specialists/*), every 10s..30s: kill
```

What it says of a plan that is wrong names the place in the file, and in the text of the program:

```python
from treeward.trees import TreeError

try:
    load_plan(\"\"\"
treeward: 1
name: wrong
faults:
  - {at: actor.handle, do: "30%->crsh(ValueError)"}
  - {at: reply, do: "hang", where: writer}
\"\"\")
except TreeError as error:
    print(error)
```

```text
<text>:5:28: 'crsh' is no action, at character 6 of '30%->crsh(ValueError)'; expected one of off, crash, hang, ...
<text>:6:21: hang makes no sense at reply, at character 1 of 'hang'; expected one of off, corrupt, drop, duplicate, ...
```

## Values

Durations, plain words, `${NAME}` and the limits of a file are those of [a tree's YAML](yaml.md#values). A **range**
of durations is `1s..5s`, or `20s±10s` for what is 10 s on either side of 20 s; a duration is drawn out of it each
time, all being as likely. A key that is not listed here is an error, and so is one that is given twice.

**Times** count from the start of the plan: in a simulation that is the start of the run.

**Patterns of paths**: `*` stands for any characters within one id, and `**`, alone between its slashes, for any
number of ids, none included. A pattern without a slash is about the id alone: `writer` means every actor of that
id, wherever it is. A pattern that begins with `*` needs quotes in YAML. **Patterns of names** (of messages, tools,
judges, topics): `*` stands for any characters.

**Names of Python** (`module:name`: exceptions, invariants, functions) are behind the same list as a tree's classes
(`--allow my_package`, `allow=["my_package"]`).

**Draws**: each seed has its own, and each fault a stream of its own within the seed: what is drawn for one fault
does not change what is drawn for another.
"""

_GRAMMAR = """\
## The grammar

`do` is a program of [fail-rs](https://docs.rs/fail), with named arguments, amounts with units, and alternatives:

| | | |
|---|---|---|
| program | `chain \\| chain \\| ...` | alternatives |
| chain | `term->term->...` | what comes after what |
| term | `[P%][N*]action` | with a chance, and at most so many times; `*` alone: any number of times |
| action | `name`, `name(argument, name=argument)` | see [actions](#actions) |

An arrow behind `P%` and `N*` belongs to them, and may be left out: `30%*->crash`, `30%->crash` and `30%crash` are
the same.

At each visit of its point (for what is timed: each time that its time has come), the terms of a chain are asked
from left to right. One that is used up is passed over, and so is one whose draw fails; the first that is left
happens. `off` is an action as well: nothing happens, and the visit is used up. Alternatives are asked in their
order, each as if it were alone, until one has something other than `off`.

| program | what happens |
|---|---|
| `crash` | at every visit |
| `30%->crash(ValueError)` | at three visits of ten |
| `3*crash` | at the first three visits |
| `1*off->3*hang->off` | at the second, third and fourth visit |
| `10%2*->hang->50%->slow(2s)` | at a tenth of the visits it hangs, twice at most; at half of the others it is slow |
| `1%->drop \\| 2%->delay(1s..5s)` | one of a hundred is lost, and two of the others come late |

A fault counts its visits over all whom `where` matches.
"""

_SHAPES = """\
## Shapes

`shape` says how often a fault happens, by name; `do` is then an action alone, without chance and count.

| shape | the same as | meaning |
|---|---|---|
| `single` | `1*crash->off` | at the first visit, and never again |
| `persistent` | `crash` | at every visit |
| `intermittent` | `30%->crash` | at any visit, with a chance: 30% unless it is said, as in `intermittent(20%)` |
| `burst` | `3*crash->off` | at the first visits, one after the other: 3 unless it is said, as in `burst(5)` |

Each takes `after`: so many visits are let go by first. `burst(5, after=10)` is `10*off->5*crash->off`.
"""

_KNOBS = """\
## Knobs

A knob is a field of the tree that each seed draws, so that not every run has the same limits and waits: from a
list, or from a range such as `10s..300s`, `1..5` (whole numbers) or `0.1..0.9`. It is named by the way to the
field, such as `mailbox.capacity`, and turns that of every node that has it; with a pattern of paths in front, as in
`support/**:mailbox.capacity`, of those nodes alone. Of a pool and a dynamic supervisor it is the field of their
`child`, if they have none of that name themselves. A step that leads to a list goes on in each of its items:
`recovery.retry.times` is for every rung that is a `retry`. What a node does not have is not made for it:
`mailbox.capacity` passes over a node that declares no mailbox, but `mailbox` may be a knob as a whole: `[null,
{capacity: 8}]`.

With `swarm: true` each seed also draws which of the faults there are.
"""


def plan_reference() -> str:
    """Returns the reference of a plan's YAML as Markdown."""
    schema = plan_schema()
    tables = Tables({"Plan": schema, **schema["$defs"]}, _NAMES, _LISTS, _PATTERNS)
    parts = [_INTRODUCTION, *map(tables.section, _KEYS), *map("\n".join, (_metrics(), _points()))]
    return "\n".join([*parts, _GRAMMAR, _SHAPES, *map("\n".join, (_actions(), _corruptions())), _KNOBS])


_PATTERNS = {
    SPAN_PATTERN: "duration or range of durations",
    SHAPE_PATTERN: "[shape](#shapes)",
    RANGE_PATTERN: "range",
}


def _table(title: str, text: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"{text}\n"
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        cells = (cell.replace("|", "\\|") for cell in row)
        yield f"| {' | '.join(cells)} |"
    yield ""


def _metrics() -> Iterator[str]:
    rows = ((f"`{metric.name}`", metric.what) for metric in METRICS.values())
    return _table("Metrics", "What `abort_if` may look at.", ("metric", "what it is"), rows)


def _points() -> Iterator[str]:
    text = (
        "What may stand under `at`. At a `call` a function is about to run; at a `send` a value is on its way; what is "
        "`timed` happens when its time has come: once at `from`, or `every` so often."
    )
    rows = (
        (f"`{row.name}`", row.shape, row.what, _coded(row.where), _coded(name for name in row.actions if name != "off"))
        for row in points()
    )
    return _table("Points", text, ("at", "shape", "what it is", "`where` may say", "actions"), rows)


def _coded(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _actions() -> Iterator[str]:
    text = "Arguments stand in this order, or by name. Those that have a default may be left out."
    rows = ((f"`{kind.name}`", kind.what, "<br>".join(map(_argument, kind.arguments)), _places(kind))
            for kind in ACTIONS.values())  # fmt: skip
    return _table("Actions", text, ("action", "what it does", "arguments", "at"), rows)


def _argument(argument: Argument) -> str:
    default = "" if argument.default in (MISSING, None, "") else f" (`{argument.default}`)"
    return f"`{argument.name}`: {argument.what}{default}"


def _places(kind: ActionKind) -> str:
    return "anywhere" if kind.name == "off" else _coded(kind.at)


def _corruptions() -> Iterator[str]:
    rows = ((f"`{name}`", what) for name, what in CORRUPTIONS.items())
    return _table("Kinds of corruption", "What `corrupt` may do to a value.", ("kind", "what is wrong with it"), rows)
