"""The table of who was run against whom: how it is kept, and that the page has all of it."""

from __future__ import annotations

import pytest

from interop.roster import CLIENTS, SERVERS, STACKS, STEPS
from interop.table import BEGIN, END, PAGE, Row, Table, Verdict, client_row, server_row

ROW = client_row(CLIENTS[0])
OPEN: tuple[Verdict, ...] = ("skipped", "failed")


def rows() -> list[Row]:
    """Every row there should be."""
    return [client_row(client) for client in CLIENTS] + [
        server_row(server, stack) for server in SERVERS.values() for stack in STACKS.values()
    ]


def played() -> Table:
    """A table where everything passed that can be played."""
    table = Table()
    for row, counterpart in table.rows.items():
        for step in STEPS:
            if step not in counterpart.lacks:
                table.add(row, step, "passed")
    return table


def test_the_page_has_every_row_and_nothing_open() -> None:
    text = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == ["client", "server", *STEPS.values()]
    shown = {(row[0], row[1]): row[2:] for row in cells[2:]}
    assert shown.keys() == set(rows())
    for row, verdicts in shown.items():
        assert {verdict.partition(" ")[0] for verdict in verdicts} <= {"yes", "no"}, row


def test_the_rows_have_names_of_their_own() -> None:
    assert len({client_row(client) for client in CLIENTS}) == len(CLIENTS)
    assert len({client.slug for client in CLIENTS}) == len(CLIENTS)


def test_the_worst_verdict_of_a_cell_counts() -> None:
    table = Table()
    table.add(ROW, "text", "passed")
    assert "| yes " in table.lines()[2]
    for verdict in OPEN:
        table.add(ROW, "text", verdict)
        table.add(ROW, "text", "passed")
        assert f"| {verdict} " in table.lines()[2].lower()


def test_it_is_whole_when_all_was_played_and_passed() -> None:
    assert not Table().is_whole
    assert played().is_whole
    for verdict in OPEN:
        table = played()
        table.add(ROW, "error", verdict)
        assert not table.is_whole


def test_only_rows_that_were_run_are_shown_and_their_notes_once() -> None:
    table = Table()
    table.add(ROW, "text", "passed")
    head, _, row, *notes = table.lines()
    assert head.startswith("| client")
    assert row.split("|")[1].strip() == ROW[0]
    assert notes == [""]

    lines = played().lines()
    assert len(lines) == 2 + len(set(rows())) + 1 + len(
        {
            note
            for server in SERVERS.values()
            for note in [*server.lacks.values(), *server.notes.values()]
        }
    )


def test_writing_it_leaves_the_rest_of_the_page(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path_factory.mktemp("docs") / "interop.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr("interop.table.PAGE", page)
    for _ in range(2):
        played().write()
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"before\n{BEGIN}\n")
        assert text.endswith(f"\n{END}\nafter\n")
        assert "old" not in text
        assert text.count("| client") == 1
