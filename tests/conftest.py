"""Fixtures of the whole suite: every async test runs on both backends."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile(
    "anyrealtime", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("anyrealtime")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The backend's name, one test run for each."""
    return str(request.param)
