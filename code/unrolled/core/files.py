"""The one way a file is written: whole, or not at all."""

import contextlib
import errno
import hashlib
import os
import platform
import re
import secrets
import time
import zlib
from pathlib import Path

from unrolled.core.kinds import instance
from unrolled.core.kinds import path as as_path

_HOST = f"{zlib.crc32(platform.node().encode()):08x}"
_LONGEST = 200  # bytes of a name; no system has room for more than 255
_OLD = 24 * 3600.0  # seconds after which nobody is still writing a file


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    r"""Write a file so that a crash leaves the old one or the new one, never a part.

    The bytes go to a temporary file in the same folder, are forced to the disk, and take the name
    in one step. What killed processes left of this very file is removed first.

    Parameters
    ----------
    path
        Where to; missing folders are made. A link stays one: the file it leads to is replaced.
    content
        Bytes as they are, text as UTF-8 with ``\n`` on every system.

    Raises
    ------
    TypeError
        If the path is none, or the content neither text nor bytes.
    UnicodeEncodeError
        If the text holds half a surrogate pair; nothing is written.
    OSError
        If the system refuses, or the path is no regular file, one protected from writing, or a
        link in a circle: it names ``path``.
    """
    data = content.encode() if isinstance(content, str) else instance("content", content, bytes)
    file = as_path("path", path)
    try:
        _write(Path(os.path.realpath(file)), data)
    except OSError as error:  # of the temporary file, or of no file
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def _write(path: Path, data: bytes) -> None:
    if path.exists() and not path.is_file():  # as root, a device would be replaced by a file
        raise OSError(errno.EINVAL, "must be a regular file")
    if path.exists() and not os.access(path, os.W_OK):  # its folder would let it be replaced
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    if path.is_symlink():  # all others were followed
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    end = f"{_HOST}-{os.getpid()}-{secrets.token_hex(4)}"
    temporary = path.with_name(f".{_short(path.name)}.tmp-{end}")
    try:
        with temporary.open("xb") as file:  # with the mode that the umask leaves
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o7777)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _short(name: str) -> str:
    """Return a name that leaves room for what is added to it."""
    data = os.fsencode(name)
    return name if len(data) <= _LONGEST else hashlib.sha256(data).hexdigest()[:32]


def _sweep(path: Path) -> None:
    """Remove the temporary files of a path that nobody writes any more."""
    name = re.compile(
        rf"\.{re.escape(_short(path.name))}\.tmp-([0-9a-f]{{8}})-(\d{{1,9}})-[0-9a-f]{{8}}"
    )
    for left in path.parent.iterdir():
        if found := name.fullmatch(left.name):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > _OLD or _ended(found[1], int(found[2])):
                    left.unlink()


def _ended(host: str, process: int) -> bool:
    if os.name != "posix" or host != _HOST:  # who runs elsewhere cannot be seen
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it runs, as another user
        return False
    return False
