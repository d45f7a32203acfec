"""The evidence ledger: claims declared once, measured over seeds, recorded as JSON.

A chapter's module here ends with ``CLAIMS``, a tuple of :class:`Claim`; a second module of the same
chapter names it in ``CHAPTER``. ``python -m unrolled evidence`` measures those whose record is
missing or stale and writes ``evidence/<id>.json``, from which the book's Evidence page is
generated. A claim that did not hold stays, and says so.
"""

import argparse
import ast
import hashlib
import inspect
import json
import os
import platform
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module, metadata
from math import isfinite
from multiprocessing import get_context, parent_process
from pathlib import Path
from pkgutil import iter_modules
from statistics import median
from typing import Any, TypeVar

from tqdm import tqdm

from unrolled._sources import closure, digest, skeleton

EVIDENCE = Path(__file__).resolve().parents[3] / "evidence"
SCALES = ("quick", "book", "full")  # what the tests run, what is recorded, what a GPU is for
LIBRARIES = ("numpy", "torch", "statsmodels", "scikit-learn")
LABEL = 44  # characters that fit on a phone

V = TypeVar("V")
Measurement = dict[str, float | list[float]]
Record = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One measured quantity in a picture: a dot for each seed.

    Parameters
    ----------
    quantity : str
        Its name in what the experiment returns.
    label : str
        What it is, in at most 44 characters, so that it fits on a phone. With ``over``, ``{}``
        stands for the setting's value.
    over : str, optional
        If the quantity is a list: the setting that has one value for each of its elements. The
        list is drawn as so many rows.
    published : float or mapping to float, optional
        The paper's figure; with ``over``, its figures by the setting's values.
    """

    quantity: str
    label: str
    over: str | None = None
    published: float | Mapping[Any, float] | None = None


@dataclass(frozen=True)
class Strip:
    """One picture: rows of dots over one horizontal axis.

    Parameters
    ----------
    axis : str
        What the axis measures, with its unit.
    rows : sequence of Row
        What is drawn, from the top.
    lines : mapping of str to float, optional
        Values to compare with, by their names: chance, a baseline, the criterion's threshold.
    limits : (float, float), optional
        The axis's least extent; it grows to hold every dot.
    """

    axis: str
    rows: Sequence[Row]
    lines: Mapping[str, float] = field(default_factory=dict)
    limits: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim, and the experiment that tests it.

    Parameters
    ----------
    id : str
        ``chapter.name``: where it belongs, and the name of its record.
    sentence : str
        What is claimed (MyST).
    experiment : callable
        A function at the top of its module, ``(seed, **settings) -> {name: number or list}``. It
        depends on nothing but its arguments. Every number it returns is finite.
    criterion : str
        What must come out for the claim to hold (MyST).
    holds : callable
        The criterion as a function of what the experiment returned, one entry a seed.
    seeds, settings : mapping of str to ...
        For each scale, ``"quick"`` and ``"book"`` at least; a missing ``"full"`` is the book's.
    strips : sequence of Strip
        The pictures of it.
    paper : str, optional
        BibTeX key of the paper that claims it; without one, the claim is the book's own.
    where : str, optional
        Where in the paper its figures stand.
    deviations : sequence of str, optional
        How the experiment differs from the paper's (MyST).

    Raises
    ------
    ValueError
        If ``id`` has another form, a scale is missing or unknown, a scale has no seeds or repeats
        one, a label is too long, or ``where`` is given without ``paper``.
    """

    id: str
    sentence: str
    experiment: Callable[..., Mapping[str, Any]]
    criterion: str
    holds: Callable[[list[Measurement]], bool]
    seeds: Mapping[str, Collection[int]]
    settings: Mapping[str, Mapping[str, Any]]
    strips: Sequence[Strip]
    paper: str | None = None
    where: str | None = None
    deviations: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", self.id):
            raise ValueError(f"id must be 'chapter.name' in lower case, got {self.id!r}")
        for name, scales in (("seeds", self.seeds), ("settings", self.settings)):
            if not {"quick", "book"} <= set(scales) <= set(SCALES):
                raise ValueError(
                    f"{self.id}: {name} must be given for 'quick' and 'book', and may be for "
                    f"'full', got {sorted(scales)}"
                )
        for scale, seeds in self.seeds.items():
            if not seeds or len(set(seeds)) != len(seeds):
                raise ValueError(f"{self.id}: {scale} seeds must be distinct, got {list(seeds)}")
        if self.where and not self.paper:
            raise ValueError(f"{self.id}: where={self.where!r} needs a paper, got none")
        for scale in SCALES:
            _strips(self, _at(self.settings, scale))


