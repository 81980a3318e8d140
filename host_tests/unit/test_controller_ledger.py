"""What a controller remembers over a restart: what it gave, and what of that is void."""

import json

from host_tests.unit.mesh import MemoryStore
from zerotier.controller_grants import NOTHING, concerns_members, grants, withdrawn
from zerotier.controller_ledger import Ledger
from zerotier.controller_records import MemberRecord, NetworkRecord
from zerotier.counters import Counters
from zerotier.wire.credentials import (
    CREDENTIAL_CAPABILITY,
    CREDENTIAL_MEMBERSHIP,
    CREDENTIAL_OWNERSHIP,
    CREDENTIAL_TAG,
)

NWID = bytes.fromhex("f85afca4d6123456")
KEY = "controller.d/issued/f85afca4d6123456.json"
ONE, OTHER = b"\x01\x02\x03\x04\x05", b"\x09\x08\x07\x06\x05"
NOW = 1700000000000
HOUR = 3600000
MEMBERSHIP = "[[1, 0, 0]]"


def ledger(store: MemoryStore, now: int = NOW) -> Ledger:
    counters = Counters()
    opened = Ledger(store, NWID, counters, now)  # type: ignore[arg-type]
    assert counters.get("controller_damaged_ledger") == 0
    return opened


def network(**changes) -> NetworkRecord:
    fields = {
        "id": NWID.hex(),
        "routes": [{"target": "10.1.0.0/16", "via": None}],
        "capabilities": [{"id": 3, "rules": [{"type": "ACTION_ACCEPT"}]}],
        "tags": [{"id": 7, "default": 1}],
    }
    fields.update(changes)
    return NetworkRecord(fields)


def member(**changes) -> MemberRecord:
    fields = {"address": ONE.hex(), "authorized": True, "identity": "known"}
    fields.update(ipAssignments=["10.1.2.3"], capabilities=[3])
    fields.update(changes)
    return MemberRecord(fields)


def lost(before: tuple, after: tuple) -> list:
    gone, _ = withdrawn(grants(*before, NOW), grants(*after, NOW))
    return sorted([kind for kind, _ in gone])


def test_what_is_given_and_withdrawn_is_there_after_a_restart() -> None:
    store = MemoryStore()
    first = ledger(store)
    first.note(ONE, MEMBERSHIP)
    first.note(OTHER, MEMBERSHIP)
    first.withdraw(OTHER, NOTHING, [(CREDENTIAL_MEMBERSHIP, 0), (CREDENTIAL_TAG, 5)], NOW)
    for _ in range(2):
        again = ledger(store)
        assert again.given == {ONE: MEMBERSHIP}
        assert again.void == {
            (OTHER, CREDENTIAL_MEMBERSHIP, 0): NOW,
            (OTHER, CREDENTIAL_TAG, 5): NOW,
        }
        assert again.issue_from(OTHER) == NOW + 1 and again.issue_from(ONE) == 0


def test_the_same_grants_are_written_once() -> None:
    store = MemoryStore()
    first = ledger(store)
    for _ in range(5):
        first.note(ONE, MEMBERSHIP)
    assert store.writes == 1


def test_what_is_void_for_longer_than_any_window_is_forgotten_but_not_the_time_it_bears() -> None:
    store = MemoryStore()
    ledger(store).withdraw(ONE, NOTHING, [(CREDENTIAL_MEMBERSHIP, 0)], NOW)
    assert ledger(store, NOW + HOUR).void
    assert not ledger(store, NOW + 3 * HOUR).void


def test_a_line_that_was_cut_off_costs_itself_alone() -> None:
    store = MemoryStore()
    ledger(store).note(ONE, MEMBERSHIP)
    whole = store.values[KEY]
    ledger(store).note(OTHER, MEMBERSHIP)
    for size in range(len(whole), len(store.values[KEY])):
        torn = MemoryStore()
        torn.values[KEY] = store.values[KEY][:size]
        after = ledger(torn)
        assert after.given == {ONE: MEMBERSHIP}
        after.note(OTHER, MEMBERSHIP)
        assert ledger(torn).given == {ONE: MEMBERSHIP, OTHER: MEMBERSHIP}


