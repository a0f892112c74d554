"""What is put behind a call: it gets the call's value, and neither outlives the other."""

import gc
import inspect

import pytest

from treeward.runtime.faults import after


async def test_value():
    """What is behind a call makes something of its value, whether that has to be awaited or not."""

    async def slow():
        return 1

    assert after(lambda: 1, lambda value: value + 1)() == 2
    assert await after(slow, lambda value: value + 1)() == 2


@pytest.mark.filterwarnings("error")
async def test_call_that_never_begins():
    """A coroutine that is closed before its first step closes the call within, which has not begun either."""
    made = []

    async def slow():
        return 1

    def call():
        made.append(slow())
        return made[0]

    outer = after(call, print)()
    outer.close()
    del outer
    gc.collect()
    assert inspect.getcoroutinestate(made[0]) == inspect.CORO_CLOSED
