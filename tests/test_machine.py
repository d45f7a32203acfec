import os

import pytest

import machine

GIB = 2**30


@pytest.mark.parametrize(
    ("cores", "memory", "files", "expected"),
    [
        (2, 64 * GIB, {}, 2),
        (64, 64 * GIB, {}, 42),  # 1.5 GiB each
        (8, 1 * GIB, {}, 1),
        (64, 256 * GIB, {"cpu.max": "200000 100000\n", "memory.max": "max\n"}, 2),
        (64, 256 * GIB, {"cpu.max": "50000 100000\n"}, 1),
        (64, 256 * GIB, {"cpu.max": "max 100000\n", "memory.max": f"{6 * GIB}\n"}, 4),
    ],
)
def test_a_worker_for_each_core_that_has_its_memory(
    tmp_path, monkeypatch, cores, memory, files, expected
):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    pages = {"SC_PHYS_PAGES": memory // 4096, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)
    assert machine.workers() == expected


def test_this_machine_has_at_least_one():
    assert 1 <= machine.workers() <= (os.cpu_count() or 1)
