"""What was measured, against what is wanted.

Owns the list of figures and its file build/sim/results.json.
"""

import json


class Figures:
    """Collects figures, prints each, and writes them."""

    def __init__(self) -> None:
        self.rows: list[dict] = []

    def add(self, figure: str, value: float, unit: str, target: str, met: bool) -> None:
        """One figure; `target` in words, as it is printed."""
        value = round(value, 3)
        self.rows.append(
            {"figure": figure, "value": value, "unit": unit, "target": target, "met": met}
        )
        print(f"{'ok ' if met else 'NO '} {figure}: {value} {unit} (wanted: {target})", flush=True)

    def at_most(self, figure: str, value: float, unit: str, limit: float) -> None:
        self.add(figure, value, unit, f"<= {limit}", 0 <= value <= limit)

    def at_least(self, figure: str, value: float, unit: str, limit: float) -> None:
        self.add(figure, value, unit, f">= {limit}", value >= limit)

    def told(self, figure: str, value: float, unit: str) -> None:
        """A figure without a target."""
        self.add(figure, value, unit, "-", True)

    def write(self, path: str) -> bool:
        """Write the file; True if all targets are met."""
        with open(path, "w") as file:
            json.dump(self.rows, file, indent=1)
        return all(row["met"] for row in self.rows)
