"""Fixtures of the process tests."""

import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import Site, binary, is_sanitized  # noqa: E402


def pytest_configure(config):
    binary()  # one clear message rather than one failure per test


def pytest_report_header(config):
    version = subprocess.run([binary(), "--version"], text=True,
                             stdout=subprocess.PIPE, timeout=30).stdout
    return [f"program: {binary()} ({version.strip()})",
            f"seed: {session_seed()} (LEVELKEEP_PROCESS_SEED replays it)",
            f"rounds: x{rounds_factor()} (LEVELKEEP_PROCESS_ROUNDS)"]


_SEED = int(os.environ.get("LEVELKEEP_PROCESS_SEED", "0")) or \
    random.SystemRandom().randrange(1, 2**31)


def session_seed():
    return _SEED


def rounds_factor():
    return int(os.environ.get("LEVELKEEP_PROCESS_ROUNDS", "1"))


def sampled(count):
    """The number of large things that a test makes: `count`, or a quarter if a
    sanitizer takes ten times as long for each and no rounds were asked for.
    """
    return count // 4 if is_sanitized() and rounds_factor() == 1 else count


@pytest.fixture
def seed(request):
    """The seed of this run; printed, so that the run can be replayed."""
    print(f"seed {session_seed()} (LEVELKEEP_PROCESS_SEED)")
    return session_seed()


@pytest.fixture
def rng(seed, request):
    return random.Random(f"{seed}/{request.node.name}")


@pytest.fixture
def rounds():
    """Scales a number of iterations by LEVELKEEP_PROCESS_ROUNDS."""
    return lambda count: count * rounds_factor()


@pytest.fixture
def folder(request):
    """A temporary folder; if the test fails, it is kept and named."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="levelkeep-process-"))
    path.chmod(0o755)  # some tests run the program as another user
    yield path
    report = getattr(request.node, "report", None)
    if report is not None and report.failed and \
            os.environ.get("LEVELKEEP_PROCESS_KEEP"):
        print(f"kept {path}")
        return
    shutil.rmtree(path, ignore_errors=True)


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.report = outcome.get_result()


@pytest.fixture
def site(folder):
    return Site(folder / "site")


@pytest.fixture
def other_site(folder):
    return Site(folder / "other")
