"""Circuit breakers, for children, tools, and whatever else is called.

Read in this order; a file imports only files before it.

    tally    how many there were in the last seconds
    breaker  a circuit breaker's state machine
    kept     a runtime's breakers by their names, and a call's way through one
"""
