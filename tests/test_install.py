"""What is installed on which machine: torch's build, and from where."""

import ast
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote

import pytest

import install
import pins

# as PyTorch's index writes it
WHEELS = (
    "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl",
    "torch-2.13.0+cpu-cp313-cp313-manylinux_2_28_aarch64.whl",
    "torch-2.13.0+cpu-cp314-cp314t-manylinux_2_28_x86_64.whl",
    "torch-2.13.0-cp312-cp312-macosx_14_0_arm64.whl",
)
PAGE = "<!DOCTYPE html><html><body><h1>Links for torch</h1>\n" + "".join(
    f'<a href="/whl/cpu/{quote(wheel)}#sha256=0a">{wheel}</a><br/>\n' for wheel in WHEELS
)


@pytest.mark.parametrize(
    ("system", "gpu", "chosen", "build"),
    [
        ("Linux", False, "", "cpu"),
        ("Linux", True, "", "cuda"),
        ("Linux", True, "cpu", "cpu"),
        ("Linux", False, "cuda", "cuda"),
        ("Darwin", False, "", "cpu"),
        ("Darwin", True, "", "cpu"),
        ("Darwin", False, "cpu", "cpu"),
    ],
)
def test_the_build_follows_the_gpu_unless_it_is_chosen(system, gpu, chosen, build):
    assert install.build_for(system, gpu, chosen) == build


@pytest.mark.parametrize(
    ("system", "chosen", "word"),
    [("Linux", "rocm", "cpu or cuda, not 'rocm'"), ("Darwin", "cuda", "Linux only")],
)
def test_a_build_that_is_not_there_is_refused(system, chosen, word):
    with pytest.raises(SystemExit, match=word):
        install.build_for(system, True, chosen)


@pytest.mark.parametrize(
    ("installed", "chosen", "fits"),
    [
        ("2.13.0", "", True),
        ("2.13.0+cpu", "", True),
        ("2.13.0+cpu", "cpu", True),
        ("2.13.0+cpu", "cuda", False),
        ("2.13.0", "cpu", False),
        ("2.13.0", "cuda", True),
        ("2.14.1", "", False),
        ("", "", False),
    ],
)
def test_an_installed_torch_stays_if_it_fits(installed, chosen, fits):
    assert install.fits(installed, "2.13.0", "Linux", chosen) is fits


def test_on_a_mac_every_torch_is_a_cpu_build():
    assert install.fits("2.13.0", "2.13.0", "Darwin", "cpu")


@pytest.mark.parametrize(
    ("version", "python", "machine", "listed"),
    [
        ("2.13.0", (3, 11), "x86_64", True),
        ("2.13.0", (3, 11), "aarch64", False),
        ("2.13.0", (3, 13), "aarch64", True),
        ("2.13.0", (3, 12), "arm64", False),  # a Mac's, and no +cpu
        ("2.13.0", (3, 14), "x86_64", False),  # of the Python without a lock only
        ("2.13.1", (3, 11), "x86_64", False),
        ("2.1", (3, 11), "x86_64", False),
    ],
)
def test_the_index_is_read(version, python, machine, listed):
    assert install.offers(PAGE, version, python, machine) is listed
    assert not install.offers("", version, python, machine)


