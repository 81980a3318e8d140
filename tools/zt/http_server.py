"""HTTP for programs on this machine: a request comes in, a JSON document goes out.

Owns connections, their bounds, and the form of errors. Never knows what a path means or who may ask.
The protocol itself is h11's.
"""

import asyncio
import inspect
import json
import urllib.parse
from collections.abc import Callable

import h11

MAX_BODY = 4 << 20  # bytes; a network with all the rules it can have is half of that
_MAX_HEAD = 16 << 10
_MAX_CONNECTIONS = 64
_PATIENCE = 30.0  # s for a whole request to come, or for an answer to go
_FAREWELL = 2.0  # s
_PIECE = 64 << 10


class HttpError(Exception):
    """A request that is answered with a status other than 200, and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Request:
    """`method`; `parts`: the path between its slashes; `query` and `headers` (lower case): name to value; `body`."""

    def __init__(self, event: h11.Request) -> None:
        self.method = event.method.decode("ascii")
        try:
            url = urllib.parse.urlsplit(event.target.decode("ascii", "replace"))
        except ValueError:
            raise HttpError(400, "the path of the request is none") from None
        self.parts = [urllib.parse.unquote(part) for part in url.path.split("/") if part]
        self.query = dict(urllib.parse.parse_qsl(url.query))
        self.headers = {
            name.decode("ascii"): value.decode("latin-1") for name, value in event.headers
        }
        self.body = b""

    def document(self) -> dict:
        """The JSON object in the body; an empty body is an empty object. HttpError 400 for all else."""
        try:
            value = json.loads(self.body or b"{}")
        except (ValueError, RecursionError):
            raise HttpError(400, "the body is not JSON") from None
        if not isinstance(value, dict):
            raise HttpError(400, "the body is not a JSON object")
        return value


class HttpServer:
    """`answer(request)`: the value that goes out as JSON, or an awaitable of it.

    It may raise HttpError, ValueError (400) or OSError (500): each is one JSON object with one sentence.
    `admit(request)` is called before a body is read, and raises HttpError for who may not ask.
    """

    def __init__(
        self, admit: Callable[[Request], None], answer: Callable[[Request], object]
    ) -> None:
        self._admit = admit
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task] = set()

    async def open(self, ip: str, port: int) -> None:
        """Listen. OSError if that is impossible."""
        self._server = await asyncio.start_server(self._connected, ip, port, limit=_PIECE)

    @property
    def port(self) -> int:
        """The TCP port."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Stop, in the middle of requests too."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= _MAX_CONNECTIONS:
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._converse(h11.Connection(h11.SERVER, _MAX_HEAD), reader, writer)
        except (OSError, asyncio.TimeoutError, asyncio.CancelledError):
            pass  # the other end is gone or too slow, or we stop
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(
        self,
        http: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """One request after another, until one of both wants to end it."""
        while True:
            try:
                coming = _receive(http, reader, writer, self._admit)
                request = await asyncio.wait_for(coming, _PATIENCE)
                if request is None:
                    return
                status, value = await self._status_and_value(request)
            except HttpError as error:
                sentence = str(error)
                status, value = error.status, {"error": sentence} if sentence else {}
            except h11.RemoteProtocolError as error:
                status, value = error.error_status_hint, {"error": f"bad request: {error}"}
            if http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
                return
            writer.write(_response(http, status, value))
            await asyncio.wait_for(writer.drain(), _PATIENCE)
            if http.our_state is not h11.DONE or http.their_state is not h11.DONE:
                writer.write_eof()
                await asyncio.wait_for(_let_finish(reader), _FAREWELL)
                return
            http.start_next_cycle()

    async def _status_and_value(self, request: Request) -> tuple[int, object]:
        try:
            value = self._answer(request)
            return 200, await value if inspect.isawaitable(value) else value
        except ValueError as error:
            return 400, {"error": str(error)}
        except RecursionError:
            return 400, {"error": "the body is nested too deeply"}
        except OSError as error:
            return 500, {"error": error.strerror or str(error)}


async def _receive(
    http: h11.Connection,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    admit: Callable[[Request], None],
) -> Request | None:
    """The next request, whole; None if there is none. HttpError 413 if it is too large."""
    request: Request | None = None
    body = bytearray()
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            if http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                writer.write(http.send(go_on) or b"")
            http.receive_data(await reader.read(_PIECE))
        elif isinstance(event, h11.Request):
            request = Request(event)
            admit(request)
            length = dict(event.headers).get(b"content-length", b"0")
            if int(length) > MAX_BODY:
                raise HttpError(413, f"a request must not have more than {MAX_BODY} bytes")
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MAX_BODY:
                raise HttpError(413, f"a request must not have more than {MAX_BODY} bytes")
        elif isinstance(event, h11.EndOfMessage):
            assert request is not None
            request.body = bytes(body)
            return request
        else:
            return None


async def _let_finish(reader: asyncio.StreamReader) -> None:
    """Who still talks would not read our answer, were the connection to break now."""
    for _ in range(2 * MAX_BODY // _PIECE):
        if not await reader.read(_PIECE):
            return


def _response(http: h11.Connection, status: int, value: object) -> bytes:
    body = json.dumps(value).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if http.their_state is not h11.DONE:
        headers.append(("Connection", "close"))
    head = http.send(h11.Response(status_code=status, headers=headers)) or b""
    try:
        return (
            head + (http.send(h11.Data(data=body)) or b"") + (http.send(h11.EndOfMessage()) or b"")
        )
    except h11.LocalProtocolError:
        return head  # of a HEAD, which has no body; h11 wants no more of this connection then
