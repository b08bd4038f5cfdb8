from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime._protocol._order import Order


def line(*added: tuple[str, str | None]) -> str:
    order = Order()
    for item_id, previous_id in added:
        order.add(item_id, previous_id)
    return "".join(order.line())


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ([], ""),
        ([("a", None), ("b", "a"), ("c", "b")], "abc"),
        ([("a", None), ("b", None), ("c", None)], "abc"),
        ([("a", None), ("b", "a"), ("c", "a")], "acb"),
        ([("a", None), ("b", "a"), ("c", "a"), ("d", "c")], "acdb"),
        ([("a", "unseen"), ("b", "a")], "ab"),
        # out of turn
        ([("b", "a"), ("a", None)], "ab"),
        ([("c", "b"), ("b", "a"), ("a", None)], "abc"),
        ([("c", "a"), ("b", None), ("a", "b")], "bac"),
        ([("b", "a"), ("c", None), ("a", "c")], "cab"),
        ([("x", None), ("b", "a"), ("c", "a"), ("a", None)], "xacb"),
        # nonsense
        ([("a", "a"), ("b", "b")], "ab"),
        ([("a", "b"), ("b", "a")], "ab"),
    ],
)
def test_line(added: list[tuple[str, str | None]], expected: str) -> None:
    assert line(*added) == expected


def test_first_of_all() -> None:
    order = Order()
    order.add("b", None)
    order.add("c", None)
    order.add("a", None, first=True)
    order.add("0", None, first=True)
    assert order.line() == ["0", "a", "b", "c"]
    assert order.before("0") is None
    assert order.before("a") == "0"
    assert order.before("c") == "b"


def test_a_predecessor_that_is_told_later_moves_an_item() -> None:
    order = Order()
    for item_id in "abc":
        order.add(item_id, None)
    assert not order.tell("c", None)
    assert order.tell("c", "a")
    assert order.line() == ["a", "c", "b"]
    assert not order.tell("c", "b")  # the first word counts


def test_a_predecessor_may_be_told_before_it_comes() -> None:
    order = Order()
    order.add("b", None)
    assert not order.tell("b", "a")
    assert not order.add("a", None)  # b stands where it stood among the others
    assert order.line() == ["a", "b"]


def test_adding_says_whether_others_moved() -> None:
    order = Order()
    assert not order.add("x", None)
    assert not order.add("b", "a")
    assert not order.add("y", None)
    assert order.add("a", "y")
    assert order.line() == ["x", "y", "a", "b"]


def test_removing_keeps_the_others_in_place() -> None:
    order = Order()
    for item_id, previous_id in [("a", None), ("b", "a"), ("c", "a"), ("d", "c"), ("e", "c")]:
        order.add(item_id, previous_id)
    assert order.line() == ["a", "c", "e", "d", "b"]
    order.remove("c")
    assert order.line() == ["a", "e", "d", "b"]
    order.remove("a")
    assert order.line() == ["e", "d", "b"]
    order.add("c", "b")
    order.add("a", None)
    assert order.line() == ["e", "d", "b", "c", "a"]


def test_removing_before_anybody_looks() -> None:
    order = Order()
    for item_id, previous_id in [("a", None), ("b", "a"), ("c", "a")]:
        order.add(item_id, previous_id)
    order.remove("b")
    assert order.line() == ["a", "c"]


def test_what_hung_on_a_guess_is_a_guess_without_it() -> None:
    order = Order()
    for item_id, previous_id in [("w", "z"), ("guessed", None), ("c", "guessed")]:
        order.add(item_id, previous_id)
    order.remove("guessed")
    order.add("z", "c")
    assert order.line() == ["c", "z", "w"]


def test_who_waited_and_was_removed_does_not_come_back() -> None:
    order = Order()
    order.add("b", "a")
    order.remove("b")
    order.add("a", None)
    assert order.line() == ["a"]


def test_a_long_conversation() -> None:
    order = Order()
    ids = [str(number) for number in range(5000)]
    for previous_id, item_id in zip([None, *ids], ids, strict=False):
        order.add(item_id, previous_id)
    order.add("between", "10")
    assert order.line() == [*ids[:11], "between", *ids[11:]]


HISTORIES = st.lists(st.none() | st.integers(0, 30), max_size=30).map(
    lambda choices: [
        (str(number), None if choice is None or not number else str(choice % number))
        for number, choice in enumerate(choices)
    ]
)
"""Items, each with a predecessor that came before it, or none told."""


@given(HISTORIES, st.randoms(use_true_random=False))
def test_what_was_told_holds_whatever_came_first(
    history: list[tuple[str, str | None]], chance: random.Random
) -> None:
    order = Order()
    told: list[tuple[str, str]] = []
    for item_id, previous_id in chance.sample(history, len(history)):
        late = chance.random() < 0.3
        order.add(item_id, None if late else previous_id)
        if late:
            order.tell(item_id, previous_id)
        if previous_id is not None:
            told.append((previous_id, item_id))
        at = {present: index for index, present in enumerate(order.line())}
        assert len(at) == len(order.line())
        assert all(at[one] < at[two] for one, two in told if one in at and two in at)
    assert sorted(order.line()) == sorted(item_id for item_id, _ in history)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "first", "tell", "remove"]),
            st.sampled_from("abcdef"),
            st.sampled_from("abcdefg") | st.none(),
        )
    )
)
def test_no_news_is_too_strange(news: list[tuple[str, str, str | None]]) -> None:
    order = Order()
    present: set[str] = set()
    for what, item_id, previous_id in news:
        if what in ("add", "first") and item_id not in present:
            order.add(item_id, previous_id, first=what == "first")
            present.add(item_id)
        elif what == "tell" and item_id in present:
            order.tell(item_id, previous_id)
        elif what == "remove" and item_id in present:
            order.remove(item_id)
            present.remove(item_id)
        assert sorted(order.line()) == sorted(present)
        for one, two in zip([None, *order.line()], order.line(), strict=False):
            assert order.before(two) == one