@pytest.fixture
def index():
    """Serve PAGE as an index on this machine; yield its address."""

    class Index(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/cpu/torch/" else 404)
            self.end_headers()
            self.wfile.write(PAGE.encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Index)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_index_that_answers(index, capsys):
    assert install.read_index(f"{index}/cpu") == PAGE
    assert capsys.readouterr().out == ""


def test_an_index_that_refuses_or_is_not_there_is_named(index, capsys):
    assert install.read_index(f"{index}/gone") == ""
    assert install.read_index("http://127.0.0.1:1/cpu") == ""
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{index}/gone cannot be reached: Not Found"
    assert said[1].startswith("http://127.0.0.1:1/cpu cannot be reached: ")
    assert "refused" in said[1]


@pytest.fixture
def machine(monkeypatch):
    """Replace the machine: its system, its torch, the wheels on its disk, and PyTorch's index."""

    def replace(system="Linux", installed="", wheel="", page=""):
        asked = []

        def pip(*arguments, quiet=False):
            asked.append(arguments)
            exact = arguments[-1].removeprefix("torch==")
            return wheel in (exact, f"{exact}+cpu")

        monkeypatch.setattr(install.platform, "system", lambda: system)
        monkeypatch.setattr(install.platform, "machine", lambda: "x86_64")
        monkeypatch.setattr(install.sys, "version_info", (3, 11, 2))
        monkeypatch.setattr(install, "installed_torch", lambda: installed)
        monkeypatch.setattr(install, "read_index", lambda url: page)
        monkeypatch.setattr(install, "pip", pip)
        return asked

    return replace


def test_what_is_installed_is_not_looked_for(machine):
    asked = machine(installed="2.13.0")
    assert install.find_torch("2.13.0", "cpu", "") == ("is installed", [])
    assert asked == []


@pytest.mark.parametrize("chosen", ["", "cpu"])
def test_a_wheel_on_this_machine_is_taken_before_any_other(machine, chosen):
    machine(wheel="2.13.0+cpu", page=PAGE)
    assert install.find_torch("2.13.0", "cpu", chosen) == ("was on this machine", [])


@pytest.mark.parametrize("chosen", ["", "cpu"])
def test_without_a_gpu_the_cpu_build_is_pytorchs(machine, chosen):
    machine(page=PAGE)
    words, first = install.find_torch("2.13.0", "cpu", chosen)
    assert words == f"without CUDA from {install.INDEX}, about {install.CPU_BUILD} MB"
    assert first == ["--no-deps", "--index-url", install.INDEX, "torch==2.13.0+cpu"]


def test_where_the_cpu_build_cannot_be_had_it_is_pypis(machine):
    machine()
    words, first = install.find_torch("2.13.0", "cpu", "")
    assert re.fullmatch(r"with CUDA from PyPI, about \d+ MB, .*, for want of a CPU build", words)
    assert first == []


def test_a_chosen_build_that_cannot_be_had_is_an_error(machine):
    machine()
    with pytest.raises(SystemExit, match=r"TORCH=cpu: torch 2\.13\.0 without CUDA cannot be had"):
        install.find_torch("2.13.0", "cpu", "cpu")


def test_cuda_is_taken_over_a_cpu_build_that_is_at_hand(machine):
    asked = machine(installed="2.13.0+cpu", wheel="2.13.0+cpu", page=PAGE)
    words, first = install.find_torch("2.13.0", "cuda", "cuda")
    assert words.startswith("with CUDA from PyPI, about ")
    assert first == ["torch===2.13.0"]
    assert asked == []


def test_a_mac_has_pypis(machine):
    machine(system="Darwin", page=PAGE)
    assert install.find_torch("2.13.0", "cpu", "")[1] == []


@pytest.mark.parametrize("platform", pins.PLATFORMS)
def test_what_pypi_sends_was_counted(platform):
    text = (install.ROOT / "constraints.txt").read_text()
    for size in install.sizes(text, *platform.split()):
        assert re.fullmatch(r"about \d\d+ MB", size)


def test_an_uncounted_machine_is_told_no_number():
    assert install.sizes("# Linux x86_64: 3 MB + torch 4 MB\n", "Linux", "riscv64") == (
        "some MB",
        "some MB",
    )


def test_the_pinned_torch_is_read():
    text = (install.ROOT / "requirements.txt").read_text()
    assert f"torch=={install.pinned_torch(text)}\n" in text
    with pytest.raises(SystemExit, match="no line torch=="):
        install.pinned_torch("torchvision==1.0\n")


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo 'GPU 0: NVIDIA H200 (UUID: GPU-0)'", True),
        ("echo 'No devices were found'", False),
        ("echo 'GPU 0: lost'; exit 9", False),
    ],
)
def test_a_gpu_is_what_the_driver_lists(tmp_path, monkeypatch, script, found):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install.has_gpu() is found


def test_without_the_driver_there_is_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not install.has_gpu()


@pytest.mark.parametrize("python", [(3, 10), (3, 15), (2, 7)])
def test_a_python_without_pins_is_told_which_have_them(python):
    said = install.complaint(python)
    assert f"needs Python 3.11 to 3.14; this is {python[0]}.{python[1]}. " in said
    assert "make PYTHON=" in said


@pytest.mark.parametrize("python", [(3, 11), (3, 12), (3, 13), (3, 14)])
def test_a_python_with_pins_will_do(python):
    assert install.complaint(python) == ""


def test_the_readme_names_the_same_pythons():
    assert "Python 3.11 to 3.14" in (install.ROOT / "README.md").read_text()


def test_an_old_python_can_read_the_installer_and_say_so():
    ast.parse((install.ROOT / "tools" / "install.py").read_text(), feature_version=(3, 8))


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize(
    ("torch", "anew"), [("", False), ("TORCH=cpu", False), ("TORCH=cuda", True)]
)
def test_make_installs_anew_only_for_another_build(tmp_path, torch, anew):
    shutil.copy(install.ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "constraints.txt", ".venv/installed"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("cpu\n")
    command = ["make", "-n", "notebooks", *torch.split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ("tools/install.py cuda" in done.stdout) is anew
    assert ("tools/install.py" in done.stdout) is anew
