"""Which names tools/freeze makes short, and that a program then does the same.

Owns programs of a few lines. That the node's own names are kept where others say them, test_freeze_names.py checks.
"""

from __future__ import annotations

import pytest

from host_tests.unit_cpython.freezing import shortened

PROGRAM = """
import time
COUNT = const(3)
class Store:
    kind = 5
    def __init__(self, first_value, second_value):
        self._values = [first_value, second_value]
        self.total_of_all = 0
    def add_one(self, new_value):
        self._values.append(new_value)
        self.total_of_all += new_value * COUNT
        return self
    @property
    def mean_value(self):
        return self.total_of_all / len(self._values)
    @classmethod
    def make_empty(cls):
        return cls(0, second_value=0)
class Special(Store):
    kind = Store.kind + 1
    other_kind = kind + 1
    def add_one(self, new_value, factor=other_kind):
        return Store.add_one(self, new_value * factor)
shared = [0]
last_times = 0
def count_calls(times):
    global last_times
    last_times = times
    shared[0] += times
def run_all():
    for made in (Store(1, 2), Special.make_empty()):
        count_calls(COUNT)
        yield made.add_one(4).add_one(5).mean_value, made.kind, getattr(made, "by_text", 0)
    yield shared, last_times, list(map(lambda made: made.kind, (Store, Special)))
class Texts:
    def by_text(self):
        return time.time() and time.ticks_value
"""


def run(text: str) -> list[object]:
    names: dict[str, object] = {"const": lambda value: value}
    exec(text, names)
    made: list[object] = list(names["run_all"]())  # type: ignore[operator]
    return made


def test_the_program_does_the_same() -> None:
    assert run(shortened(PROGRAM, "run_all")) == run(PROGRAM)


def test_names_that_only_the_program_says_are_short() -> None:
    text = shortened(PROGRAM, "run_all")
    said = "_values total_of_all add_one new_value mean_value make_empty other_kind kind shared"
    for name in (said + " Special Texts count_calls last_times first_value").split():
        assert name not in text, name


def test_names_that_others_say_stay() -> None:
    text = shortened(PROGRAM, "run_all", kept="append mean_value")
    assert "append" in text and "mean_value" in text
    for name in ("run_all", "by_text", "second_value", "ticks_value", "__init__", "COUNT"):
        assert name in text, name


def test_what_a_user_sees_stays() -> None:
    opened = "class Base:\n    def ask(self):\n        self.answer = self._hidden = 1\n"
    opened += "class User(Base):\n    def also(self, parameter):\n        return parameter\n"
    source = "class Role:\n    def start(self):\n        self.state = 1\n"
    source += "class Inner:\n    def start_it(self):\n        return self.answer, self._hidden\n"
    text = shortened(source, "Base", "User", "Role", opened=opened)
    for name in ("Base", "User", "Role", "ask", "also", "answer", "parameter", "start(", "state"):
        assert name in text, name
    for name in ("_hidden", "Inner", "start_it"):
        assert name not in text, name


def test_private_names_of_different_classes_are_shared_and_do_not_meet_others() -> None:
    source = "".join(
        f"class A{n}:\n    def _first_{n}(self):\n        return self._first_{n}, self.common\n"
        f"    def common(self):\n        pass\n"
        for n in range(3)
    )
    text = shortened(source)
    assert text.count("def _0(self)") == 3
    assert text.count("def _1(self)") == 3  # `common` has one name in all classes


def test_an_exception_keeps_its_name() -> None:
    text = shortened("class Refused(OSError):\n    pass\ndef f():\n    raise Refused()\n")
    assert "class Refused(OSError)" in text


@pytest.mark.parametrize(
    "source, sentence",
    (
        (
            "def f(x, name):\n    return getattr(x, name)\n",
            "getattr.x, name. may ask for any name",
        ),
        ("def f(x):\n    return x._3a\n", "_3a: names of this form are for shortened ones"),
        ("_7 = 1\n", "_7: names of this form"),
        (
            "def size():\n    pass\nclass A:\n    of = size\n    size = 1\n",
            "size in the body of class A may be two things",
        ),
        (
            "def f(%s):\n    pass\n" % ", ".join(f"p{n}" for n in range(31)),
            "f has more than 30 parameters",
        ),
        ("\n".join(f"v{n} = {n}" for n in range(700)), "more than 620 names"),
    ),
)
def test_what_could_mean_two_things_is_refused(source: str, sentence: str) -> None:
    with pytest.raises(SystemExit, match=f"freeze: .*{sentence}"):
        shortened(source)


def test_a_module_of_others_may_be_asked_for_any_name() -> None:
    text = shortened(
        "def f(name):\n    import network\n    return getattr(network, name), network.any_name\n"
    )
    assert "network.any_name" in text
