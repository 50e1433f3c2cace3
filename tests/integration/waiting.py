"""Waiting for a condition, with a deadline; nothing in these tests sleeps for luck."""

import time


class Late(AssertionError):
    pass


def until(condition, what: str, seconds: float = 20.0, every: float = 0.02):
    """Polls `condition` until it returns something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Late(f"not within {seconds} s: {what}")
        time.sleep(every)
