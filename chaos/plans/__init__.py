"""What may go wrong, written down: plans of faults, in YAML, and what they mean.

Read in this order; a file imports only files before it.

    amounts      spans of time, shares, rates, sizes, as texts and as values
    grammar      the grammar of what happens at a point, and how often: a text becomes a program
    course       the course of a program over its visits
    points       all places at which something may go wrong
    arguments    what an action may be given
    actions      the table of all actions: arguments, places, meaning
    shapes       the four usual programs, by name
    globs        patterns of paths and of names
    matching     `where`, as a value and compiled
    choices      what a knob may be turned to
    knobs        fields of a tree that each seed draws; swarms
    fields       the values of a plan that have a text of their own
    rules        what holds between the fields of a plan
    work         what a tree is asked meanwhile
    plan         the model: Plan and its parts
    imports      what a plan names in Python, behind the allow-list
    fitting      whether a plan fits a tree
    plan_file    a plan from YAML: load_plan; its JSON Schema
    explain      a plan in plain words, and the table of points
    reference    the reference for people, made from the tables
"""

from __future__ import annotations

from .explain import explain, points
from .fitting import check_against
from .plan import Abort, Expectation, Fault, Heal, Parity, Plan, Where, Work
from .plan_file import load_plan, plan_schema

__all__ = [
    "Abort",
    "Expectation",
    "Fault",
    "Heal",
    "Parity",
    "Plan",
    "Where",
    "Work",
    "check_against",
    "explain",
    "load_plan",
    "plan_schema",
    "points",
]
