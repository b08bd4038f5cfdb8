"""The room's public face: what is exported, how it is named, and what each class promises."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import typing
from typing import get_args

import msgspec
import pytest

from anyrealtime import events
from anyrealtime.events import (
    CLIENT_EVENTS,
    SERVER_EVENTS,
    ClientEvent,
    Event,
    InvalidEvent,
    ServerEvent,
    UnknownEvent,
)
from anyrealtime.events._base import Object
from tests.events.frames import is_struct

EVENTS = sorted({*CLIENT_EVENTS.items(), *SERVER_EVENTS.items()}, key=lambda item: item[0])
STRUCTS = sorted(
    (kind for kind in vars(events).values() if is_struct(kind)), key=lambda kind: kind.__name__
)
FLAT: set[object] = {str, bytes, int, float, bool, type(None), msgspec.UnsetType}


def test_every_export_exists_and_is_listed_once() -> None:
    assert len(events.__all__) == len(set(events.__all__))
    assert all(hasattr(events, name) for name in events.__all__)
    public = {name for name in vars(events) if name[0] != "_"}
    modules = {name for name in public if inspect.ismodule(getattr(events, name))}
    assert public - modules == set(events.__all__)


def test_every_class_of_every_module_is_exported() -> None:
    for name, module in inspect.getmembers(events, inspect.ismodule):
        if name not in {"_base", "_unions", "envelope"}:
            here = {kind for kind in vars(module).values() if is_struct(kind)}
            own = {kind.__name__ for kind in here if kind.__module__ == module.__name__}
            assert {own_ for own_ in own if own_[0] != "_"} <= set(events.__all__), name


@pytest.mark.parametrize(("tag", "kind"), EVENTS)
def test_an_event_is_named_by_its_type(tag: str, kind: type[Event]) -> None:
    words = tag.replace(".", "_").split("_")
    expected = "ErrorEvent" if tag == "error" else "".join(word.capitalize() for word in words)
    assert kind.__name__ == expected
    assert getattr(events, expected) is kind
    assert issubclass(kind, Event)


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_a_class_is_frozen_documented_and_forgiving(kind: type[msgspec.Struct]) -> None:
    config = kind.__struct_config__
    assert config.frozen
    assert not config.forbid_unknown_fields
    assert inspect.getdoc(kind)
    assert issubclass(kind, Object) != issubclass(kind, UnknownEvent | InvalidEvent)


def flat(kind: object) -> bool:
    members = get_args(kind)
    if typing.get_origin(kind) is typing.Literal:
        return True
    return all(map(flat, members)) if members else kind in FLAT


@pytest.mark.parametrize(("tag", "kind"), EVENTS)
def test_flat_events_cost_the_collector_nothing(tag: str, kind: type[Event]) -> None:
    plain = all(flat(field.type) for field in msgspec.structs.fields(kind))
    assert kind.__struct_config__.gc is not plain


@pytest.mark.parametrize(("tag", "kind"), sorted(CLIENT_EVENTS.items()))
def test_commands_leave_defaults_away(tag: str, kind: type[Event]) -> None:
    assert kind.__struct_config__.omit_defaults


@pytest.mark.parametrize(("tag", "kind"), sorted(SERVER_EVENTS.items()))
def test_what_servers_send_is_written_in_full(tag: str, kind: type[Event]) -> None:
    assert not kind.__struct_config__.omit_defaults


def test_the_unions_name_every_class() -> None:
    undecoded = {UnknownEvent, InvalidEvent}
    assert set(get_args(ClientEvent)) == {*CLIENT_EVENTS.values(), *undecoded}
    assert set(get_args(ServerEvent)) == {*SERVER_EVENTS.values(), *undecoded}


def test_importing_loads_no_event_loop() -> None:
    """Whatever the facade imports, this room needs msgspec and the standard library only."""
    names = ("anyio", "trio", "websockets", "asyncio", "ssl", "socket")
    program = (
        "import sys, types, importlib.util as util\n"
        "spec = util.find_spec('anyrealtime')\n"
        "room = types.ModuleType('anyrealtime')\n"
        "room.__path__ = list(spec.submodule_search_locations)\n"
        "sys.modules['anyrealtime'] = room\n"
        "import anyrealtime.events\n"
        f"print([name for name in {names!r} if name in sys.modules])\n"
    )
    # Measuring coverage there would load more than the program does.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        env=environment,
        text=True,
        timeout=30,
    )
    assert told.stdout.strip() == "[]"
