"""Formats our C files in the style of MicroPython, or with --check only says what differs from it.

It owns the list of folders that hold C of ours. The style is MicroPython's own: codeformat.py and
uncrustify.cfg in tools/ of its source tree (MICROPYTHON_DIR, or what tools/sources.py fetched),
with uncrustify from PyPI's micropython-uncrustify.
Never another opinion about style, and never a file that is not ours.
"""

import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("boards", "firmware", "host_tests")
FETCHED = "build/sources/micropython-1.25.0"


def our_files() -> list[Path]:
    """All C files and headers of the project, relative to its root."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.[ch]")]
    return sorted(path.relative_to(ROOT) for path in found)


def format_under(root: Path, files: list[Path]) -> None:
    """Format `files`, which are relative to `root`, in place."""
    micropython = Path(os.environ.get("MICROPYTHON_DIR", ROOT / FETCHED)).resolve()
    codeformat = micropython / "tools" / "codeformat.py"
    if not codeformat.is_file():
        sys.exit(f"no {codeformat}: run tools/sources.py, or set MICROPYTHON_DIR")
    # uncrustify is installed beside the interpreter that runs this file.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if shutil.which("uncrustify", path=path) is None:
        sys.exit("no uncrustify: install micropython-uncrustify")
    command = [sys.executable, str(codeformat), "-c", *map(str, files)]
    subprocess.run(command, cwd=root, env={**os.environ, "PATH": path}, check=True)


def differences(files: list[Path]) -> list[str]:
    """What formatting would change, as lines of a unified diff."""
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        copies = Path(folder)
        for file in files:
            (copies / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, copies / file)
        format_under(copies, files)
        for file in files:
            before = (ROOT / file).read_text().splitlines(keepends=True)
            after = (copies / file).read_text().splitlines(keepends=True)
            lines += difflib.unified_diff(before, after, str(file), f"{file}, formatted")
    return lines


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Format the C files of the project.")
    parser.add_argument("--check", action="store_true", help="change nothing, show differences")
    files = our_files()
    if parser.parse_args().check:
        lines = differences(files)
        sys.stdout.writelines(lines)
        sys.exit(1 if lines else 0)
    format_under(ROOT, files)


if __name__ == "__main__":
    main()
