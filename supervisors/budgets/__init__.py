"""Budgets: reserved before a call, settled after it.

Read in this order; a file imports only files before it.

    budget  what may be spent
    ledger  what is reserved, and has been spent, of one budget
    bank    who waits for room in which ledgers
    purse   the budgets that one try draws on, together
"""
