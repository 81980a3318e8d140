"""`zt identity`: identities are made, shown and checked; files and secrets are safe."""

import json
import stat
from pathlib import Path

from host_tests.cli.command import answer, done, refused, zt

IDENTITIES = json.loads((Path(__file__).parent.parent / "vectors" / "identities.json").read_text())
SECRET = IDENTITIES["valid"][0]["secret"]
PUBLIC = SECRET.rpartition(":")[0]


def test_a_new_identity_is_valid_and_its_secret_is_private(tmp_path):
    out = tmp_path / "home" / "identity.secret"
    made = answer("identity", "new", "--out", out)
    assert made["secret"] == str(out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    public = (tmp_path / "home" / "identity.public").read_text()
    assert out.read_text().startswith(public + ":") and len(out.read_text()) == 270
    assert done("identity", "validate", out) == f"{made['address']} is a valid identity\n"
    assert answer("identity", "show", out)["public"] == public


def test_the_default_name_is_that_of_a_home(tmp_path):
    done("identity", "new", cwd=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "identity.public",
        "identity.secret",
    ]


def test_an_identity_that_exists_is_never_overwritten(tmp_path):
    for name in ("identity.secret", "identity.public"):
        (tmp_path / name).write_text("mine")
        sentence = refused("identity", "new", "--out", tmp_path / "identity.secret")
        assert sentence == f"{tmp_path / name}: the file exists already and is kept"
        assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
        (tmp_path / name).unlink()


def test_an_identity_can_be_printed_instead(tmp_path):
    text = done("identity", "new", "--out", "-", cwd=tmp_path).strip()
    assert len(text) == 270 and list(tmp_path.iterdir()) == []
    shown = zt("identity", "show", "-", input=text)
    assert shown.returncode == 0 and text[:141] in shown.stdout


def test_show_never_shows_the_secret():
    shown = done("identity", "show", SECRET)
    assert PUBLIC in shown and SECRET.rpartition(":")[2] not in shown
    assert answer("identity", "show", SECRET)["secret"] is True
    assert answer("identity", "show", PUBLIC)["secret"] is False


def test_an_identity_with_another_address_is_not_valid():
    forged = "1" * 10 + PUBLIC[10:]
    assert "is not the address that belongs to this key" in refused("identity", "validate", forged)
    result = zt("identity", "validate", forged, "--json")
    assert result.returncode == 1 and json.loads(result.stdout)["valid"] is False


def test_what_is_no_identity_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff" * 100)
    assert "does not hold an identity" in refused("identity", "show", tmp_path / "picture")
    assert "No such file" in refused("identity", "show", tmp_path / "nothing")
    assert "Is a directory" in refused("identity", "validate", tmp_path)
    assert refused("identity", "validate", PUBLIC[:50])
