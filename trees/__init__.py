"""Trees: declared structure, in YAML or in Python, and its way to a running tree.

In reading order; a file imports only from those above it.

    problems      what is wrong, where, and how to mend it: Problem, TreeError
    environment   ${NAME} in texts, and the texts that came from there
    scalars       what plain words of YAML mean
    located       mappings and lists that know where they stand in a file
    source        safe YAML: from a text to those mappings
    values        durations, ids, numbers, texts
    base          what all parts are made of, and the forms in which a part may be written
    guards        breaker, budget, health, loops
    ladder        the rungs of recovery
    judges        the judges of an output
    policies      intensity, backoff, mailbox; and all policies by name
    fields        what several kinds of node have
    nodes         nodes as they come, and the places of policies in them
    fitting       what holds between the fields of one policy
    mentions      where one node names another
    rules         what holds between the fields of a tree
    spec          the model: Tree and its nodes
    export        a tree as YAML
    messages      from pydantic's errors to problems
    names         which class, function or model a name means, behind the allow-list
    arguments     whether `with` fits the class
    named         all that a file names in Python, looked at
    files         a file with its includes and policies in their places
    load          all of the above: load_tree
    schema        JSON Schema
    tables        tables of the keys of a document
    reference     the reference for people, made from it
    work          what a tree says about work, as the supervisors' own values
    render        a tree as text, Mermaid, Graphviz, JSON
    diff          two trees: the steps from one to the other
    build         a tree as the supervisors' specs
    desk          the desk of a tree that runs, for people
    letters       its dead letters, for people
    handle        a task that was submitted
    loop_thread   an event loop in a thread of its own
    runtime       a tree that runs
    library/      trees that ship with Treeward
"""

from .diff import Move, Reconfigure, Restart, Start, Step, Stop, diff
from .export import to_yaml
from .load import load_tree
from .policies import Backoff, Intensity, Mailbox, Policies
from .problems import Problem, TreeError
from .reference import reference_markdown
from .render import render
from .runtime import Runtime
from .schema import json_schema
from .spec import AgentNode, ChaosRules, DynamicNode, PoolNode, SupervisorNode, Template, Tree

__all__ = [
    "AgentNode",
    "Backoff",
    "ChaosRules",
    "DynamicNode",
    "Intensity",
    "Mailbox",
    "Move",
    "Policies",
    "PoolNode",
    "Problem",
    "Reconfigure",
    "Restart",
    "Runtime",
    "Start",
    "Step",
    "Stop",
    "SupervisorNode",
    "Template",
    "Tree",
    "TreeError",
    "diff",
    "json_schema",
    "load_tree",
    "reference_markdown",
    "render",
    "to_yaml",
]
