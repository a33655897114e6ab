"""Settings of all tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: needs the corpus of published packages or more than a minute")


# A busy machine makes any example slow: nothing here is judged by time.
settings.register_profile("poollint", deadline=None)
settings.load_profile("poollint")