def all_claims(package: str = "unrolled.experiments") -> dict[str, Claim]:
    """Return every declared claim by its id, chapter by chapter.

    Raises
    ------
    ValueError
        If two claims share an id, or a claim stands in another chapter's module.
    """
    claims: dict[str, Claim] = {}
    for found in iter_modules(import_module(package).__path__):
        module = import_module(f"{package}.{found.name}")
        chapter = getattr(module, "CHAPTER", found.name)
        for claim in getattr(module, "CLAIMS", ()):
            if claim.id in claims or claim.id.split(".")[0] != chapter:
                raise ValueError(
                    f"{claim.id!r} is declared twice or not in its chapter's module: "
                    f"found in {module.__name__}"
                )
            claims[claim.id] = claim
    return claims


def load(claim_id: str, folder: Path = EVIDENCE) -> Record:
    """Return a claim's record.

    ``load(id)["runs"]`` holds, for each seed, ``{"seed": ..., "measured": {name: value}, ...}``.

    Raises
    ------
    FileNotFoundError
        If the claim was never measured.
    ValueError
        If the file is no record.
    """
    path = folder / f"{claim_id}.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"no record of {claim_id!r} in {folder}; `python -m unrolled evidence {claim_id}` "
            "measures it"
        )
    try:
        record: Record = json.loads(path.read_text(encoding="utf-8"))
        record["scale"], record["runs"], record["seeds"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no record ({error!r}); measure the claim again") from None
    return record


def run(claim: Claim, scale: str = "quick") -> Record:
    """Measure a claim here and now, seed after seed, and return its record unsaved."""
    conditions, settings = _conditions(claim, scale), dict(_at(claim.settings, scale))
    seeds = _at(claim.seeds, scale)
    return _record(
        claim, conditions, [_measure(claim.experiment, seed, settings) for seed in seeds]
    )


def staleness(claim: Claim, record: Record | None, scale: str = "book") -> str | None:
    """Say why a claim must be measured (again), or None if its record stands.

    A record made at a larger scale than asked stands. New words or pictures need no new
    measurement (see :func:`refreshed`); another criterion does, so that none is chosen to fit
    what was already measured.
    """
    if record is None:
        return "never measured"
    if SCALES.index(record["scale"]) < SCALES.index(scale):
        return f"measured at scale {record['scale']} only"
    now = _declared(claim, record["scale"])
    for name in ("experiment", "settings", "seeds", "criterion", "judge"):
        if record.get(name) != now[name]:
            return f"{name} changed"
    if [one["seed"] for one in record["runs"]] != record["seeds"]:
        return "some seeds are missing"
    if record["code"] != _code(claim):
        return "code changed"
    return None


def sources(claim: Claim) -> list[Path]:
    """Return the files that a claim's measurements depend on; the ledger itself is none of them."""
    return closure([claim.experiment.__module__], without=[__name__], package=_package(claim))


def refreshed(claim: Claim, record: Record) -> Record:
    """Return a record with the declaration's present words, pictures and verdict."""
    measured = [one["measured"] for one in record["runs"]]
    return {**record, **_declared(claim, record["scale"]), "held": bool(claim.holds(measured))}


def main(
    argv: Sequence[str] | None = None,
    *,
    claims: Mapping[str, Claim] | None = None,
    folder: Path = EVIDENCE,
) -> int:
    """Measure what is missing or stale and record it: ``python -m unrolled evidence``.

    Returns 0 also when a claim does not hold, for that is a result; 1 when an experiment crashed.
    What was measured before a crash or a kill is kept, and the next call goes on from there.
    """
    options = _parser().parse_args(argv)
    # Threads of one experiment would fight those of another, and change the last digits.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if folder == EVIDENCE and not folder.is_dir():
        print(
            f"There is no folder {folder}: measure from a copy of the repository.", file=sys.stderr
        )
        return 2
    claims = all_claims() if claims is None else claims
    for name in options.claims:
        if not any(_is_meant(claim_id, [name]) for claim_id in claims):
            print(f"No claim or chapter {name!r}. There are: {', '.join(claims)}", file=sys.stderr)
            return 2
    chosen = [claim for claim in claims.values() if _is_meant(claim.id, options.claims)]
    records = {claim.id: _stored(claim.id, folder) for claim in chosen}
    reasons = {
        claim.id: "asked to"
        if options.force
        else staleness(claim, records[claim.id], options.scale)
        or ("unfinished" if _unfinished(claim, options.scale, folder) else None)
        for claim in chosen
    }
    if options.list:
        for claim in chosen:
            print(f"{claim.id}: {reasons[claim.id] or 'recorded'}")
        return 0

    rehearsal = options.scale == "quick"
    stale = [claim for claim in chosen if rehearsal or reasons[claim.id]]
    for claim in chosen:
        if options.force and not rehearsal:
            _partial(claim.id, folder).unlink(missing_ok=True)
        if not reasons[claim.id]:
            records[claim.id] = _refresh(claim, folder)
    try:
        measured, crashes = _measure_all(
            stale, options.scale, None if rehearsal else folder, options.jobs
        )
    except KeyboardInterrupt:
        print("Stopped. What was measured is kept; go on without --force.", file=sys.stderr)
        return 130
    _report(chosen, {**records, **measured})
    for crash in crashes:
        print(crash, file=sys.stderr)
    return 1 if crashes else 0


def figure(value: float) -> str:
    """Write a number for a reader: four digits, a true minus, powers of ten."""
    mantissa, e, exponent = f"{value:.4g}".replace("-", "−").partition("e")
    if not e:
        return mantissa
    raised = str(int(exponent.replace("−", "-"))).translate(
        str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    )
    return f"{mantissa} × 10{raised}"


def values(record: Record, row: Mapping[str, Any]) -> list[float]:
    """Return what was measured for a record's row (``record["strips"][i]["rows"][j]``), by seed."""
    measured = [one["measured"][row["quantity"]] for one in record["runs"]]
    return measured if row["element"] is None else [found[row["element"]] for found in measured]


def spread(measured: Sequence[float]) -> str:
    """Write the median and the range of what was measured over seeds."""
    middle = figure(median(measured))
    if len(measured) == 1:
        return middle
    if min(measured) == max(measured):
        return f"{middle} at every seed"
    return f"{middle} ({figure(min(measured))} to {figure(max(measured))})"


def plural(count: int, noun: str) -> str:
    """Write a count and what is counted."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def verdict(record: Record) -> str:
    """Return the verdict in words."""
    return "Held" if record["held"] else "Did not hold"


def _is_meant(claim_id: str, names: Sequence[str]) -> bool:
    return not names or claim_id in names or claim_id.split(".")[0] in names


def _stored(claim_id: str, folder: Path) -> Record | None:
    try:
        return load(claim_id, folder)
    except (FileNotFoundError, ValueError):
        return None  # a record that cannot be read is measured again


def _refresh(claim: Claim, folder: Path) -> Record:
    """Bring a standing record up to its declaration's present words; return it."""
    stored = load(claim.id, folder)
    record = refreshed(claim, stored)
    if record != stored:
        _write(folder / f"{claim.id}.json", record)
    return record


def _at(scales: Mapping[str, V], scale: str) -> V:
    """Return a scale's entry; the book's, where the full scale has none of its own."""
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {SCALES}, got {scale!r}")
    return scales.get(scale, scales["book"])


def _declared(claim: Claim, scale: str) -> Record:
    """Return what a claim's declaration puts into its record, as JSON gives it back."""
    settings = _at(claim.settings, scale)
    declared = {
        "id": claim.id,
        "paper": claim.paper,
        "where": claim.where,
        "sentence": claim.sentence,
        "criterion": claim.criterion,
        "judge": _judge(claim),
        "deviations": claim.deviations,
        "strips": _strips(claim, settings),
        "experiment": f"{claim.experiment.__module__}.{claim.experiment.__qualname__}",
        "scale": scale,
        "settings": settings,
        "seeds": list(_at(claim.seeds, scale)),
    }
    plain: Record = json.loads(json.dumps(declared, allow_nan=False))
    return plain


def _strips(claim: Claim, settings: Mapping[str, Any]) -> list[Record]:
    """Write out a claim's pictures, a row for each element of its lists."""
    strips = []
    for strip in claim.strips:
        rows = [row for declared in strip.rows for row in _rows(claim.id, declared, settings)]
        strips.append(
            {"axis": strip.axis, "limits": strip.limits, "lines": dict(strip.lines), "rows": rows}
        )
    return strips


def _rows(claim_id: str, row: Row, settings: Mapping[str, Any]) -> list[Record]:
    """Write out a row: itself, or one for each element of its list."""
    if row.over is None:
        return [_row(claim_id, row, None, row.label, row.published)]
    if row.over not in settings:
        raise ValueError(
            f"{claim_id}: row {row.quantity!r} is over {row.over!r}, got settings {list(settings)}"
        )
    published = row.published or {}
    if not isinstance(published, Mapping):
        raise ValueError(
            f"{claim_id}: row {row.quantity!r} is over {row.over!r}, so published must give a "
            f"figure for each of its values, got {published!r}"
        )
    return [
        _row(claim_id, row, index, row.label.format(value), published.get(value))
        for index, value in enumerate(settings[row.over])
    ]


def _row(claim_id: str, row: Row, element: int | None, label: str, published: object) -> Record:
    if not 0 < len(label) <= LABEL:
        raise ValueError(f"{claim_id}: a label has 1 to {LABEL} characters, got {label!r}")
    return {
        "quantity": row.quantity,
        "element": element,
        "label": label,
        "published": published,
    }


def _judge(claim: Claim) -> str:
    """Return the digest of the criterion as it is written in the claim's declaration."""
    module = sys.modules[claim.experiment.__module__]
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if not isinstance(node, ast.Call):
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        name = given.get("id")
        if isinstance(name, ast.Constant) and name.value == claim.id and "holds" in given:
            return hashlib.sha256(skeleton(given["holds"]).encode()).hexdigest()[:16]
    return ""


def _code(claim: Claim) -> str:
    """Return the digest of the code a claim's measurements depend on.

    The declarations are left out: what matters of them (settings, seeds) is compared by value.
    """
    return digest(sources(claim), prose=False, without=["CLAIMS"], package=_package(claim))


def _package(claim: Claim) -> Path:
    """Return the folder of the package that a claim's experiment stands in."""
    module = claim.experiment.__module__
    file = sys.modules[module.split(".")[0]].__file__
    if file is None or Path(file).name != "__init__.py":
        raise ValueError(f"{claim.id}: experiment must stand in a package, got module {module}")
    return Path(file).parent


def _conditions(claim: Claim, scale: str) -> Record:
    """Return what must be the same for two runs to belong in one record.

    Asked before anything runs: code that is edited during a measurement must not pass for the
    code that was measured.
    """
    declared = _declared(claim, scale)
    same = {name: declared[name] for name in ("experiment", "scale", "settings")}
    return {**same, "code": _code(claim), **_machine()}


def _record(claim: Claim, conditions: Record, runs: list[Record]) -> Record:
    """Put a claim's record together."""
    record = {
        "held": None,
        **_declared(claim, conditions["scale"]),
        **conditions,
        "date": datetime.now(UTC).date().isoformat(),
        "runs": runs,
    }
    return refreshed(claim, record)


def _machine() -> Record:
    """Return what a measurement was made on and with."""
    installed = {dist: _version(dist) for dist in LIBRARIES}
    return {
        "hardware": {"cpu": processor(), "cores": os.cpu_count()},
        "versions": {
            "python": platform.python_version(),
            **{dist: version for dist, version in installed.items() if version},
        },
    }


def _version(dist: str) -> str | None:
    try:
        return metadata.version(dist)
    except metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """Return the name of this machine's processor."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = re.findall(r"^model name\s*:\s*(.+)$", info.read_text(), flags=re.MULTILINE)
        if names:
            return str(names[0])
    return platform.processor() or platform.machine()


def _measure(experiment: Callable[..., Mapping[str, Any]], seed: int, settings: Record) -> Record:
    """Run an experiment at one seed."""
    wall, cpu = time.perf_counter(), _cpu_seconds()
    found = experiment(seed, **settings)
    cpu, wall = _cpu_seconds() - cpu, time.perf_counter() - wall
    return {
        "seed": seed,
        "measured": {name: _plain(name, value, seed) for name, value in found.items()},
        "cpu_seconds": round(cpu, 2),
        "wall_seconds": round(wall, 2),
        "gpu": _gpu(),
    }


def _cpu_seconds() -> float:
    """Return what this process and those it waited for have used: a search runs in its own."""
    return sum(os.times()[:4])


def _plain(name: str, value: Any, seed: int) -> float | list[float]:
    """Return a measured value as JSON can keep it."""
    if not isinstance(value, str) and hasattr(value, "__len__"):
        return [float(_plain(name, element, seed)) for element in value]  # type: ignore[arg-type]
    if not isfinite(number := float(value)):
        raise ValueError(f"{name} must be finite at every seed, got {number} at seed {seed}")
    return number


def _gpu() -> str | None:
    """Return the name of the GPU this process has used, if any."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    return str(torch.cuda.get_device_name())


def _measure_all(
    claims: Sequence[Claim], scale: str, folder: Path | None, jobs: int
) -> tuple[dict[str, Record], list[str]]:
    """Measure claims seed by seed in worker processes; return their records and what crashed."""
    conditions = {claim.id: _conditions(claim, scale) for claim in claims}
    runs = {claim.id: _unfinished(claim, scale, folder) for claim in claims}
    missing = [
        (claim, seed)
        for claim in claims
        for seed in _at(claim.seeds, scale)
        if seed not in runs[claim.id]
    ]
    records: dict[str, Record] = {}
    crashes: list[str] = []
    for claim in claims:  # one may have been killed between its last seed and its record
        left = runs[claim.id]
        if left and (record := _keep(claim, conditions[claim.id], left, folder)):
            records[claim.id] = record
    for claim, seed, done in _in_processes(missing, scale, jobs):
        try:
            runs[claim.id][seed] = done.result()
        except Exception:
            crashes.append(f"{claim.id} crashed at seed {seed}:\n{traceback.format_exc()}")
            continue
        if record := _keep(claim, conditions[claim.id], runs[claim.id], folder):
            records[claim.id] = record
    return records, crashes


def _in_processes(
    tasks: Sequence[tuple[Claim, int]], scale: str, jobs: int
) -> Iterator[tuple[Claim, int, Future[Record]]]:
    """Yield each task when it is done, under a progress bar."""
    quiet = os.environ.get("UNROLLED_PROGRESS") == "0"
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_become_worker)
    try:
        futures = {
            pool.submit(_measure, claim.experiment, seed, dict(_at(claim.settings, scale))): (
                claim,
                seed,
            )
            for claim, seed in tasks
        }
        with tqdm(total=len(tasks), unit="seed", disable=True if quiet else None) as bar:
            for done in as_completed(futures):
                claim, seed = futures[done]
                bar.set_postfix_str(claim.id)
                bar.update()
                yield claim, seed, done
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _become_worker() -> None:
    """Make a worker quiet, and let it end at once with the process that started it."""
    os.environ["UNROLLED_PROGRESS"] = "0"
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _partial(claim_id: str, folder: Path) -> Path:
    return folder / ".partial" / f"{claim_id}.json"


