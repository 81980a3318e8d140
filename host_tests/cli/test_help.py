"""The command line explains itself, and every wrong use of it."""

import os
import signal
import subprocess

import pytest

from host_tests.cli.command import ZT, done, zt

COMMANDS = [
    [],
    ["identity"],
    ["identity", "new"],
    ["identity", "show"],
    ["identity", "validate"],
    ["world"],
    ["world", "planet"],
    ["world", "moon"],
    ["world", "show"],
    ["root"],
    ["controller"],
    ["controller", "run"],
    ["controller", "network"],
    *[["controller", "network", word] for word in ("create", "list", "show", "set", "delete")],
    ["controller", "network", "export"],
    ["controller", "network", "import"],
    ["controller", "member"],
    *[["controller", "member", word] for word in ("list", "show", "authorize", "deauthorize")],
    ["controller", "member", "set"],
    ["controller", "member", "delete"],
    *[[word] for word in ("node", "emulate", "flash", "provision", "backup", "restore")],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help(words):
    text = done(*words, "--help")
    assert text.startswith("usage: zt") and len(text.splitlines()) > 4


@pytest.mark.parametrize("words", [[], ["fly"], ["identity"], ["root"], ["root", "--home"]])
def test_a_wrong_command_line_is_explained_with_exit_code_2(words):
    result = zt(*words)
    assert result.returncode == 2 and result.stderr.startswith("usage: zt")
    assert "Traceback" not in result.stderr


def test_a_reader_that_went_away_is_no_error(tmp_path):
    process = subprocess.Popen(
        [*ZT, "identity", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait()


def test_ctrl_c_ends_a_command_without_a_traceback(tmp_path):
    fifo = tmp_path / "identity"
    os.mkfifo(fifo)
    process = subprocess.Popen(
        [*ZT, "identity", "show", fifo],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with open(fifo, "wb"):  # open once the command reads
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert errors == "" and process.returncode == 130
