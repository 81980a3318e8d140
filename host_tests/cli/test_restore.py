"""`zt restore` and files that nobody should write into a board; with a board it is tested in host_tests/board."""

import io
import tarfile

import pytest

from host_tests.cli.command import refused
from host_tests.cli.conftest import SECRETS


def archive(*members: tuple[str, bytes], mode: str = "w") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as tar:  # type: ignore[call-overload]
        for name, kind in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.linkname = "nowhere"
            info.size = len(SECRETS[0]) if kind == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(SECRETS[0].encode()))
    return made.getvalue()


SECRET = ("zerotier.d/identity.secret", tarfile.REGTYPE)


@pytest.mark.parametrize(
    "content",
    (
        archive(SECRET, ("boot.py", tarfile.REGTYPE)),
        archive(SECRET, ("zerotier.d/../boot.py", tarfile.REGTYPE)),
        archive(("zerotier.d/identity.secret", tarfile.SYMTYPE)),
        archive(SECRET, mode="w:gz")[:-20],
        archive(SECRET)[:700],
        b"",
    ),
)
def test_what_is_no_backup_is_said_to_be_none_before_a_port_is_opened(tmp_path, content):
    saved = tmp_path / "saved.tar"
    saved.write_bytes(content)
    sentence = refused("restore", "--port", tmp_path / "no port", saved)
    assert sentence.strip().endswith("is not a backup of a board")
