"""docs/testing.md: what it quotes is in the files it names, and its tests pass."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text()
# Where a block comes from, if it is told, and the block.
BLOCKS = re.findall(r"(?:<!-- (\S+) -->\n)?```python\n(.*?)```", PAGE, re.DOTALL)
QUOTED = [(source, block) for source, block in BLOCKS if source]
TESTS = [block for source, block in BLOCKS if not source and "def test_" in block]
OTHERS = [block for source, block in BLOCKS if not source and "def test_" not in block]


def test_there_are_some_of_each_kind() -> None:
    assert (len(QUOTED), len(TESTS)) == (5, 3)
    assert OTHERS


@pytest.mark.parametrize(("source", "block"), QUOTED, ids=range(len(QUOTED)))
def test_what_is_quoted_is_there(source: str, block: str) -> None:
    assert block in (ROOT / source).read_text()


@pytest.mark.parametrize("block", TESTS, ids=range(len(TESTS)))
def test_its_tests_pass(pytester: pytest.Pytester, block: str) -> None:
    pytester.makepyfile(block)
    result = pytester.runpytest_subprocess("-p", "no:asyncio", "-p", "no:trio", "-W", "error")
    result.assert_outcomes(passed=2 if "anyio" in block else 1)


@pytest.mark.parametrize("block", OTHERS, ids=range(len(OTHERS)))
def test_the_rest_is_python(block: str) -> None:
    assert compile(block, "docs/testing.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_links_lead_somewhere() -> None:
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#]+)", prose)
    assert links
    for link in links:
        assert (ROOT / "docs" / link).exists(), link
