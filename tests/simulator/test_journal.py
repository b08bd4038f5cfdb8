"""What a connection remembers, and what whoever watches a simulator is told."""

from __future__ import annotations

import anyio
import pytest

from anyrealtime.events import InputAudioBufferClear, InvalidEvent
from anyrealtime.simulator import Notice, open_simulator
from anyrealtime.simulator._journal import Frame, Journal
from anyrealtime.simulator.faults import Close, Refuse
from tests.simulator.client import Refused, dial


@pytest.fixture(autouse=True)
def _both(anyio_backend: str) -> None:
    """Names the backend of every test here."""


CLEAR = b'{"type":"input_audio_buffer.clear"}'


async def test_both_directions_in_one_order() -> None:
    journal = Journal(1, record=True, watch=None)
    journal.begin("/v1/realtime")
    journal.said(b"hello")
    journal.heard(CLEAR)
    journal.heard(b"nonsense")
    assert journal.sent_frames == [b"hello"]
    assert journal.received_frames == [CLEAR, b"nonsense"]
    match journal.frames:
        case [
            Frame(first, "received", b"hello"),
            Frame(second, "sent", data),
            Frame(third, "sent", b"nonsense"),
        ]:
            assert data == CLEAR
            assert 0 <= first <= second <= third < 1
        case _:
            raise AssertionError(journal.frames)
    [clear, invalid] = journal.received
    assert isinstance(clear, InputAudioBufferClear)
    assert isinstance(invalid, InvalidEvent)
    assert journal.received[0] is clear


async def test_without_a_record_only_the_watcher_knows() -> None:
    notices: list[Notice] = []
    journal = Journal(7, record=False, watch=notices.append)
    journal.begin("/x")
    journal.said(b"a")
    journal.heard(b"b")
    journal.tell("fault", "odd")
    journal.end(1000, "bye")
    journal.end(None, "")
    assert not journal.frames
    assert not journal.received_frames
    assert notices == [
        Notice("arrived", 7, "/x"),
        Notice("said", 7, message=b"a"),
        Notice("heard", 7, message=b"b"),
        Notice("fault", 7, "odd"),
        Notice("left", 7, "1000 bye"),
        Notice("left", 7, "without CLOSE"),
    ]


async def test_a_simulator_that_is_watched() -> None:
    notices: list[Notice] = []

    def broken(_: object) -> str:
        raise ZeroDivisionError("in the model")

    script = [Refuse(429, visit=2), Close(4000, event="response.done")]
    with anyio.fail_after(10):
        with pytest.raises(ZeroDivisionError) as caught:
            async with open_simulator(
                model=broken, faults=script, watch=notices.append
            ) as simulator:
                async with dial(simulator.url + "?model=m") as client:
                    await client.receive()
                    with pytest.raises(Refused):
                        async with dial(simulator.url):
                            pass
                    await client.send("response.create")
                    assert (await client.closed()).code == 4000
                with pytest.raises(Refused):
                    async with dial(simulator.url.replace("realtime", "other")):
                        pass
    told = [(notice.what, notice.client, notice.text) for notice in notices if notice.text]
    assert told == [
        ("arrived", 1, "/v1/realtime"),
        ("refused", 2, "/v1/realtime 429"),
        ("failed", 1, repr(caught.value)),
        ("fault", 1, "Goodbye(code=4000, reason='')"),
        ("left", 1, "4000"),
        ("refused", 3, "/v1/other 404"),
    ]
    messages = [(notice.what, notice.client) for notice in notices if notice.message]
    assert messages[:3] == [("said", 1), ("heard", 1), ("said", 1)]
    [failed] = [notice for notice in notices if notice.error is not None]
    assert failed.error is caught.value
