"""The engine that all tests of this folder share."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(1, str(pathlib.Path(__file__).parents[1] / "process"))

from engine import Engine  # noqa: E402


@pytest.fixture(scope="session")
def engine():
    with Engine() as started:
        yield started
