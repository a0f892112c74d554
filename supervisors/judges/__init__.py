"""Judges: hooks of a supervisor that look at an output before anybody gets it.

Read in this order; a file imports only files before it.

    threads      a call in a thread of its own
    plain        an output as plain data: its fields, its texts
    judge        what a judge is
    seat         one judge: asked in time, past its breaker
    panel        several judges, asked in the order of their cost
    quick        a JSON Schema as a function that says yes or no
    json_schema  a JSON Schema, compiled
    schema       a judge: a pydantic model or a JSON Schema
    rules        a judge: required fields, ranges, patterns, what contradicts the facts
    confidence   a judge: a threshold
    callables    a judge: a function
    agent_judge  a judge: another agent with a rubric
    quorum       a judge: several with weights
"""
