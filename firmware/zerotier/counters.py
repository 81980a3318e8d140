"""Counters of what a node did and, by reason, of what it dropped.

Owns the numbers; never prints. Reasons are string constants in the code, so the table is bounded.
"""


class Counters:
    """How often each reason was met since the node started."""

    def __init__(self) -> None:
        self._values: dict[str, int] = {}

    def count(self, reason: str, amount: int = 1) -> None:
        self._values[reason] = self._values.get(reason, 0) + amount

    def get(self, reason: str) -> int:
        return self._values.get(reason, 0)

    def snapshot(self) -> dict[str, int]:
        """A copy, for the user."""
        return dict(self._values)
