"""`zt`, the command line: finds the commands, runs one, and says in one sentence what went wrong.

Owns the list of commands, exit codes and the form of errors. What a command does is in its module.
"""

import argparse
import importlib
import importlib.util
import os
import sys

# Each is a module of this package with `add_parser(subparsers)`; the parser that it adds sets
# `run`, a function that takes the parsed arguments and returns an exit code or None.
# A command whose module is not installed does not exist.
COMMANDS = (
    "identity",
    "world",
    "root",
    "controller",
    "node",
    "demo",
    "emulate",
    "flash",
    "provision",
    "backup",
    "restore",
)

FAILED = 1
INTERRUPTED = 130


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="zt",
        description="Identities, worlds, roots and controllers of ZeroTier networks.",
        epilog="`zt COMMAND --help` explains a command.",
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        if importlib.util.find_spec(f"zt.{name}") is not None:
            module = importlib.import_module(f"zt.{name}")
            if hasattr(module, "add_parser"):
                module.add_parser(subparsers)
    return parser


def sentence(error: ValueError | OSError) -> str:
    """What went wrong, in one line."""
    if isinstance(error, OSError) and error.strerror:
        if error.filename is not None:
            return f"{error.filename}: {error.strerror}"
        return error.strerror
    return str(error)


def main(arguments: list[str] | None = None) -> int:
    """Run a command. 0 is success, 1 a failure told on stderr, 2 a wrong command line."""
    try:
        options = build_parser().parse_args(arguments)
        return options.run(options) or 0
    except BrokenPipeError:
        # Whoever read our output has seen enough. Python would complain again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except (ValueError, OSError) as error:
        print(f"zt: {sentence(error)}", file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
