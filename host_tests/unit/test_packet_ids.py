"""Packet ids never repeat, also over restarts (protocol/11 §11.10)."""

from zerotier.vl1 import packet_ids
from zerotier.vl1.packet_ids import PacketIds


class DictStore(dict):
    """A store in memory."""

    def put(self, key: str, value: bytes) -> None:
        self[key] = value


def test_ids_are_eight_bytes_and_all_different() -> None:
    ids = PacketIds(DictStore())
    made = [ids.next() for _ in range(2000)]
    assert all(len(packet_id) == 8 for packet_id in made)
    assert len(set(made)) == len(made)


def test_a_restart_goes_on_with_another_epoch() -> None:
    store = DictStore()
    made = set()
    epochs = set()
    for _ in range(20):
        ids = PacketIds(store)
        epochs.add(store.get(packet_ids.KEY))
        for _ in range(100):
            made.add(ids.next())
    assert len(made) == 2000
    assert len(epochs) == 20


def test_the_epoch_is_stored_before_the_first_id_is_given_out() -> None:
    store = DictStore()
    PacketIds(store)
    assert len(store.get(packet_ids.KEY)) == 3


def test_a_device_restored_from_a_backup_gives_other_ids() -> None:
    backup = DictStore()
    PacketIds(backup)
    made = set()
    for _ in range(10):
        restored = DictStore()
        for key in backup:
            restored[key] = backup[key]
        ids = PacketIds(restored)
        for _ in range(10):
            made.add(ids.next())
    # The random part has 16 bits: ten restores collide with a chance below 1 in 1,000.
    assert len(made) >= 90


def test_the_counter_runs_into_the_next_epoch() -> None:
    store = DictStore()
    ids = PacketIds(store)
    before = store.get(packet_ids.KEY)
    ids._counter = (1 << 24) - 1
    last = ids.next()
    first = ids.next()
    assert last != first
    assert store.get(packet_ids.KEY) != before


def test_a_damaged_epoch_is_replaced() -> None:
    store = DictStore()
    store.put(packet_ids.KEY, b"x")
    PacketIds(store)
    assert len(store.get(packet_ids.KEY)) == 3
