"""Faults as text and as JSON: read back as the values they name, or refused in clear words."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator import parse_fault
from anyrealtime.simulator._faults._text import fault_from_fields
from anyrealtime.simulator.faults import (
    AnyFault,
    Close,
    Corrupt,
    Cut,
    Drift,
    Drop,
    ErrorStorm,
    Fault,
    HalfOpen,
    Refuse,
    Slow,
    Stall,
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("close", Close()),
        ("close:code=1011,after=5", Close(1011, after=5)),
        ("close:code=null", Close(None)),
        ("close: code = 4000 , reason=so long", Close(4000, "so long")),
        ("drop:p=0.01", Drop(p=0.01)),
        ("drop:heard=response.create,times=1", Drop(heard="response.create", times=1)),
        ("half-open:delay=2.5", HalfOpen(delay=2.5)),
        ("half_open:event=handshake", HalfOpen(event="handshake")),
        ("stall:seconds=0.5,event=response.*.delta", Stall(0.5, event="response.*.delta")),
        ("slow:bytes-per-second=500", Slow(500)),
        ("cut:mid-frame=true", Cut(mid_frame=True)),
        ("corrupt:what=text", Corrupt(what="text")),
        ("drift:field=delta", Drift("delta")),
        ("drift:field=delta,value=null", Drift("delta", None)),
        ("drift:field=delta,value=42", Drift("delta", 42)),
        ("drift:field=delta,value=forty", Drift("delta", "forty")),
        ("error-storm:count=3,code=rate_limit_exceeded", ErrorStorm(3, "rate_limit_exceeded")),
        ("refuse:status=429,retry_after=7,visit=1", Refuse(429, retry_after=7, visit=1)),
        ('{"fault": "close", "code": 1011, "reason": "a, b: c"}', Close(1011, "a, b: c")),
    ],
)
def test_text(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clos", "no fault is called 'clos'; there are close, corrupt, cut, drift"),
        ("", "no fault is called ''"),
        ("close:cod=1", "close has no 'cod'; it takes after, code, delay"),
        ("close:code", "'code' is not name=value"),
        ("close:", "'' is not name=value"),
        ("close:code=1,code=2", "code is given twice"),
        ("close:fault=drop", "fault is given twice"),
        ("close:code=x", "close: code: Expected `int | null`, got `str`"),
        ("drop:p=2", "drop: p=2.0: a probability is between 0 and 1"),
        ("drift:value=1", "drift: Object missing required field `field`"),
        ("corrupt:what=all", "corrupt: what: Invalid enum value 'all'"),
        ("{", "not JSON"),
        ('{"fault": ["close"]}', "no fault is called ['close']"),
        ("{}", "no fault is called None"),
        ('{"fault": "close", "code": "1011"}', "close: code: Expected `int | null`, got `str`"),
    ],
)
def test_what_is_no_fault(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_fault(text)
    assert said in str(caught.value)


def test_the_fields_of_an_event() -> None:
    event = {"type": "simulator.fault", "event_id": "e", "fault": "drop", "p": 0.5}
    assert fault_from_fields(event) == Drop(p=0.5)


def _faults() -> st.SearchStrategy[AnyFault]:
    """Any fault, by the schemas of the structs themselves."""
    when: dict[str, st.SearchStrategy[object]] = {
        "after": st.integers(0, 9),
        "p": st.none() | st.floats(0, 1),
        "times": st.none() | st.integers(1, 9),
        "visit": st.none() | st.integers(1, 9),
    }
    # What has no default, or one that other values of its type would break.
    own: dict[str, dict[str, st.SearchStrategy[object]]] = {
        "Drift": {"field": st.sampled_from(["delta", "a.0.b"]), "value": st.none() | st.integers()},
        "Close": {"code": st.integers(0, 2**16 - 1), "reason": st.text("ab, =:", max_size=9)},
        "Refuse": {"status": st.integers(200, 599)},
    }
    kinds: tuple[type[AnyFault], ...] = get_args(AnyFault)
    return st.one_of([st.builds(kind, **when, **own.get(kind.__name__, {})) for kind in kinds])


@given(_faults())
def test_json_says_every_fault(fault: AnyFault) -> None:
    assert parse_fault(msgspec.json.encode(fault).decode()) == fault
