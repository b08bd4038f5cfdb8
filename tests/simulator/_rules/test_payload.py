"""Ids: different, in order, and no longer than the service allows."""

from __future__ import annotations

from anyrealtime.simulator._rules._payload import Ids


def test_ids() -> None:
    ids, others = Ids(1), Ids(2)
    made = [ids.new("item") for _ in range(100)] + [others.new("item") for _ in range(100)]
    assert len(set(made)) == 200
    assert made == sorted(made)
    assert all(each.startswith("item_") and len(each) <= 32 for each in made)
    assert Ids(1).new("item") == made[0]
