"""Make the notebooks: ``chapters/x.md`` is written, ``chapters/x.ipynb`` is generated and executed.

    python tools/nb.py build [names] [--force]    execute what is stale, in parallel
    python tools/nb.py check [names]              execute nothing; exit 1 if a pair disagrees
    python tools/nb.py changed [names] [--base REV]
                          print the notebooks that were executed with other code at REV (HEAD)

A notebook stores the digests of all that its outputs depend on: its code cells, the definitions
of `unrolled` that they reach (file by file), the evidence and the trained networks that they read.
While these hold, a change of the text carries the outputs over; a change of any of them executes
the chapter again.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import hashlib
import json
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
import conftest  # noqa: F401  (the kernels' environment, and where `unrolled` is)

# isort: split
import jupytext
import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode
from tqdm import tqdm

import extras
from machine import workers
from unrolled.core import sources
from unrolled.core.files import write_atomically
from unrolled.core.processes import end_with_parent

PACKAGE = ROOT / "code" / "unrolled"
LEDGER = "unrolled.experiments.ledger"
CELL_SECONDS = 600
KERNEL_STARTS = 3  # two kernels that start at once may pick one port; the later one dies
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}
NAMED = re.compile(r"[a-z_]\w*\.[a-z_]\w*")  # an exercise or a claim
KEPT = re.compile(r"unrolled\.experiments\.(\w+)\._kept_(\w+)\b")  # what reads trained/<1>_<2>.pt
ANSI = re.compile(r"\x1b\[[0-9;]*m")
# What no two runs share: addresses, and files of this machine.
UNSTABLE = re.compile(rf"\b0x[0-9a-f]{{6,}}\b|{re.escape(str(ROOT))}|\bipykernel_\d+")


@dataclass(frozen=True)
class Chapter:
    """A pair of files, and why they disagree."""

    md: Path
    notebook: NotebookNode  # as it should be; its outputs are the stored ones while they hold
    state: str  # "ok", "prose" (text changed) or "stale" (outputs no longer hold)
    reason: str

    @property
    def ipynb(self) -> Path:
        """The generated file."""
        return self.md.with_suffix(".ipynb")


def read(md: Path) -> Chapter:
    """Compare a chapter's source with its notebook."""
    notebook = from_source(md)
    digests = notebook.metadata.unrolled
    ipynb = md.with_suffix(".ipynb")
    if not ipynb.exists():
        return Chapter(md, notebook, "stale", "it does not exist")
    try:
        text = ipynb.read_text(encoding="utf-8")
        old = nbformat.reads(text, as_version=4)
        stored = dict(old.metadata.unrolled)
        reason = disagreement(digests, stored, old)
    except OSError as error:  # a folder, say: what cannot be read is not written over
        raise SystemExit(f"{name(ipynb)}: {error.strerror}") from None
    except Exception:  # JSON of any kind may be in its place, and nbformat fails in any way
        reason = "it was not written by this tool"
    if reason:
        return Chapter(md, notebook, "stale", reason)
    for new, kept in code_cells(notebook, old.cells):
        new.outputs, new.execution_count = kept.outputs, kept.execution_count
    digests["outputs"] = stored["outputs"]
    if dumps(notebook) == text:
        return Chapter(md, notebook, "ok", "")
    return Chapter(md, notebook, "prose", "its text is not that of the .md")


def disagreement(digests: dict, stored: dict, old: NotebookNode) -> str:
    """Say why the stored outputs are not those of this source; "" if they are."""
    if stored.get("cells") != digests["cells"]:
        return "its code cells are not those of the .md"
    if stored.get("outputs") != outputs_digest(old):
        return "its outputs were edited after they were computed"
    now, then = digests["files"], stored.get("files", {})
    changed = sorted(f for f in now.keys() | then.keys() if now.get(f) != then.get(f))
    return f"changed since it was executed: {', '.join(changed)}" if changed else ""


