#!/usr/bin/env python3
"""Owns build/libzt: the unmodified libzt 1.8.4 that the interoperability tests run against.
It fetches the pinned wheel with pip, checks its hash, unpacks it and compiles the shim.
It never starts a node (host_tests/interop does), and a second run touches no network.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
DOWNLOADS = PROJECT / "build" / "downloads"
HOME = PROJECT / "build" / "libzt"
LIBRARY = HOME / "libzt.so"
SHIM = HOME / "shim.so"
SHIM_SOURCE = PROJECT / "host_tests" / "interop" / "shim.c"

VERSION = "1.8.4"
WHEEL = f"libzt-{VERSION}-cp39-cp39-manylinux2010_x86_64.whl"
WHEEL_SHA256 = "e66e1482940118ae172d7356d2c5d2d5c561831c94d595a850704f9923054756"
MEMBER = "libzt/_libzt.cpython-39-x86_64-linux-gnu.so"


def why_not() -> str | None:
    """The reason, in words, why libzt cannot run on this machine; None if it can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "libzt has a wheel for Linux on x86-64 only"
    if platform.libc_ver()[0] != "glibc":
        return "the libzt wheel needs glibc"
    return None


def compiler() -> str:
    """The system's C compiler. OSError if there is none."""
    for name in (os.environ.get("CC", "").strip(), "cc", "gcc", "clang"):
        if name and shutil.which(name.split()[0]):
            return name
    raise OSError("no C compiler was found (cc, gcc or clang); the libzt shim needs one")


def download() -> Path:
    """The wheel in build/downloads, fetched by pip if it is not there yet.

    OSError if pip fails; ValueError if the file is not the pinned one.
    """
    wheel = DOWNLOADS / WHEEL
    if not wheel.exists():
        DOWNLOADS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=DOWNLOADS) as scratch:
            pinned = Path(scratch) / "requirements.txt"
            pinned.write_text(f"libzt=={VERSION} --hash=sha256:{WHEEL_SHA256}\n")
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            pip += ["--only-binary=:all:", "--implementation", "cp", "--python-version", "3.9"]
            pip += ["--platform", "manylinux2010_x86_64", "--require-hashes"]
            done = subprocess.run([*pip, "--dest", scratch, "-r", str(pinned)], check=False)
            if done.returncode:
                raise OSError(f"pip could not fetch libzt {VERSION} (exit {done.returncode})")
            os.replace(Path(scratch) / WHEEL, wheel)
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise ValueError(f"{wheel} is not the pinned wheel; delete it and run again")
    return wheel


def unpack(wheel: Path) -> None:
    """Writes the shared object of the wheel to build/libzt/libzt.so."""
    partial = LIBRARY.with_suffix(".part")
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(MEMBER) as source,
        open(partial, "wb") as target,
    ):
        shutil.copyfileobj(source, target)
    os.replace(partial, LIBRARY)


def compile_shim() -> None:
    """Compiles host_tests/interop/shim.c to build/libzt/shim.so. OSError if that fails."""
    partial = SHIM.with_suffix(".part")
    command = [*compiler().split(), "-shared", "-fPIC", "-Os", "-Wall", "-Wextra"]
    done = subprocess.run([*command, "-o", str(partial), str(SHIM_SOURCE)], check=False)
    if done.returncode:
        raise OSError(f"the libzt shim did not compile (exit {done.returncode})")
    os.replace(partial, SHIM)


def prepare() -> tuple[Path, Path]:
    """(libzt.so, shim.so), made if they are missing or the shim's source is newer.

    OSError if this machine cannot run libzt, or if a step fails.
    """
    reason = why_not()
    if reason:
        raise OSError(reason)
    HOME.mkdir(parents=True, exist_ok=True)
    if not LIBRARY.exists():
        unpack(download())
    if not SHIM.exists() or SHIM.stat().st_mtime < SHIM_SOURCE.stat().st_mtime:
        compile_shim()
    return LIBRARY, SHIM


def main() -> int:
    """Prepares libzt and prints where it is; 1 with one sentence if that is impossible."""
    try:
        library, shim = prepare()
    except (OSError, ValueError) as error:
        print(f"libzt: {error}", file=sys.stderr)
        return 1
    print(library.relative_to(PROJECT), shim.relative_to(PROJECT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
