"""The supervision of work: what is done for a task beside handling it.

Read in this order; a file imports only files before it.

    errors       what stops a task on its way
    places       where a name leads
    escalation   what a desk is told, and what comes back
    failure      one failure, classified
    refusal      what somebody else's server said when it said no
    foreign      what the exceptions of others mean
    classify     from an exception to a failure
    tally        how many there were in the last seconds
    breaker      a circuit breaker's state machine
    budget       what may be spent, is reserved, has been
    ledger       one budget's: who holds how much of it
    bank         who waits for room in which ledgers
    memory       what one child's tries at one task have shown
    ladder       the recovery ladder: its rungs, and which is next
    events       what all of this tells
    breakers     a runtime's breakers by their names, and a call's way through one
    threads      a call in a thread of its own
    plain        an output as plain data: its fields, its texts
    judge        what a judge is
    seat         one judge: asked in time, past its breaker
    panel        several judges, asked in the order of their cost
    json_schema  a JSON Schema, compiled
    schema       a judge: a pydantic model or a JSON Schema
    rules        a judge: required fields, ranges, patterns, what contradicts the facts
    confidence   a judge: a threshold
    callables    a judge: a function
    agent_judge  a judge: another agent with a rubric
    quorum       a judge: several with weights
    health       whether a child that lives does well
    loops        work that goes round in circles
    policy       all of it together, as a child's spec has it
    purse        the budgets that one task draws on, together
    accounts     what a request has used so far, over all its tasks
    attempt      one try of one incarnation at a task
    history      what has become of one task at one child so far
    trial        one try, with all that stands before the child and its answer
    handover     a task given to another: a fallback, the desk
    recovery     the ladder, climbed
    delivery     a task in hand, from its coming to its outcome
    guard        what stands before a child: its breaker, its budgets, the tasks in hand
"""
