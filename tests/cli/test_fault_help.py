"""The help about faults says what there is."""

from __future__ import annotations

import re
from typing import get_args

from anyrealtime.cli._fault_help import FAULTS
from anyrealtime.simulator.faults import AnyFault, Fault
from tests.cli.support import run


def test_every_fault_and_every_field() -> None:
    kinds, _, when = FAULTS.partition("When, for all")
    told = {
        found[1].replace("-", "_"): re.findall(r"(\w+)=", found[2])
        for found in re.finditer(r"^  ([a-z-]+)\b:?(\S*)", kinds, re.MULTILINE)
    }
    common = Fault.__struct_fields__
    assert told == {
        str(kind.__struct_config__.tag): [
            name for name in kind.__struct_fields__ if name not in common
        ]
        for kind in get_args(AnyFault)
    }
    assert re.findall(r"^  (\w+)=", when, re.MULTILINE) == list(common)


def test_it_is_in_the_help() -> None:
    done = run("serve", "--help")
    assert done.returncode == 0
    assert "error-storm:count=,code=,message=" in done.stdout
    assert "the probability with which each is struck" in done.stdout
