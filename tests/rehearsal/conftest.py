"""Fixtures of the rehearsal's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rehearsal.emulator import Emulator, running_emulator


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A running emulated AWS, one for each test module."""
    with running_emulator(tmp_path_factory.mktemp("aws") / "work") as emulator:
        yield emulator
