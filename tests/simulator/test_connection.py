"""One client and its responses over a real socket: models, failures, the log, what a test may do."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import anyio
import pytest

from anyrealtime.events import ConversationItemCreate, InvalidEvent, ResponseCreate
from anyrealtime.simulator import (
    ModelFailure,
    ModelRequest,
    Said,
    open_simulator,
)
from tests.simulator.client import ask, dial, text_of

TEXT = {"output_modalities": ["text"]}
BETA_HEADER = [("OpenAI-Beta", "realtime=v1")]


@pytest.fixture(autouse=True)
def _bounded(anyio_backend: str) -> None:
    """Names the backend of every test here."""


async def test_a_call_of_a_function() -> None:
    tool = {
        "type": "function",
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    }
    with anyio.fail_after(10):
        async with open_simulator() as simulator, dial(simulator.url) as client:
            await client.send(
                "session.update", session={"type": "realtime", "tools": [tool], **TEXT}
            )
            events = await ask(client, "What is the weather in London?")
            [call] = events[-1]["response"]["output"]
            assert json.loads(call["arguments"]) == {"city": "London"}
            output = {
                "type": "function_call_output",
                "call_id": call["call_id"],
                "output": "foggy, 12 degrees",
            }
            await client.send("conversation.item.create", item=output)
            await client.send("response.create")
            assert "foggy, 12 degrees" in text_of(await client.until("response.done"))


async def test_an_answer_to_what_was_said_aloud() -> None:
    with anyio.fail_after(10):
        async with open_simulator() as simulator, dial(simulator.url) as client:
            await client.send(
                "input_audio_buffer.append", audio=base64.b64encode(bytes(57_600)).decode()
            )
            await client.send("input_audio_buffer.commit")
            await client.send("response.create", response=TEXT)
            assert "1.2 seconds of audio" in text_of(await client.until("response.done"))


async def test_a_failing_model_is_raised_at_the_end() -> None:
    def broken(_: ModelRequest) -> Iterator[Said]:
        yield "So "
        raise ValueError("my model is broken")

    with anyio.fail_after(10):
        with pytest.raises(ValueError, match="my model is broken") as raised:
            async with open_simulator(model=broken) as simulator, dial(simulator.url) as client:
                for _ in range(2):
                    await client.send("response.create", response=TEXT)
                    response = (await client.wait("response.done"))["response"]
                    assert response["status"] == "failed"
                    assert response["status_details"]["error"]["type"] == "server_error"
        assert len(raised.value.__notes__) == 1


async def test_a_model_may_fail_on_purpose() -> None:
    def poor(_: ModelRequest) -> Iterator[Said]:
        raise ModelFailure("No money.", code="insufficient_quota")
        yield ""

    with anyio.fail_after(10):
        async with open_simulator(model=poor) as simulator, dial(simulator.url) as client:
            await client.send("response.create")
            response = (await client.wait("response.done"))["response"]
            assert response["status_details"]["error"]["code"] == "insufficient_quota"


async def test_the_log_of_a_connection() -> None:
    with anyio.fail_after(10):
        async with open_simulator() as simulator:
            async with dial(
                simulator.url + "?model=mine", headers=[("X-Mark", "1"), ("x-mark", "2")]
            ) as client:
                await client.receive()
                [connection] = simulator.connections
                assert connection.is_open
                assert connection.path == "/v1/realtime"
                assert connection.query == {"model": "mine"}
                assert connection.headers["x-mark"] == "1, 2"
                assert connection.subprotocols == []
                assert connection.session["model"] == "mine"
                assert "open" in repr(connection)
                await client.say("Hi")
                await client.send_text("{")
                first = await connection.wait_received(ConversationItemCreate)
                assert first.item.content[0].text == "Hi"  # type: ignore[union-attr]
                await connection.wait_received(InvalidEvent)
                assert connection.received_frames[-1] == b"{"
                assert json.loads(connection.sent_frames[0])["type"] == "session.created"
                whole = [(frame.direction, frame.data) for frame in connection.frames]
                assert whole[:2] == [
                    ("received", connection.sent_frames[0]),
                    ("sent", connection.received_frames[0]),
                ]
                assert len(whole) == len(connection.sent_frames) + len(connection.received_frames)
                times = [frame.at for frame in connection.frames]
                assert 0 <= times[0] <= times[-1] < 10
                assert times == sorted(times)
                with anyio.move_on_after(0) as scope:
                    await connection.wait_received(ConversationItemCreate, 2)
                assert scope.cancelled_caught
                await client.close(4321, "bye")
            await connection.wait_closed()
            assert not connection.is_open
            assert (connection.close_code, connection.close_reason) == (4321, "bye")
            with pytest.raises(EOFError, match="ResponseCreate"):
                await connection.wait_received(ResponseCreate)


async def test_what_a_test_may_do_to_a_client() -> None:
    with anyio.fail_after(10):
        async with open_simulator(record=False) as simulator:
            async with dial(simulator.url) as client:
                await client.receive()
                await client.send("input_audio_buffer.clear")
                assert (await client.receive())["type"] == "input_audio_buffer.cleared"
                connection = simulator.connections[0]
                connection.send({"type": "ping", "event_id": "event_1", "timestamp": 1})
                assert (await client.receive())["type"] == "ping"
                connection.send(InvalidEvent("x", b'{"type":"x","event_id":"event_2"}', "invented"))
                assert (await client.receive())["type"] == "x"
                assert connection.sent_frames == []
                with pytest.raises(RuntimeError, match="record=False"):
                    await connection.wait_received(ResponseCreate)
                connection.close(1011, "oops")
                connection.send({"type": "late", "event_id": "event_3"})
                closed = await client.closed()
                assert (closed.code, closed.reason) == (1011, "oops")
            async with dial(simulator.url) as client:
                await client.receive()
                connection = simulator.connections[-1]
                connection.abort()
                assert (await client.closed()).code is None
            assert connection.received_frames == []
            await connection.wait_closed()
            assert connection not in simulator.connections


async def test_a_key_on_the_call_is_told() -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator() as simulator,
            dial(f"{simulator.url}?call_id=rtc_1") as watcher,
            dial(simulator.url) as client,
        ):
            await client.receive()
            await watcher.send("session.update", session={"type": "realtime"})
            await watcher.receive()
            on_call, apart = simulator.connections
            on_call.press("#")
            event = await watcher.receive()
            assert event["type"] == "input_audio_buffer.dtmf_event_received"
            assert event["event"] == "#"
            assert "event_id" not in event
            with pytest.raises(ValueError, match="on calls"):
                apart.press("1")
            for wrong in ("12", "", "E"):
                with pytest.raises(ValueError, match="key must be one of 0 1"):
                    on_call.press(wrong)
