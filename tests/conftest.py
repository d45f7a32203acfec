"""What `tools/quick.py` asks of pytest: some exercises and claims only, and an end in time."""

import re
import time

import pytest

ID = re.compile(r"[a-z]\w*\.[a-z]\w*")  # of an exercise or a claim
BEGAN = pytest.StashKey[float]()


def pytest_addoption(parser):
    group = parser.getgroup("quick")
    group.addoption(
        "--only-ids",
        metavar="FILE=ID,ID",
        action="append",
        default=[],
        help="of a file's tests that name an exercise or a claim, run those of these only",
    )
    group.addoption(
        "--begin-within", type=float, metavar="SECONDS", help="skip tests that would begin later"
    )


def pytest_configure(config):
    config.stash[BEGAN] = time.monotonic()


def pytest_collection_modifyitems(config, items):
    options = (option.partition("=") for option in config.getoption("--only-ids"))
    wanted = {file: set(ids.split(",")) for file, _, ids in options}
    left = [item for item in items if not wants(wanted.get(item.path.name), item)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def wants(ids, item):
    """Say whether a test is about one of these ids, or about none that it names."""
    named = ID.findall(item.callspec.id) if hasattr(item, "callspec") else []
    return ids is None or not named or not ids.isdisjoint(named)


def pytest_runtest_setup(item):
    within = item.config.getoption("--begin-within")
    if within is not None and time.monotonic() - item.config.stash[BEGAN] > within:
        pytest.skip("no time left: `make test` runs it")