def from_source(md: Path) -> NotebookNode:
    """Return the notebook of a MyST text, without outputs."""
    notebook = jupytext.read(md, fmt="md:myst")
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        content = f"{cell.cell_type}\0{cell.source}"
        seen[content] += 1  # equal cells need unequal ids
        cell["id"] = sha(f"{content}\0{seen[content]}")
    notebook.metadata = NotebookNode(KERNEL)
    cells = [c for c in notebook.cells if c.cell_type == "code"]
    run = [[cell.source, cell.metadata.get("tags", [])] for cell in cells]
    notebook.metadata.unrolled = NotebookNode(cells=sha(json.dumps(run)), files=files(md, cells))
    return notebook


def files(md: Path, cells: list[NotebookNode]) -> dict[str, str]:
    """Digest, file by file, what of the repository the outputs of these cells depend on."""
    try:
        code = TransformerManager().transform_cell("\n".join(cell.source for cell in cells))
        tree = ast.parse(code)
    except SyntaxError as error:
        raise SystemExit(f"{name(md)}: {error.msg}: {(error.text or '').strip()}") from None
    handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    texts, records = reached(tree, shows_errors=any(map(catches, [*handlers, *cells])))
    parts = defaultdict[Path, list[str]](list)
    for key, text in sorted(texts.items()):
        parts[file_of(key)].append(f"{key}\0{text}\0")
    for record in records:
        parts[record].append(record.read_text(encoding="utf-8"))
    for network in trained(texts):
        parts[network].append(hashlib.sha256(network.read_bytes()).hexdigest())
    return {name(path): sha("".join(part)) for path, part in sorted(parts.items())}


def reached(tree: ast.Module, shows_errors: bool) -> tuple[dict[str, str], list[Path]]:
    """Return the definitions that some cells reach, and the records that they read.

    A definition counts without its words, unless the cells show it, or errors in words.
    """
    strings = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    named = sorted(s for s in strings if isinstance(s, str) and NAMED.fullmatch(s))
    starts = sources.mentions(ast.unparse(tree), package=PACKAGE)
    for script in strings:  # a program that a cell writes and runs
        if isinstance(script, str) and "unrolled" in script and "import" in script:
            starts |= mentioned_by(script)
    texts = sources.reach(starts, package=PACKAGE)
    # What finds an exercise or a claim by its id computes a module's name, which cannot be read.
    whole = " ".join(key for key in texts if module_file(key))
    for room, finder in (("exercises", "unrolled.exercises"), ("experiments", LEDGER)):
        if finder in whole:
            starts |= {
                f"unrolled.{room}.{each}.*"
                for each in named
                if module_file(f"unrolled.{room}.{each}")
            }
    texts = sources.reach(starts, prose=shows_errors, package=PACKAGE)
    texts |= sources.written(shown_by(tree), package=PACKAGE)
    if not any(key.startswith(LEDGER) for key in texts):
        return texts, []
    records = [ROOT / "evidence" / f"{each.replace('.', '/')}.json" for each in named]
    return texts, [record for record in records if record.is_file()]


def trained(keys: Iterable[str]) -> set[Path]:
    """Return the files of trained networks that belong to the modules of some definitions."""
    found = {match.groups() for match in map(KEPT.match, keys) if match}
    files = {ROOT / "trained" / f"{chapter}_{stem}.pt" for chapter, stem in found}
    return {file for file in files if file.is_file()}


def mentioned_by(script: str) -> set[str]:
    """Return what a program mentions; nothing if the text is none."""
    try:
        return sources.mentions(script, package=PACKAGE)
    except (SyntaxError, ValueError):
        return set()


def shown_by(tree: ast.Module) -> set[str]:
    """Return the definitions that cells show by ``source(...)``: there, comments count too."""
    imports = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    calls = [
        ast.Expr(argument)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "source"
        for argument in node.args
    ]
    return sources.mentions(ast.unparse(ast.Module([*imports, *calls], [])), package=PACKAGE)


def catches(part: ast.ExceptHandler | NotebookNode) -> bool:
    """Say whether an ``except``, or a cell by its tags, goes on after an error of the package."""
    if isinstance(part, ast.ExceptHandler):
        kinds = list(ast.walk(part.type)) if part.type else [ast.Name("Exception")]
        return any(isinstance(kind, ast.Name) and hasattr(builtins, kind.id) for kind in kinds)
    return "raises-exception" in part.get("metadata", {}).get("tags", [])


