"""Failures: what went wrong, by the reaction that is wanted.

Read in this order; a file imports only files before it.

    failure   one failure, classified; which rungs answer which kind
    refusal   what somebody else's server said when it said no
    foreign   what the exceptions of others mean
    classify  from an exception to a failure
"""
