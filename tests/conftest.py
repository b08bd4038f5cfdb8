"""Fixtures of the whole suite: every async test runs on both backends."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The backend's name, one test run for each."""
    return str(request.param)
