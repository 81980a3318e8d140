"""What tools/freeze makes constants of, and what it refuses.

Owns programs of a few lines. That the frozen node runs is tested by host_tests/board.
"""

from __future__ import annotations

import re

import pytest

from freeze.values import Class, Constant, Dict, Function, Instance, Outside, Wrapped
from host_tests.unit_cpython.freezing import followed, written

POINT = """
class Point:
    SIZE = 2
    def __init__(self, x, y=7):
        self.x = x
        self.y = y
        self.name = "point"
"""


@pytest.mark.parametrize(
    "text", ("7", "-5", "1 << 40", "'text'", "b'bytes'", "None", "True", "(1, ('a', None))", "''")
)
def test_values_that_never_change_are_constants(text: str) -> None:
    made = followed(f"value = {text}\n")["value"]
    assert isinstance(made, Constant) and made.value == eval(text)


def test_constants_may_be_put_together() -> None:
    made = followed("first = b'ab'\nvalue = first + b'c' * 3\nof = bytes((1, 2))\n")
    assert made["value"].value == b"abccc"
    assert made["of"].value == b"\x01\x02"


def test_functions_keep_their_defaults() -> None:
    made = followed("def f(a, b=2, *, c=3):\n    return a\n")["f"]
    assert isinstance(made, Function)
    assert [value.value for value in made.defaults] == [2]
    assert {name: value.value for name, value in made.keywords.items()} == {"c": 3}


def test_classes_have_members_and_bases() -> None:
    text = POINT + "    @property\n    def both(self):\n        return self.x, self.y\n"
    text += "class Other(Point):\n    @staticmethod\n    def make():\n        return Other(1)\n"
    made = followed(text)
    assert isinstance(made["Other"], Class) and made["Other"].bases == [made["Point"]]
    assert set(made["Point"].members) == {"SIZE", "__init__", "both"}
    assert isinstance(made["Point"].members["both"], Wrapped)
    assert made["Other"].members["make"].kind == "staticmethod"


def test_objects_whose_init_only_stores_are_constants() -> None:
    made = followed(POINT + "ORIGIN = Point(3)\nNAMED = Point(y=1, x=2)\n")
    origin = {name: value.value for name, value in made["ORIGIN"].members.items()}
    assert origin == {"x": 3, "y": 7, "name": "point"}
    assert isinstance(made["ORIGIN"], Instance) and made["ORIGIN"].of is made["Point"]
    named = {name: value.value for name, value in made["NAMED"].members.items()}
    assert named == {"x": 2, "y": 1, "name": "point"}


def test_the_init_may_be_that_of_a_base() -> None:
    made = followed(POINT + "class Other(Point):\n    pass\nMADE = Other(1)\n")["MADE"]
    assert made.of.name == "Other" and made.members["x"].value == 1
    with pytest.raises(SystemExit, match="freeze: class A has no __init__"):
        followed("class A:\n    pass\nMADE = A()\n")


def test_a_table_of_functions_is_a_constant_dict() -> None:
    made = followed("def f():\n    pass\nTABLE = {1: f, 'two': (f, 3)}\n")
    table = made["TABLE"]
    assert isinstance(table, Dict)
    assert [key.value for key, _ in table.items] == [1, "two"]
    assert table.items[0][1] is made["f"]


def test_modules_of_others_are_known_by_their_names() -> None:
    made = followed("import time\nclass E(OSError):\n    pass\n")
    assert isinstance(made["time"], Outside) and made["time"].is_module
    assert made["E"].bases[0].name == "OSError"


@pytest.mark.parametrize(
    "line, what",
    (
        ("table = []", "BUILD_LIST"),
        ("table = {1}", "BUILD_SET"),
        ("table = [n for n in (1, 2)]", "BUILD_LIST|GET_ITER|a call of"),
        ("table = tuple(n for n in (1, 2))", "GET_ITER|a call of"),
        ("table = {n: n for n in (1, 2)}", "BUILD_MAP|GET_ITER|a call of"),
        ("value = len(b'ab')", "a call of len"),
        ("value = bytearray(3)", "a call of bytearray"),
        ("value = f()", "a call of"),
        ("if f:\n    value = 1", "JUMP"),
        ("for n in (1, 2):\n    value = n", "GET_ITER|JUMP|STORE"),
        ("from time import sleep", "from time import sleep"),
        ("first = 1\nvalue = first - 2", "__sub__"),
        ("del f", "DELETE_NAME"),
        ("f()", "a call of"),
    ),
)
def test_whatever_does_more_than_define_is_refused(line: str, what: str) -> None:
    with pytest.raises(SystemExit) as refused:
        followed(f"def f():\n    pass\n{line}\n")
    sentence = str(refused.value)
    assert re.match("freeze: .* does more than define: ", sentence), sentence
    assert re.search(what, sentence), sentence


@pytest.mark.parametrize(
    "body", ("self.x = []", "self.x = len(x)", "self.x = x if x else 1", "print(x)")
)
def test_an_object_whose_init_does_more_than_store_is_refused(body: str) -> None:
    text = f"class A:\n    def __init__(self, x):\n        {body}\nMADE = A(b'ab')\n"
    with pytest.raises(SystemExit, match="freeze: __init__ does more than define"):
        followed(text)


def test_the_same_constant_is_written_once() -> None:
    text = "A = b'some bytes that are long'\nB = (1, b'some bytes that are long')\n"
    text += "def f():\n    return A, B, b'some bytes that are long'\n"
    code = written(text, "f")
    content = "".join(f"\\x{byte:02x}" for byte in b"some bytes that are long")
    assert code.count(content) == 1


def test_only_what_is_said_is_written_and_only_public_names_are_told() -> None:
    code = written("def used():\n    pass\ndef unused():\n    pass\ndef f():\n    used()\n", "f")
    assert "function_used" in code and "function_unused" not in code
    told = code[code.index("table_public_names") :].split("};")[0]
    assert "MP_QSTR_f)" in told and "MP_QSTR_used" not in told


@pytest.mark.parametrize(
    "text, what",
    (
        ("class A:\n    def __add__(self, other):\n        return other\n", "__add__"),
        (
            "class A:\n    pass\nclass B:\n    pass\nclass C(A, B):\n    pass\n",
            "more than one base",
        ),
    ),
)
def test_classes_that_c_has_no_form_for_are_refused(text: str, what: str) -> None:
    name = "C" if "class C" in text else "A"
    with pytest.raises(SystemExit, match=f"freeze: class {name}: .*{what}.* is not supported"):
        written(text, name)