def _unfinished(claim: Claim, scale: str, folder: Path | None) -> dict[int, Record]:
    """Return the runs that an interrupted call left behind, by seed, if they still count."""
    if folder is None or not (path := _partial(claim.id, folder)).is_file():
        return {}
    left = json.loads(path.read_text(encoding="utf-8"))
    if left["conditions"] != _conditions(claim, scale):
        return {}
    seeds = _at(claim.seeds, scale)
    return {one["seed"]: one for one in left["runs"] if one["seed"] in seeds}


def _keep(
    claim: Claim, conditions: Record, runs: Mapping[int, Record], folder: Path | None
) -> Record | None:
    """Keep what has been measured of a claim; return its record if that is all of it."""
    seeds = _at(claim.seeds, conditions["scale"])
    complete = all(seed in runs for seed in seeds)
    record = _record(claim, conditions, [runs[seed] for seed in seeds]) if complete else None
    if folder is None:
        return record
    partial = _partial(claim.id, folder)
    if record is None:
        partial.parent.mkdir(parents=True, exist_ok=True)
        (partial.parent / ".gitignore").write_text("*\n")
        _write(partial, {"conditions": conditions, "runs": list(runs.values())})
        return None
    _write(folder / f"{claim.id}.json", record)
    partial.unlink(missing_ok=True)
    return record


