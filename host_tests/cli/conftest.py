"""Homes of nodes for the tests of the command line.

Owns fixtures. Identities are recorded ones, because making new ones takes its time.
"""

import json
from pathlib import Path

import pytest

VECTORS = Path(__file__).parent.parent / "vectors"
SECRETS = [
    case["secret"] for case in json.loads((VECTORS / "identities.json").read_text())["valid"]
]


def make_home(path: Path, number: int) -> Path:
    """The home of the node with the recorded identity of this number."""
    path.mkdir()
    secret = SECRETS[number]
    (path / "identity.secret").write_text(secret)
    (path / "identity.public").write_text(secret.rpartition(":")[0])
    return path


@pytest.fixture
def home(tmp_path):
    """The home of a controller."""
    return make_home(tmp_path / "controller", 1)
