"""`zt provision` before a port is opened: names and passwords that no Wi-Fi can have, networks that are none.

Owns that each is one sentence, and that no password is in it. With a board it is tested in host_tests/board.
"""

import os
import subprocess

import pytest

from host_tests.cli.command import refused, zt
from zt.wifi import PASSWORD

PORT = "/dev/ttyNOBODY"
NAME = "the name of a Wi-Fi is UTF-8 of 1 to 32 bytes"
NO_SUCH_PORT = f"{PORT}: there is no such port: is the board plugged in?"


def provision(ssid: str, key: str) -> str:
    environment = {**os.environ, PASSWORD: key}
    return refused("provision", "--port", PORT, "--wifi", ssid, env=environment)


@pytest.mark.parametrize("ssid", ("", "x" * 33, "\u00fc" * 17, "\udcff"))
def test_a_name_that_no_wifi_has(ssid: str) -> None:
    assert provision(ssid, "12345678") == NAME


@pytest.mark.parametrize("key", ("secret7", "secret" * 11, "secretsecret\udcff"))
def test_a_password_that_no_wifi_has_is_refused_and_not_shown(key: str) -> None:
    sentence = provision("home", key)
    assert sentence == "the password of a Wi-Fi has 8 to 63 characters, or none if it is open"


@pytest.mark.parametrize(
    ("ssid", "key"),
    (
        ("x" * 32, "x" * 63),
        ("\u00fc" * 16, "f" * 64),
        (" my 'own' \"Wi-Fi\" \\", "%s {} ' \" \\"),
        ("open", ""),
    ),
)
def test_names_and_passwords_that_there_are(ssid: str, key: str) -> None:
    assert provision(ssid, key) == NO_SUCH_PORT


def test_nobody_there_who_could_type_the_password() -> None:
    environment = {k: v for k, v in os.environ.items() if k != PASSWORD}
    words = ("provision", "--port", PORT, "--wifi", "home")
    streams = {"stdin": subprocess.DEVNULL, "start_new_session": True, "env": environment}
    sentence = f"no terminal to type the password at: put it into {PASSWORD}"
    assert refused(*words, **streams) == sentence


@pytest.mark.parametrize("nwid", ("", "8056c2e21c00000", "8056c2e21c0000011", "8056c2e21c00000g"))
def test_a_network_that_is_none_is_a_wrong_command_line(nwid: str) -> None:
    done = zt("provision", "--port", PORT, "--network", nwid)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("zt provision: error: argument --network: ")
