"""Nothing of the machine's environment reaches these tests."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