def _write(path: Path, content: Record) -> None:
    """Write JSON so that whoever reads the file finds all of it, old or new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8", newline="\n")
    fresh.replace(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m unrolled evidence",
        description="Measure the claims whose record is missing or stale.",
    )
    parser.add_argument("claims", nargs="*", help="claims or chapters; all without")
    parser.add_argument(
        "--scale",
        choices=SCALES,
        default="book",
        help="quick shows its result and records nothing; default: book",
    )
    parser.add_argument("--force", action="store_true", help="measure also what is up to date")
    parser.add_argument("--list", action="store_true", help="say what is stale; measure nothing")
    parser.add_argument("--jobs", type=_count, default=1, help="processes to use; default: 1")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)


def _report(claims: Sequence[Claim], records: Mapping[str, Record | None]) -> None:
    """Print a line for each claim, and under it what was measured."""
    for claim in claims:
        record = records[claim.id]
        if record is None:
            print(f"{claim.id}: not measured")
            continue
        seconds = sum(one["cpu_seconds"] for one in record["runs"])
        print(
            f"{claim.id}: {verdict(record)} "
            f"({plural(len(record['runs']), 'seed')}, {record['scale']}, {seconds:.0f} s of CPU)"
        )
        for row in (row for strip in record["strips"] for row in strip["rows"]):
            print(f"    {row['label']:{LABEL}} {spread(values(record, row))}")
