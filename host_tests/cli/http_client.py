"""How tests talk to the API: as any program would, with the HTTP client of Python's library.

Owns requests and the token. Never looks into the server.
"""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

from host_tests.cli.command import Service

_TIMEOUT = 20  # s


class Client:
    """Speaks to the API of one home, on the port that its file names."""

    def __init__(self, home: Path, ip: str) -> None:
        self.home = home
        self.ip = ip
        self.port = int((home / "zerotier-one.port").read_text())
        self.token = (home / "authtoken.secret").read_text()

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """(status, JSON value). `body`: bytes as they are, anything else as JSON. `headers` replace the token."""
        connection = http.client.HTTPConnection(self.ip, self.port, timeout=_TIMEOUT)
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        shown = {"X-ZT1-Auth": self.token} if headers is None else headers
        try:
            connection.request(method, path, sent, shown)
            response = connection.getresponse()
            assert response.headers["Content-Type"] == "application/json"
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The value at a path that is there."""
        return self._good("GET", path, None)

    def post(self, path: str, body: object = None) -> Any:
        """What a change that works answers."""
        return self._good("POST", path, body)

    def delete(self, path: str) -> Any:
        """What a deletion that works answers."""
        return self._good("DELETE", path, None)

    def _good(self, method: str, path: str, body: object) -> Any:
        status, value = self.ask(method, path, body)
        assert status == 200, (method, path, status, value)
        return value

    def refused(self, status: int, method: str, path: str, body: object = None) -> str:
        """A request that fails with this status; the sentence."""
        found, value = self.ask(method, path, body)
        assert found == status and list(value) == ["error"], (method, path, found, value)
        sentence: str = value["error"]
        assert sentence and "\n" not in sentence and "Traceback" not in sentence
        return sentence


def started(service: Service, home: Path, ip: str) -> Client:
    """A client, once the service is ready."""
    ready = service.event("ready")
    client = Client(home, ip)
    assert ready["api"] == f"http://{ip}:{client.port}"
    return client
