"""What a chapter's tests cost; and what `tools/quick.py` asks: some ids only, an end in time."""

import re
import sys
import time
from collections import Counter

import pytest
from hypothesis import settings

from unrolled.core.book import chapters

ID = re.compile(r"[a-z]\w*\.[a-z]\w*")  # of an exercise or a claim
BUDGET = 60  # seconds of one core that the tests of a chapter may take
BEGAN = pytest.StashKey[float]()

settings.register_profile("unrolled", deadline=None)  # a busy machine is no failure
settings.load_profile("unrolled")


@pytest.fixture(autouse=True)
def close_figures():
    """Close what a test has drawn."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


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
    config.pluginmanager.register(Costs())


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    began = time.process_time()
    try:
        return (yield)
    finally:
        item.user_properties += [("chapter", chapter(item)), ("cpu", time.process_time() - began)]


def chapter(item):
    """Return the stem of the chapter that a test belongs to, by its file or by what it names."""
    return next((word for word in re.findall(r"[a-z]+", item.nodeid) if word in chapters()), "")


class Costs:
    """Adds up, where the reports of all workers arrive, what the tests of each chapter cost."""

    def __init__(self):
        self.seconds = Counter()

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            said = dict(report.user_properties)
            self.seconds[said.get("chapter", "")] += said.get("cpu", 0.0)

    def pytest_terminal_summary(self, terminalreporter):
        rest = self.seconds.pop("", 0.0)
        if not self.seconds:
            return
        each = ", ".join(f"{stem} {spent:.0f}" for stem, spent in self.seconds.most_common())
        terminalreporter.write_line(f"Seconds of one core: {each}, the rest {rest:.0f}")
        for stem in (stem for stem, spent in self.seconds.items() if spent > BUDGET):
            terminalreporter.write_line(f"The tests of {stem} take more than {BUDGET} s")
