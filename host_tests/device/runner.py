"""Runs tests inside MicroPython: micropython host_tests/device/runner.py MODULE... in the project's root.

Owns how a test is found (`test_*` functions, without arguments) and reported. Never a test of its own.
"""

import gc
import sys

sys.path[:0] = ["", "firmware"]  # the files of this checkout, before what is frozen


def run_module(name: str) -> tuple[int, int]:
    """(passed, failed) of all test functions of a module, in the order of their names."""
    module = __import__(name)
    for part in name.split(".")[1:]:
        module = getattr(module, part)
    passed = failed = 0
    for test in sorted(dir(module)):
        function = getattr(module, test)
        if not test.startswith("test_") or not callable(function):
            continue
        gc.collect()
        try:
            function()
        except Exception as error:
            failed += 1
            print("FAIL", name, test)
            sys.print_exception(error)
        else:
            passed += 1
            print("ok", name, test)
    return passed, failed


def main(names: list[str]) -> int:
    passed = failed = 0
    for name in names:
        more_passed, more_failed = run_module(name)
        passed += more_passed
        failed += more_failed
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


sys.exit(main(sys.argv[1:]))