def file_of(key: str) -> Path:
    """Return the file of something reached: a module, or a name in it."""
    path = module_file(key) or module_file(key.rpartition(".")[0])
    if path is None:
        raise LookupError(f"{key} is reached, but stands in no file")
    return path


def module_file(dotted: str) -> Path | None:
    """Return the file of a module; None if there is none of that name."""
    path = PACKAGE.parent / dotted.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return path if path.is_file() else None


def execute(chapter: Chapter, position: int) -> tuple[NotebookNode | None, str]:
    """Run a chapter in a kernel of its own; return the notebook, or None and what failed."""
    notebook = chapter.notebook
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    bar = tqdm(total=len(cells), desc=chapter.md.stem, position=position, unit="cell", disable=None)
    running = ""  # the source of the last cell begun

    def begin(cell: NotebookNode, cell_index: int) -> None:
        nonlocal running
        running = cell.source

    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(chapter.md.parent)}},
        on_cell_execute=begin,
        on_cell_executed=lambda **_: bar.update(),
    )
    try:
        run_through(client, begun=lambda: bool(running))
    except CellExecutionError as error:
        return None, ANSI.sub("", error.traceback)  # begins with the cell's source
    except CellTimeoutError:
        return None, f"{running}\n\nThis cell ran for more than {CELL_SECONDS} s."
    except Exception as error:  # a dead kernel, say
        return None, f"{running}\n\n{error!r}"
    finally:
        bar.close()
    notebook.metadata.update(KERNEL)
    for cell in cells:
        if complaint := unstable(cell):
            return None, f"{cell.source}\n\n{complaint}"
    notebook.metadata.unrolled.outputs = outputs_digest(notebook)
    return notebook, ""


def run_through(client: NotebookClient, begun: Callable[[], bool]) -> None:
    """Execute the notebook, with a new kernel if one dies before the first cell has begun."""
    for left in reversed(range(KERNEL_STARTS)):
        try:
            client.execute()
            return
        except RuntimeError:
            if begun() or not left:
                raise


def unstable(cell: NotebookNode) -> str:
    """Say what in a cell's outputs cannot be the same on another run; "" if nothing."""
    for output in cell.outputs:
        if output.get("name") == "stderr":
            return f"This cell wrote to stderr: {output.text}"
        data = output.get("data", {})
        if "application/vnd.jupyter.widget-view+json" in data:
            return "This cell stored a widget, which a page cannot show."
        text = output.get("text", "") + data.get("text/plain", "") + data.get("text/html", "")
        if found := UNSTABLE.search(text):
            return f"This cell's output holds {found[0]!r}, which differs from run to run."
    return ""


def build(mds: list[Path], force: bool) -> int:
    """Bring the notebooks of these chapters up to date; return how many failed."""
    todo = []
    for chapter in map(read, mds):
        executed = chapter.state == "stale" or force
        if executed and extras.lacks(chapter.md.read_text(encoding="utf-8")):
            print(f"{name(chapter.ipynb)}: {extras.LACKING}")
        elif executed:
            print(f"{name(chapter.ipynb)}: executing ({chapter.reason or 'forced'})", flush=True)
            todo.append(chapter)
        elif chapter.state == "prose":
            write_atomically(chapter.ipynb, dumps(chapter.notebook))
            print(f"{name(chapter.ipynb)}: text updated, outputs kept")
        else:
            print(f"{name(chapter.ipynb)}: up to date")
    if not todo:
        return 0
    count = min(len(todo), workers())
    start, failed = time.monotonic(), 0
    context = get_context("spawn")
    with ProcessPoolExecutor(count, context, become_worker, (context.RLock(),)) as pool:
        done = pool.map(execute, todo, range(len(todo)))
        for chapter, (notebook, failure) in zip(todo, done, strict=True):
            if notebook is None:
                failed += 1
                print(f"\n{name(chapter.md)}: a cell failed; its notebook is left as it was.")
                print("-" * 72, failure.rstrip(), "-" * 72, sep="\n", flush=True)
            else:
                write_atomically(chapter.ipynb, dumps(notebook))
    print(f"{len(todo) - failed} executed, {failed} failed, {time.monotonic() - start:.0f} s")
    return failed


