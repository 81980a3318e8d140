"""When a controller is asked for the config of a network."""

from zerotier.vl2.refresh import Refresh

_NOW = 1700000000000
_GATE = 1100  # the controller ignores what comes sooner (protocol/11 §11.9)


def test_a_network_asks_at_once_when_it_is_joined():
    assert Refresh(60000, _NOW).next == _NOW


def test_an_unanswered_question_is_repeated_but_never_within_the_gate():
    refresh = Refresh(60000, _NOW)
    now = _NOW
    for _ in range(100):
        refresh.asked(False, now)
        assert _GATE < refresh.next - now <= 5000
        now = refresh.next


def test_a_node_with_a_config_asks_a_silent_controller_less_and_less():
    refresh = Refresh(60000, _NOW)
    for _ in range(100):
        refresh.asked(True, _NOW)
    assert refresh.next == _NOW + 30000


def test_a_refused_node_goes_on_asking_every_two_to_five_seconds():
    refresh = Refresh(60000, _NOW)
    now = _NOW
    for _ in range(100):
        refresh.asked(False, now)
        refresh.refused(now + 20)
        assert 2000 <= refresh.next - now <= 5020
        now = refresh.next


def test_an_answer_starts_the_refresh_interval():
    refresh = Refresh(60000, _NOW)
    refresh.asked(False, _NOW)
    refresh.answered()
    assert refresh.next == _NOW + 60000


def test_what_comes_unasked_puts_no_question_off():
    refresh = Refresh(60000, _NOW)
    refresh.answered()
    assert refresh.next == _NOW
    refresh.asked(False, _NOW)
    for _ in range(100):
        refresh.answered()
    assert refresh.next == _NOW + 60000
