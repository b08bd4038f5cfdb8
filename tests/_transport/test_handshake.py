"""The upgrade over a scripted byte stream: what is asked, what counts as yes, how a no is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import anyio
import pytest
from anyio.abc import ByteStream
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st
from websockets.protocol import State
from websockets.version import version as websockets_version

from anyrealtime._transport import _handshake as handshake
from anyrealtime._transport._endpoint import Endpoint
from anyrealtime._transport._handshake import Redirected, make_protocol, upgrade
from anyrealtime._transport._http import MAX_HEAD_BYTES
from anyrealtime.errors import ConnectFailed
from tests._transport.raw_peer import Request, frame, response, response_101

PLACE: Final = "ws://peer.example:8080/v1/realtime?model=m"
SECRET: Final = "sk-very-secret"
LIMIT: Final = 5.0

Answer = Callable[[Request], Sequence[bytes]]


class Server(ByteStream):
    """A byte stream whose other end answers one request with pieces, and then ends or hangs."""

    def __init__(
        self, answer: Answer, *, end: Exception | None = None, hangs: bool = False
    ) -> None:
        self.requests: list[Request] = []
        self._answer = answer
        self._pieces: list[bytes] = []
        self._end = end or anyio.EndOfStream()
        self._hangs = hangs

    async def send(self, item: bytes) -> None:
        await checkpoint()
        head, blank, rest = item.decode().partition("\r\n\r\n")
        assert (blank, rest) == ("\r\n\r\n", "")
        first, *lines = head.split("\r\n")
        pairs = [line.split(": ", 1) for line in lines]
        names = [name.lower() for name, _ in pairs]
        assert sorted(set(names)) == sorted(names)
        request = Request(first.split(" ")[1], {name.lower(): value for name, value in pairs})
        self.requests.append(request)
        self._pieces += self._answer(request)

    async def receive(self, max_bytes: int = 65536) -> bytes:
        await checkpoint()
        if self._pieces:
            return self._pieces.pop(0)
        if self._hangs:
            await anyio.sleep_forever()
        raise self._end

    async def send_eof(self) -> None:
        raise AssertionError("never half-closed")

    async def aclose(self) -> None:
        raise AssertionError("not the handshake's to close")

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return {}


def saying(*pieces: bytes) -> Answer:
    return lambda _: pieces


async def ask(server: Server, endpoint: Endpoint | None = None) -> bytes:
    endpoint = endpoint or Endpoint(PLACE, (("Authorization", f"Bearer {SECRET}"),))
    protocol = make_protocol(endpoint, 1000)
    with anyio.fail_after(LIMIT):
        rest = await upgrade(server, protocol, endpoint)
    assert protocol.state is State.OPEN
    assert protocol.events_received() == []
    return rest


async def refused(server: Server) -> ConnectFailed:
    with pytest.raises(ConnectFailed) as caught:
        await ask(server)
    assert SECRET not in str(caught.value)
    return caught.value


# What is asked


async def test_the_request_offers_what_the_endpoint_says_and_no_extension() -> None:
    server = Server(lambda request: [response_101(request, [("Sec-WebSocket-Protocol", "two")])])
    headers = (("X-Project", "p_1"), ("Authorization", "Bearer key"))
    assert await ask(server, Endpoint(PLACE, headers, ("one", "two"))) == b""
    [request] = server.requests
    assert request.target == "/v1/realtime?model=m"
    assert request.headers["host"] == "peer.example:8080"
    assert request.headers["sec-websocket-protocol"] == "one, two"
    assert request.headers["x-project"] == "p_1"
    assert request.headers["authorization"] == "Bearer key"
    assert "sec-websocket-extensions" not in request.headers


async def test_headers_of_the_endpoint_replace_the_librarys() -> None:
    server = Server(lambda request: [response_101(request)])
    await ask(server, Endpoint(PLACE, (("host", "other.example"),)))
    [request] = server.requests
    assert request.headers["host"] == "other.example"


async def test_a_message_has_the_bound_of_the_options() -> None:
    endpoint = Endpoint(PLACE)
    protocol = make_protocol(endpoint, 5)
    await upgrade(Server(lambda request: [response_101(request)]), protocol, endpoint)
    protocol.receive_data(frame("x" * 6))
    assert protocol.close_sent is not None
    assert protocol.close_sent.code == 1009


# Yes


async def test_what_came_behind_the_head_is_returned_to_the_byte() -> None:
    behind = frame("hello") + b"\r\n\r\n"
    length = len(response_101(Request("/", {"sec-websocket-key": ""})))
    for cut in range(length + len(behind)):

        def answer(request: Request, cut: int = cut) -> list[bytes]:
            whole = response_101(request) + behind
            return [piece for piece in (whole[:cut], whole[cut:]) if piece]

        rest = await ask(Server(answer))
        assert rest == (behind if cut < length else behind[: cut - length])


# No


async def test_a_refusal_tells_status_body_and_when_to_come_again() -> None:
    said = f'{{"error": {{"message": "no room for {SECRET}"}}}}'.encode()
    headers = [("Retry-After", "7"), ("Content-Length", str(len(said)))]
    whole = response(503, headers, said)
    for cut in (1, 20, len(whole) - len(said), len(whole) - 3):
        error = await refused(Server(saying(whole[:cut], whole[cut:]), hangs=True))
        assert (error.status, error.retry_after) == (503, 7.0)
        assert error.body == '{"error": {"message": "no room for ***"}}'
        assert "HTTP 503" in str(error)


@pytest.mark.parametrize(
    "pieces",
    [
        [response(401, [("Content-Length", "4")], b"gone"), b"ignored"],
        [response(401, [], b"go"), b"ne"],
        pytest.param(
            [response(401, [("Transfer-Encoding", "chunked")]), b"4\r\ngone\r\n0\r\n\r\n"],
            marks=pytest.mark.skipif(
                websockets_version.startswith("13."), reason="websockets 13 reads no chunks"
            ),
        ),
    ],
    ids=["counted", "up to the end", "chunked"],
)
async def test_a_body_however_it_is_delimited(pieces: list[bytes]) -> None:
    error = await refused(Server(saying(*pieces)))
    assert (error.status, error.body) == (401, "gone")


async def test_a_body_that_is_cut_off_costs_only_itself() -> None:
    whole = response(401, [("Content-Length", "400")], b"half")
    for server in (
        Server(saying(whole)),
        Server(saying(whole), end=anyio.BrokenResourceError()),
    ):
        error = await refused(server)
        assert (error.status, error.body) == (401, "")


async def test_a_body_that_never_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "_BODY_PATIENCE", 0.01)
    error = await refused(Server(saying(response(429, [], b"slow")), hangs=True))
    assert (error.status, error.body) == (429, "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_says_where_to(status: int) -> None:
    headers = [("Location", "/elsewhere"), ("Content-Length", "0")]
    with pytest.raises(Redirected) as caught:
        await ask(Server(saying(response(status, headers))))
    assert (caught.value.status, caught.value.location) == (status, "/elsewhere")


async def test_a_redirect_to_nowhere_is_a_refusal() -> None:
    for headers in ([("Content-Length", "0")], [("Content-Length", "0"), ("Location", "")]):
        assert (await refused(Server(saying(response(302, headers))))).status == 302


# Neither


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 200\r\nno colon\r\n\r\n",
        b"\r\n\r\n",
        b"x" * 10_000,
        b"HTTP/1.1 101 Yes\r\n\r\n",
        response_101(Request("/", {"sec-websocket-key": "another"})),
    ],
    ids=["ssh", "http/2", "no header", "nothing", "no line", "a bare 101", "wrong accept"],
)
async def test_an_answer_that_is_no_websocket_servers(answer: bytes) -> None:
    for server in (Server(saying(answer), hangs=True), Server(saying(answer))):
        error = await refused(server)
        assert error.message.startswith(
            "peer.example:8080 did not answer as a WebSocket server: "
        ) or (answer.startswith(b"HTTP/1.1 200") and error.status == 200)


async def test_a_head_without_end() -> None:
    line = b"X: " + b"x" * 8000 + b"\r\n"
    pieces = [b"HTTP/1.1 101 Yes\r\n", *[line] * (MAX_HEAD_BYTES // len(line) + 1)]
    error = await refused(Server(saying(*pieces), hangs=True))
    assert "the response's head is too long" in str(error)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 101 Yes\r\nUpgr"])
async def test_an_end_before_the_answer(said: bytes) -> None:
    error = await refused(Server(saying(said) if said else saying()))
    assert "closed the connection during the WebSocket handshake" in str(error)


async def test_a_reset_is_left_to_the_caller() -> None:
    with pytest.raises(anyio.BrokenResourceError):
        await ask(Server(saying(b"HTTP/1.1 "), end=anyio.BrokenResourceError()))


heads = st.builds(
    response,
    st.sampled_from([101, 200, 301, 401, 999, 1010]),
    st.lists(
        st.tuples(
            st.sampled_from(["Upgrade", "Connection", "Location", "Content-Length", "X"]),
            st.sampled_from(["websocket", "Upgrade", "7", "-1", "", "/x", "é"]),
        ),
        max_size=4,
    ),
    st.binary(max_size=20),
)


@given(st.one_of(heads, st.binary(max_size=200)), st.integers(0, 200))
async def test_any_answer_is_a_typed_refusal(answer: bytes, cut: int) -> None:
    server = Server(saying(*filter(None, (answer[:cut], answer[cut:]))))
    with pytest.raises((ConnectFailed, Redirected)):
        await ask(server)
