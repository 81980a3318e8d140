"""Builds `_zerotier` for CPython: the portable core, its binding, and the libsodium it uses.

It owns the compiler flags: strict for our own files, relaxed for libsodium, a static library.
Never sources in the repository: libsodium comes from SODIUM_DIR, or tools/sources.py fetches it.
"""

import os
import subprocess
import sys
from glob import glob

from setuptools import Extension, setup
from setuptools.command.build_clib import build_clib

CORE = "firmware/cmodule/core"
BIND = "firmware/cmodule/bind"
GLUE = f"{CORE}/sodium/glue.c"
CONFIG = f"{CORE}/sodium/config.h"

# The folder libsodium/src/libsodium.
FETCHED = "build/sources/pynacl-1.6.2/src/libsodium/src/libsodium"
SODIUM = os.path.relpath(os.environ.get("SODIUM_DIR", FETCHED))

COMMON_FLAGS = ["-O3", "-fvisibility=hidden"]
OWN_FLAGS = [*COMMON_FLAGS, "-std=c11", "-Wall", "-Wextra", "-Werror"]
SODIUM_FLAGS = [*COMMON_FLAGS, "-include", CONFIG, "-Wno-unused-function"]


def sodium_sources() -> list[str]:
    """The files that libsodium.txt names, as paths from here."""
    with open(f"{CORE}/libsodium.txt", encoding="ascii") as listing:
        names = [line.strip() for line in listing]
    return [f"{SODIUM}/{name}" for name in names if name.endswith(".c")]


class FetchingBuild(build_clib):
    """Compiles libsodium, after fetching it if it is not there."""

    def run(self) -> None:
        if not os.path.isdir(SODIUM):
            if "SODIUM_DIR" in os.environ:
                sys.exit(f"SODIUM_DIR is no folder: {os.environ['SODIUM_DIR']}")
            subprocess.run([sys.executable, "tools/sources.py", "libsodium"], check=True)
        super().run()


setup(
    cmdclass={"build_clib": FetchingBuild},
    libraries=[
        (
            "zt_sodium",
            {
                "sources": [*sodium_sources(), GLUE],
                "include_dirs": [f"{SODIUM}/include/sodium"],
                "cflags": SODIUM_FLAGS,
                "obj_deps": {"": [CONFIG, f"{CORE}/bytes.h"]},
            },
        )
    ],
    ext_modules=[
        Extension(
            "_zerotier",
            sources=[*sorted(glob(f"{CORE}/*.c")), *sorted(glob(f"{BIND}/cpython*.c"))],
            depends=[*glob(f"{CORE}/*.h"), *glob(f"{BIND}/*.h")],
            include_dirs=[f"{SODIUM}/include/sodium"],
            extra_compile_args=OWN_FLAGS,
        )
    ],
)
