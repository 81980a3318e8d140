"""What a user is told of peers: direct or relayed, when they were heard, and why a path was given up."""

from host_tests.unit.test_vl1_paths import Pair
from zerotier.api import _peer_row
from zerotier.wire import address as addresses


def row(pair: Pair) -> dict:
    """How the first member's user sees the other one."""
    return _peer_row(pair.one.node.topology.get(pair.other.address), pair.mesh.now)


def talk(pair: Pair, seconds: int) -> None:
    for _ in range(seconds):
        pair.send(pair.one, pair.other)
        pair.send(pair.other, pair.one)
        pair.mesh.run(1000)


def test_a_direct_peer_is_told_from_a_relayed_one_and_why_its_path_was_lost() -> None:
    pair = Pair()
    talk(pair, 3)
    endpoint = addresses.text(pair.other.endpoint)
    told = row(pair)
    assert (told["direct"], told["endpoint"], told["role"]) == (True, endpoint, "LEAF")
    assert (told["latency"], told["lost"]) == (10, "")
    assert [(path["endpoint"], path["state"]) for path in told["paths"]] == [(endpoint, "used")]
    ends = (pair.one.endpoint, pair.other.endpoint)
    pair.mesh.passes = lambda datagram, source, target: not (source in ends and target in ends)
    talk(pair, 5)
    told = row(pair)
    assert (told["direct"], told["endpoint"]) == (False, "")
    assert [path["state"] for path in told["paths"]] == ["failed"]
    talk(pair, 15)
    told = row(pair)
    assert told["paths"] == []
    assert told["lost"].startswith(endpoint + ": no answer, ")
    assert told["heard"] <= 1000  # through the root
    assert pair.one.count("path_no_answer") == 1


def test_a_peer_that_went_away_is_told_by_when_it_was_heard() -> None:
    pair = Pair()
    talk(pair, 3)
    pair.other.running = False
    pair.mesh.run(20000)
    assert 19000 <= row(pair)["heard"] <= 21000
    root = pair.one.node.topology.get(pair.mesh.root.address)
    assert _peer_row(root, pair.mesh.now)["role"] == "PLANET"
