"""What a failed test's report says of its recording."""

from __future__ import annotations

from pathlib import Path

import anyio

from anyrealtime import open_realtime
from anyrealtime.testing import open_memory_simulator, record_to
from anyrealtime.testing._listing import listing


async def test_what_crossed(tmp_path: Path, anyio_backend: str) -> None:
    with anyio.fail_after(15), record_to(tmp_path / "session.jsonl") as recorder:
        for _ in range(2):
            async with (
                open_memory_simulator(model=lambda _: "a b c d") as simulator,
                open_realtime(
                    transport=simulator.connect(), tap=recorder, errors="deliver"
                ) as connection,
            ):
                await connection.ask("Hello!")
                simulator.connections[0].send({"type": "error", "error": {"message": "No."}})
                simulator.connections[0].send_frame(b"]")
                async for event in connection:
                    if event.type == "":
                        break
    lines = [line[10:] for line in listing(recorder.path).splitlines()[1:]]
    assert lines[:3] == [" 1", "received session.created", "sent     conversation.item.create"]
    deltas = "response.output_audio_transcript.delta x 4, response.output_audio.delta x "
    assert sum(line.startswith(f"received {deltas}") for line in lines) == 2
    assert lines.count("received error: No.") == 2
    assert lines.count("received no event") == 2
    assert lines[-1] == "closed   1000 by the client"
    assert listing(recorder.path).splitlines()[0] == str(recorder.path)


def test_files_with_little_and_with_much(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text("")
    assert "tap=" in listing(path)
    message = '{{"direction": "sent", "data": {{"type": "{}"}}}}\n'
    path.write_text("".join(message.format(n) for n in range(10)))
    assert listing(path, max_lines=10).count("sent") == 10
    short = listing(path, max_lines=3).splitlines()
    assert short[1] == "... 7 lines before these"
    assert [line.split() for line in short[2:]] == [["sent", "7"], ["sent", "8"], ["sent", "9"]]
