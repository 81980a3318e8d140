"""The picture of `make sim`: time to a direct path for every pair of NATs.

Owns the look of it.
"""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as pyplot  # noqa: E402  the backend has to be chosen first


def plot(times: dict[tuple[str, str], list[int]], path: str) -> None:
    """`times`: ms of each run by pair of places, -1 for runs that stayed relayed."""
    pairs = list(times)
    figure, axis = pyplot.subplots(figsize=(9, 0.4 * len(pairs) + 1.5))
    for row, pair in enumerate(pairs):
        direct = [ms / 1000 for ms in times[pair] if ms >= 0]
        axis.plot(direct, [row] * len(direct), "o", color="tab:blue", alpha=0.35, markersize=5)
        if direct:
            middle = sorted(direct)[len(direct) // 2]
            axis.plot([middle], [row], "|", color="black", markersize=14)
        relayed = len(times[pair]) - len(direct)
        if relayed:
            share = f"{relayed} of {len(times[pair])} relayed"
            axis.text(
                1.01, row, share, transform=axis.get_yaxis_transform(), va="center", fontsize=8
            )
    axis.set_yticks(range(len(pairs)), [f"{one} - {other}" for one, other in pairs], fontsize=8)
    axis.invert_yaxis()
    axis.set_xlim(left=0)
    axis.set_xlabel("seconds from the first frame to a direct path, both ways; bar: median")
    axis.grid(axis="x", alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
