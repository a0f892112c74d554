"""The supervision of work: what is done for a task beside handling it.

Read in this order; a file imports only files before it.

    memory    what one child's tries at one task have shown
    ladder    the recovery ladder: its rungs, and which is next
    health    whether a child that lives does well
    loops     work that goes round in circles
    policy    all that a child's spec says about work
    accounts  what a request has used so far, over all its tasks
    attempt   one try of one incarnation at a task: the reply that it owes
    history   what has become of one task at one child so far
    trial     one try, with all that stands before the child and its answer
    handover  a task given to another: a fallback, the desk
    recovery  the ladder, climbed
    delivery  a task in hand, from its coming to its outcome
    guard     what stands before a child: its breaker, its budgets, the tasks in hand
"""
