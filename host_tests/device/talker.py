"""A device that does what a test tells it: scripts/told.py, as a context.

Owns the process. Never what is asked.
"""

from host_tests.device import interpreter


class Talker:
    """`place`: name of the device on the site."""

    def __init__(self, site, place: str) -> None:
        arguments = (str(site.home / place), site.place(place), str(site.planet))
        self.process = interpreter.start("told", *arguments)

    def __enter__(self) -> "Talker":
        assert interpreter.line_of(self.process) == "ready\n", interpreter.finish(self.process)
        self.address = self.ask("zt.address")
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()

    def tell(self, expression: str) -> None:
        """Have it evaluated; the answer is read by `answer`."""
        assert self.process.stdin is not None
        self.process.stdin.write(expression + "\n")
        self.process.stdin.flush()

    def answer(self):
        """The value of what was told first and not yet answered. AssertionError if it failed."""
        line = interpreter.line_of(self.process).rstrip("\n")
        assert line and not line.startswith("error:"), line + interpreter.finish(self.process)
        return eval(line)

    def ask(self, expression: str):
        """Its value."""
        self.tell(expression)
        return self.answer()

    def refused(self, expression: str) -> str:
        """The error that it raises."""
        self.tell(expression)
        line = interpreter.line_of(self.process).rstrip("\n")
        assert line.startswith("error: "), line
        return line[len("error: ") :]
