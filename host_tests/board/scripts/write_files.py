"""Writes files: each line of the input is a path and the content in hex, an empty one ends it.

Owns nothing. Runs on a board.
"""

import os
import sys

while True:
    words = sys.stdin.readline().split()
    if not words:
        break
    path = words[0]
    end = path.find("/", 1)
    while end > 0:
        try:
            os.mkdir(path[:end])
        except OSError:
            pass  # there is one
        end = path.find("/", end + 1)
    with open(path, "wb") as file:
        file.write(bytes.fromhex(words[1]) if len(words) > 1 else b"")
