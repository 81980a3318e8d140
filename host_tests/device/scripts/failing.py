"""A background callback that fails once."""

import time

import _zerotier

calls = 0


def background() -> int:
    global calls
    calls += 1
    if calls == 1:
        raise ValueError("first")
    return 10


_zerotier.background(background)
time.sleep(1.3)  # after an error, the next call comes within a second
print("went on" if calls > 2 else "stopped after %d calls" % calls)