def test_lines_that_say_nothing_are_counted_and_passed_over() -> None:
    store = MemoryStore()
    ledger(store).note(ONE, MEMBERSHIP)
    lines = ["", "{}", '["x", [], [], 0]', "[1]", '["0102030405", [[1]], [], 0]']
    lines += ['["0102030405", [[4, 1, 5]], [], 0]', '["0102030405", [[1, [], 0]], [], 0]']
    lines += ['["0102030405", [], [[1, 0]], "x"]', '["0102030405", [], [1], 5]']
    store.values[KEY] += "".join([line + "\n" for line in lines]).encode() + b"\xff\n"
    counters = Counters()
    found = Ledger(store, NWID, counters, NOW)  # type: ignore[arg-type]
    assert found.given == {ONE: MEMBERSHIP} and not found.void
    assert counters.get("controller_damaged_ledger") == len(lines) + 1


def test_the_file_does_not_grow_without_end() -> None:
    store = MemoryStore()
    for number in range(500):
        ledger(store).note(ONE, "[[1, 0, 0], [3, 5, %d]]" % number)
    assert len(store.values[KEY].split(b"\n")) < 80
    assert json.loads(ledger(store).given[ONE])[1] == [3, 5, 499]


def test_the_file_of_a_controller_that_never_restarts_does_not_grow_without_end() -> None:
    store = MemoryStore()
    running = ledger(store)
    for number in range(1000):
        time = NOW + number * HOUR
        member = number.to_bytes(5, "big")
        running.note(member, MEMBERSHIP)
        running.note(ONE, "[[1, 0, 0], [3, 5, %d]]" % number)
        running.withdraw(member, NOTHING, [(CREDENTIAL_MEMBERSHIP, 0)], time)
        assert len(store.values[KEY].split(b"\n")) < 300
    assert len(running.void) < 100
    after = ledger(store, time)
    assert after.given == running.given and set(after.void) <= set(running.void)
    assert after.void[(member, CREDENTIAL_MEMBERSHIP, 0)] == time


def test_a_store_that_cannot_be_written_is_counted() -> None:
    store = MemoryStore()

    def full(key, value):
        raise OSError("no space")

    store.append = full  # type: ignore[method-assign]
    counters = Counters()
    full_ledger = Ledger(store, NWID, counters, NOW)  # type: ignore[arg-type]
    full_ledger.note(ONE, MEMBERSHIP)
    assert full_ledger.given == {ONE: MEMBERSHIP}
    assert counters.get("controller_unwritable_ledger") == 1


def test_what_could_not_be_written_is_once_there_is_room() -> None:
    store = MemoryStore()
    first = ledger(store)

    def half(key, value):
        store.values[key] = store.values.get(key, b"") + value[: len(value) // 2]
        raise OSError("no space")

    append = store.append
    store.append = half  # type: ignore[method-assign]
    first.note(ONE, MEMBERSHIP)
    store.append = append  # type: ignore[method-assign]
    first.note(OTHER, MEMBERSHIP)
    assert ledger(store).given == {ONE: MEMBERSHIP, OTHER: MEMBERSHIP}


def test_what_a_member_gains_withdraws_nothing() -> None:
    before = (network(), member())
    more = {"capabilities": [3, 4], "tags": [[8, 1]], "ipAssignments": ["10.1.2.4", "10.1.2.3"]}
    assert lost(before, (network(mtu=1400, name="other"), member(**more))) == []
    assert lost(before, before) == []


def test_each_loss_withdraws_what_is_lost() -> None:
    before = (network(), member())
    everything = [1, 2, 3, 4]
    rules = [{"id": 3, "rules": [{"type": "ACTION_DROP"}]}]
    sso = network(ssoEnabled=True)
    for after, expected in (
        ((network(), member(authorized=False)), everything),
        ((network(), None), everything),
        ((sso, member()), everything),
        ((sso, member(ssoExempt=True)), []),
        ((sso, member(authenticationExpiryTime=NOW + 1)), []),
        ((sso, member(authenticationExpiryTime=NOW)), everything),
        ((network(), member(capabilities=[])), [CREDENTIAL_CAPABILITY]),
        ((network(capabilities=rules), member()), [CREDENTIAL_CAPABILITY]),
        ((network(tags=[]), member()), [CREDENTIAL_TAG]),
        ((network(), member(tags=[[7, 2]])), [CREDENTIAL_TAG]),
        ((network(), member(ipAssignments=["10.1.2.4"])), [CREDENTIAL_OWNERSHIP]),
        ((network(routes=[]), member()), [CREDENTIAL_OWNERSHIP]),
    ):
        assert lost(before, after) == expected
        if after[0].fields != before[0].fields:
            assert concerns_members(before[0], after[0])
