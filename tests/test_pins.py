"""The pins: made and checked with uv on toy packages, and what stands in constraints.txt."""

import zipfile

import pytest

import pins

LOCK = """
lock-version = "1.0"
[[packages]]
name = "numpy"
version = "2.4.6"
wheels = [{ name = "numpy.whl", size = 16_918_164 }]
[[packages]]
name = "torch"
version = "2.13.0"
wheels = [{ name = "torch.whl", size = 500_000_000 }]
[[packages]]
name = "nvidia-nccl-cu13"
version = "2.29.7"
wheels = [{ name = "nccl.whl", size = 200_400_000 }]
"""


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Let uv look for packages on this shelf only; return what puts one there."""
    monkeypatch.setattr(pins, "ROOT", tmp_path)
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "toy"\nversion = "1"\ndependencies = []\n'
    )

    def put(name, version, python=">=3.11", needs=""):
        needs = f"Requires-Dist: {needs}\n" if needs else ""
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        tag = f"{name}-{version}"
        with zipfile.ZipFile(tmp_path / f"{tag}-py3-none-any.whl", "w") as wheel:
            info = f"{tag}.dist-info"
            wheel.writestr(f"{info}/METADATA", f"{about}Requires-Python: {python}\n{needs}")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")

    return put


@pytest.fixture
def soup(shelf):
    """Put on the shelf what failed: a release that wants a later patch of Python."""
    shelf("soup", "1.0", needs="sieve")
    shelf("sieve", "2.10")
    shelf("sieve", "4.1.2", python=">=3.11.5")


def test_a_pin_that_one_python_cannot_have_is_found(soup, tmp_path):
    path = tmp_path / "constraints.txt"
    path.write_text("sieve==4.1.2\nsoup==1.0\n")
    said = pins.complaint("soup==1.0\n", path, "3.11.0", "Linux x86_64")
    assert "sieve==4.1.2 requires Python >=3.11.5" in said
    for python in ("3.12", "3.13", "3.14"):
        assert not pins.complaint("soup==1.0\n", path, python, "Linux x86_64")
    assert not pins.check("soup==1.0\n", path)


def test_pins_are_made_for_all_pythons_and_keep_what_they_can(soup, shelf, tmp_path, monkeypatch):
    shelf("sieve", "5.0")  # newer than the pin, and no reason to move it
    monkeypatch.setattr(pins, "megabytes", lambda packages: (len(packages), 0))
    monkeypatch.setattr(pins, "PYTHONS", ("3.11.0", "3.14"))
    monkeypatch.setattr(pins, "PLATFORMS", {"Linux x86_64": "x86_64-manylinux_2_28"})
    text = pins.make("soup==1.0\n", "# by hand\nsieve==2.10\nsoup==1.0\n")
    assert text == (f"{pins.HEADER}# Linux x86_64: 2 MB + torch 0 MB\nsieve==2.10\nsoup==1.0\n")
    split = pins.make("soup==1.0\nsieve!=5.0\n", "sieve==4.1.2\n")
    assert "sieve==2.10 ; python_full_version < '3.11.5'\n" in split
    assert "sieve==4.1.2 ; python_full_version >= '3.11.5'\n" in split
    path = tmp_path / "constraints.txt"
    path.write_text(split)
    assert pins.check("soup==1.0\n", path)
    assert pins.make("soup==1.0\nsieve!=5.0\n", split) == split


def test_a_package_that_is_not_pinned_is_named(soup, tmp_path):
    path = tmp_path / "constraints.txt"
    path.write_text("soup==1.0\n")
    said = pins.complaint("soup==1.0\n", path, "3.12", "Linux x86_64")
    assert said == "not pinned: sieve==4.1.2; run: python tools/pins.py"


def test_torch_is_counted_with_what_it_alone_brings(monkeypatch, tmp_path):
    monkeypatch.setattr(pins, "uv_compile", lambda *_, requirements: LOCK)
    packages = pins.resolve("torch\n", tmp_path, "3.12", "Linux x86_64")
    assert pins.megabytes(packages) == (17, 700)


def test_options_and_this_folder_are_not_packages():
    assert pins.wanted("# all\n-c constraints.txt\nnumpy==2.4.6\n-e .\n") == "# all\nnumpy==2.4.6\n"


@pytest.mark.parametrize(("ci", "status"), [("", pins.SKIPPED), ("true", 1)])
def test_without_a_network_the_check_says_so(monkeypatch, capsys, ci, status):
    def unreachable(*_, requirements):
        raise ConnectionError("error: Failed to fetch: https://pypi.org/simple/numpy/")

    monkeypatch.setattr(pins, "uv_compile", unreachable)
    monkeypatch.setenv("CI", ci)
    assert pins.main(["--check"]) == status
    said = capsys.readouterr().out
    assert said.startswith("PyPI cannot be reached, so the pins were not resolved:\nerror: Failed")


def test_uv_without_a_network_is_told_from_uv_without_a_solution(shelf, monkeypatch):
    with pytest.raises(pins.ResolutionError, match="none"):
        pins.uv_compile(requirements="none==1.0\n")
    monkeypatch.delenv("UV_NO_INDEX")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:1/simple")
    with pytest.raises(ConnectionError, match=r"127\.0\.0\.1"):
        pins.uv_compile(requirements="none==1.0\n")


def test_a_wrong_argument_writes_nothing():
    with pytest.raises(SystemExit, match="takes --check or nothing, not --chek"):
        pins.main(["--chek"])


def test_constraints_were_made_by_the_program():
    text = (pins.ROOT / "constraints.txt").read_text()
    assert text.startswith(pins.HEADER)
    wanted = pins.wanted((pins.ROOT / "requirements.txt").read_text()).splitlines()
    pinned = [line for line in wanted if "==" in line]
    assert set(pinned) <= set(text.splitlines())
