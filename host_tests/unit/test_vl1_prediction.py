"""Which port a symmetric NAT gives us next, and which endpoints of a peer are tried when."""

from zerotier.vl1.candidates import NEVER, Candidates
from zerotier.vl1.prediction import Prediction
from zerotier.wire import address

NOW = 1700000000000
ROOTS = [address.inet("40.0.%d.1" % number, 9993) for number in range(4)]
PEER = address.inet("40.9.9.9", 9993)


def ours(port: int) -> bytes:
    return address.inet("40.5.5.5", port)


def opened(ports: list[int]) -> Prediction:
    """Each of these ports was seen by another root, in this order."""
    prediction = Prediction()
    for root, port in zip(ROOTS, ports):
        prediction.opened(root, NOW)
        prediction.seen(root, ours(port), NOW)
    return prediction


def test_ports_that_count_upwards_are_counted_on() -> None:
    prediction = opened([30000, 30001])
    assert prediction.endpoints(PEER, NOW)[0] == ours(30002)


def test_a_step_of_two_and_one_backwards_are_seen() -> None:
    assert opened([30000, 30002, 30004]).endpoints(PEER, NOW)[0] == ours(30006)
    assert opened([30000, 29999]).endpoints(PEER, NOW)[0] == ours(29998)


def test_what_was_sent_since_the_last_report_uses_ports_up() -> None:
    prediction = opened([30000, 30001])
    prediction.opened(address.inet("40.8.8.8", 1), NOW)
    prediction.opened(address.inet("40.8.8.9", 1), NOW)
    assert prediction.endpoints(PEER, NOW)[0] == ours(30004)


def test_a_peer_that_was_sent_to_keeps_its_port() -> None:
    prediction = opened([30000, 30001])
    prediction.opened(PEER, NOW)
    prediction.opened(address.inet("40.8.8.8", 1), NOW)
    assert prediction.endpoints(PEER, NOW)[0] == ours(30002)


def test_neighbours_are_guessed_too_because_others_use_the_nat() -> None:
    guesses = opened([30000, 30001]).endpoints(PEER, NOW)
    assert len(guesses) == 8
    assert {ours(30001), ours(30003), ours(30004)} < set(guesses)


def test_no_guess_is_made_for_cones_for_chance_and_for_too_little_knowledge() -> None:
    assert opened([30000, 30000]).endpoints(PEER, NOW) == []
    assert opened([30000, 45123]).endpoints(PEER, NOW) == []
    assert opened([30000]).endpoints(PEER, NOW) == []
    assert opened([30000, 30001]).endpoints(address.inet("2001:db8::1", 1), NOW) == []


def test_ports_out_of_range_are_not_guessed() -> None:
    ports = [address.port(e) for e in opened([65533, 65534]).endpoints(PEER, NOW)]
    assert ports == [65535, 65534]


def test_a_candidate_is_tried_at_once_and_then_ever_more_slowly_and_for_ever() -> None:
    candidates = Candidates()
    candidates.add(PEER, NOW)
    times = []
    now = NOW
    while now < NOW + 600000:
        now = max(now + 1, candidates.next(True))
        if candidates.due(True, now):
            times.append(now - NOW)
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert times[0] <= 1
    assert 200 <= gaps[0] <= 250
    assert all(later >= 0.75 * earlier for earlier, later in zip(gaps, gaps[1:]))
    assert 60000 <= gaps[-1] <= 75000


def test_with_a_path_a_candidate_is_tried_a_few_times_only() -> None:
    candidates = Candidates()
    candidates.add(PEER, NOW)
    now = NOW
    tries = 0
    for _ in range(100):
        tries += len(candidates.due(False, now))
        now += 1000
    assert tries == 5
    assert candidates.next(False) == NEVER


def test_many_candidates_do_not_grow_a_table() -> None:
    candidates = Candidates()
    for number in range(1000):
        candidates.add(address.inet("40.1.%d.%d" % (number >> 8, number & 255), 1), NOW)
    assert len(candidates) == 16


def test_what_nobody_names_any_more_is_let_go() -> None:
    candidates = Candidates()
    for root in ROOTS:
        candidates.add(root, NOW)
    candidates.due(True, NOW + 601000)
    assert len(candidates) == 1
