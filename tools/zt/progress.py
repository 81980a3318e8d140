"""What several things at once are doing: on a terminal one line for each, which changes; elsewhere nothing.

Owns those lines. Results and errors are whole lines above them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import TextIO

_UP = "\x1b[%dA"
_CLEAR = "\x1b[J"  # to the end of the screen


class Progress:
    """May be used by several threads."""

    def __init__(self, names: Sequence[str]) -> None:
        self._states = dict.fromkeys(names, "waiting")
        self._lock = threading.Lock()
        self._is_shown = False

    def tell(self, name: str, state: str) -> None:
        """What one of them is doing now."""
        with self._lock:
            self._states[name] = state
            self._hide()
            self._show()

    def finish(self, name: str, line: str, output: TextIO) -> None:
        """The last line of one of them; its progress line is gone."""
        with self._lock:
            self._hide()
            self._states.pop(name, None)
            print(line, file=output, flush=True)
            self._show()

    def _hide(self) -> None:
        if self._is_shown:
            sys.stderr.write(_UP % len(self._states) + "\r" + _CLEAR)
            self._is_shown = False

    def _show(self) -> None:
        if self._states and sys.stderr.isatty():
            for name, state in self._states.items():
                print(f"{name}: {state}", file=sys.stderr)
            sys.stderr.flush()
            self._is_shown = True
