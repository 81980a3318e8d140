"""Up to when the credentials of others are void: what the controller's revocations have said.

Owns a bounded table of thresholds (protocol/06 §6.9). Never checks a signature and keeps no
credential.
"""


class Revocations:
    """Thresholds in ms, by kind (CREDENTIAL_*), id (0 for memberships) and member.

    Unlike in the reference, the revocation of a tag or the like never moves the threshold of the
    membership: it could only bring back memberships that were revoked before.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._thresholds: dict[tuple[int, int, bytes], int] = {}

    def threshold(self, kind: int, id: int, member: bytes) -> int:
        """Credentials up to this time are void; -1 if none are."""
        return self._thresholds.get((kind, id, member), -1)

    def remember(self, kind: int, id: int, member: bytes, threshold: int) -> None:
        """The oldest threshold leaves a full table: what it voids is the first to be out of time."""
        key = (kind, id, member)
        if key not in self._thresholds and len(self._thresholds) >= self._bound:
            oldest = min(self._thresholds, key=lambda other: self._thresholds[other])
            del self._thresholds[oldest]
        self._thresholds[key] = threshold