def become_worker(lock: object) -> None:
    """Share the screen with the other workers, and end with the build; a kernel ends with us."""
    tqdm.set_lock(lock)
    end_with_parent()


def changed(mds: list[Path], base: str) -> list[Path]:
    """Return the notebooks that would not be executed with the same code as at a revision."""
    commit = f"{base}^{{commit}}"
    if not git("rev-parse", "--verify", "--quiet", commit):
        raise SystemExit(f"--base must be a revision that git knows, got {base!r}")
    return [md.with_suffix(".ipynb") for md in mds if not is_same_at(md, base)]


def is_same_at(md: Path, base: str) -> bool:
    """Say whether a notebook stood at a revision with the cells and the code that it has now."""
    try:
        stored = json.loads(git("show", f"{base}:./{name(md.with_suffix('.ipynb'))}"))
        then = stored["metadata"]["unrolled"]
        now = from_source(md).metadata.unrolled
        return all(then[part] == now[part] for part in ("cells", "files"))
    except (json.JSONDecodeError, KeyError, TypeError):
        return False


def git(*arguments: str) -> str:
    """Return what git says about this repository; nothing if it fails."""
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    return done.stdout if done.returncode == 0 else ""


def check(mds: list[Path]) -> int:
    """Print every pair that disagrees; return how many."""
    wrong = [chapter for chapter in map(read, mds) if chapter.state != "ok"]
    for chapter in wrong:
        print(f"{name(chapter.ipynb)}: {chapter.reason}")
    strays = sorted(
        p for p in (ROOT / "chapters").glob("*.ipynb") if not p.with_suffix(".md").exists()
    )
    for stray in strays:
        print(f"{name(stray)}: has no .md to be generated from")
    if wrong:
        print("`make notebooks` brings them up to date.")
    elif not strays:
        print(f"{len(mds)} notebooks agree with their sources")
    return len(wrong) + len(strays)


def code_cells(
    new: NotebookNode, old: list[NotebookNode]
) -> list[tuple[NotebookNode, NotebookNode]]:
    """Pair the code cells of two notebooks in order; ValueError if their numbers differ."""
    sides = [[c for c in cells if c.cell_type == "code"] for cells in (new.cells, old)]
    return list(zip(*sides, strict=True))


def outputs_digest(notebook: NotebookNode) -> str:
    """Digest all outputs of a notebook, in order."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return sha(json.dumps([[c.execution_count, c.outputs] for c in cells], sort_keys=True))


def sha(text: str) -> str:
    """Return 16 hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def dumps(notebook: NotebookNode) -> str:
    """Write a notebook as text: valid, keys sorted, nothing that depends on the machine."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def name(path: Path) -> str:
    """Name a file as seen from the repository's root."""
    return path.relative_to(ROOT).as_posix()


def find(names: list[str]) -> list[Path]:
    """Return the sources of the chapters named by stem or path; of all, if none is named."""
    known = {md.stem: md for md in sorted((ROOT / "chapters").glob("*.md"))}
    unknown = [text for text in names if Path(text).stem not in known]
    if unknown:
        raise SystemExit(f"no chapter {', '.join(unknown)}; there are: {', '.join(known)}")
    return [known[Path(text).stem] for text in names] or list(known.values())


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=["build", "check", "changed"])
    parser.add_argument("names", nargs="*", help="chapters, such as windows; all if none is given")
    parser.add_argument("--force", action="store_true", help="execute even what is up to date")
    parser.add_argument("--base", default="HEAD", metavar="REV", help="what to compare with")
    arguments = parser.parse_args()
    mds = find(arguments.names)
    if arguments.command == "changed":
        for notebook in changed(mds, arguments.base):
            print(name(notebook))
        return 0
    failed = build(mds, arguments.force) if arguments.command == "build" else check(mds)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
