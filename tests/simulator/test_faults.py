"""Faults as values: what may be said of them, and what is refused with which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest

from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator import faults
from anyrealtime.simulator.faults import (
    HANDSHAKE,
    AnyFault,
    Close,
    ConnectionFault,
    Corrupt,
    Drift,
    Drop,
    Duplicate,
    ErrorStorm,
    Fault,
    Fragment,
    FrameFault,
    HalfOpen,
    Refuse,
    Reorder,
    Slow,
    Stall,
    Unknown,
)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Drop(after=-1), "after=-1: must be at least 0"),
        (lambda: Drop(delay=-0.5), "delay=-0.5: must be at least 0"),
        (lambda: Drop(delay=float("nan")), "delay=nan: must be at least 0"),
        (lambda: Drop(p=1.5), "p=1.5: a probability is between 0 and 1"),
        (lambda: Drop(times=0), "times=0: must be at least 1"),
        (lambda: Drop(visit=0), "visit=0: must be at least 1"),
        (lambda: Drop(event="a", heard="b"), "heard='b': give either event or heard"),
        (lambda: Drop(event=HANDSHAKE), "event='handshake': only for what happens"),
        (lambda: Duplicate(heard="a"), "heard='a': only for drop and"),
        (lambda: Duplicate(copies=0), "copies=0: must be at least 1"),
        (lambda: Reorder(by=0), "by=0: must be at least 1"),
        (lambda: Reorder(within=-1), "within=-1: must be at least 0"),
        (lambda: Corrupt(what="all"), "what='all': there are 'json', 'text' and 'frame'"),  # type: ignore[arg-type]
        (lambda: Drift("a..b"), "field='a..b': names with dots"),
        (lambda: Fragment(size_bytes=0), "size_bytes=0: must be at least 1"),
        (lambda: Close(70_000), "code=70000: a close code has 16 bits"),
        (lambda: Close(None, "why"), "reason='why': there is no reason without a code"),
        (lambda: Close(1000, "é" * 62), "at most 123 bytes"),
        (lambda: Close(event=HANDSHAKE), "event='handshake': there is no WebSocket yet"),
        (lambda: Unknown(event=HANDSHAKE), "event='handshake': there is no WebSocket yet"),
        (lambda: ErrorStorm(event=HANDSHAKE), "event='handshake': there is no WebSocket yet"),
        (lambda: Stall(-1), "seconds=-1: must be at least 0"),
        (lambda: Slow(0), "bytes_per_second=0: must be above 0"),
        (lambda: ErrorStorm(0), "count=0: must be at least 1"),
        (lambda: Refuse(101), "status=101: must be from 200 to 599"),
        (lambda: Refuse(delay=1), "event, heard, delay: a refusal strikes the handshake"),
        (lambda: Refuse(event="a"), "event, heard, delay"),
        (lambda: Refuse(302, location="/\r\nX: y"), "not fit for a header"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Callable[[], Fault], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert said in str(caught.value)


def test_bounds_are_allowed() -> None:
    assert Drop(p=0).p == 0
    assert Drop(p=1, times=1, visit=1).times == 1
    assert Close(1000, "é" * 61).reason
    assert Close(0).code == 0
    assert HalfOpen(event=HANDSHAKE).event == HANDSHAKE
    assert Refuse(599).status == 599


def test_faults_are_values() -> None:
    assert Close(1011, after=5) == Close(1011, after=5)
    assert Close(1011, after=5) != Close(1011)
    assert repr(Close(1011)).startswith("Close(code=1011")
    with pytest.raises(AttributeError):
        Close().code = 1000  # type: ignore[misc]


def test_all_of_them_are_known() -> None:
    kinds = set(get_args(AnyFault))
    public = {getattr(faults, name) for name in faults.__all__}
    declared = {kind for kind in public if isinstance(kind, type) and issubclass(kind, Fault)}
    assert declared - {Fault, FrameFault, ConnectionFault} == kinds
    for kind in kinds:
        assert issubclass(kind, FrameFault | ConnectionFault | Refuse)
        assert kind.__doc__
