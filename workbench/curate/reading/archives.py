"""Zip and tar files: never extracted; named members are streamed, within limits."""

from __future__ import annotations

import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from workbench.curate.reading.table import printable
from workbench.errors import BadInput

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
MOST_MEMBERS = 10_000
LARGEST_MEMBER = 200_000_000
LARGEST_CONTENT = 1_000_000_000
HIGHEST_RATIO = 200
LARGEST_HEADER = 1_000_000
DRIVE = re.compile(r"^[A-Za-z]:")
LONG_HEADERS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)


class BoundedHeader(tarfile.TarInfo):
    """A member's header that may not bring a long one before it: the library reads those into memory whole."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> Self:
        """As in the library.

        Raises:
            ValueError: the header says that names or properties of more than `LARGEST_HEADER` bytes follow.
        """
        header = super().frombuf(buf, encoding, errors)
        if header.type in LONG_HEADERS and header.size > LARGEST_HEADER:
            raise ValueError(f"a member's header has {header.size:,} bytes, and at most {LARGEST_HEADER:,} are read")
        return header


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar by its name."""
    return path.name.lower().endswith(ENDINGS)


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of the members of an archive whose name is wanted. Nothing is written to disk.

    Raises:
        BadInput: the archive is damaged, has a member that points outside it, a link, too many members or too
            large ones; it is then used in no part.
    """
    try:
        yield from _zip_members(path, wanted) if path.suffix.lower() == ".zip" else _tar_members(path, wanted)
    except BadInput:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged archive raises whatever its parser stumbles on
        raise BadInput(
            f"{path.name} is damaged or protected ({str(error)[:200]}), so nothing in it was read. Pack it again, "
            "without a password."
        ) from error


def _zip_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        listed = archive.infolist()
        total = 0
        for member in listed:
            # What a zip made on Unix says of a member's kind stands in the upper half of this number.
            link = stat.S_ISLNK(member.external_attr >> 16)
            # The name as it was written: the library cuts and turns some.
            total = _check(path, member.orig_filename, member.file_size, link, total, len(listed))
            if member.file_size > 1_000_000 and member.file_size > HIGHEST_RATIO * max(1, member.compress_size):
                what = f"a member that unpacks to more than {HIGHEST_RATIO} times its size"
                raise _refusal(path, f"{what} ({_shown(member.filename)})")
        for member in listed:
            if not member.is_dir() and _is_seen(member.filename) and wanted(member.filename):
                with archive.open(member) as stream:
                    yield member.filename, stream.read(LARGEST_MEMBER)


def _tar_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    # Twice through: no member is used before all have been looked at.
    total = 0
    with tarfile.open(path, mode="r|*", tarinfo=BoundedHeader) as archive:
        for count, member in enumerate(archive, start=1):
            other = not (member.isreg() or member.isdir())
            total = _check(path, member.name, member.size, other, total, count)
    with tarfile.open(path, mode="r|*", tarinfo=BoundedHeader) as archive:
        for member in archive:
            if member.isreg() and _is_seen(member.name) and wanted(member.name):
                yield member.name, archive.extractfile(member).read(LARGEST_MEMBER)


def _check(path: Path, name: str, size: int, link: bool, total: int, count: int) -> int:
    if "\\" in name or "\x00" in name or name.startswith("/") or DRIVE.match(name) or ".." in name.split("/"):
        raise _refusal(path, f"a member that points outside it ({_shown(name)})")
    if link:
        raise _refusal(path, f"a member that is a link or a device ({_shown(name)})")
    if count > MOST_MEMBERS:
        raise _refusal(path, f"more than {MOST_MEMBERS:,} members")
    if size > LARGEST_MEMBER:
        raise _refusal(path, f"a member of {size:,} bytes ({_shown(name)}; at most {LARGEST_MEMBER:,} are read)")
    if total + size > LARGEST_CONTENT:
        raise _refusal(path, f"more than {LARGEST_CONTENT:,} bytes in it")
    return total + size


def _refusal(path: Path, what: str) -> BadInput:
    return BadInput(
        f"{path.name} has {what}, as archives made to do harm have. Nothing in it was read; unpack it yourself if you "
        "trust it, and give the file."
    )


def _shown(name: str) -> str:
    return repr(printable(name[:80]))


def _is_seen(name: str) -> bool:
    # What systems add of their own accord: __MACOSX/, .DS_Store.
    return not any(part.startswith((".", "__MACOSX")) for part in name.split("/") if part != ".")
