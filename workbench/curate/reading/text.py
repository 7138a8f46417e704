"""Bytes to lines of text. UTF-8 unless something says otherwise, and never a byte dropped without a word."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workbench.curate.personal import mask
from workbench.errors import BadInput

REPAIR = "repair"
WINDOWS = "cp1252"
# What office programs and exports write where they don't write UTF-8; charset-normalizer chooses among these.
CANDIDATES = ("cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "mac_roman", "cp850",
              "cp932", "gb18030", "big5", "cp949", "euc_jp")  # fmt: skip
SAMPLE_BYTES = 50_000
LONGEST_SAMPLE = 120
LARGEST_TEXT = 2_000_000_000
MAGIC = (
    (b"PK\x03\x04", "an Excel, zip or Parquet file under another name"),
    (b"PAR1", "an Excel, zip or Parquet file under another name"),
    (b"\xd0\xcf\x11\xe0", "an old or password-protected Office file"),
    (b"\x1f\x8b", "a compressed file"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "a database"),
)
PICKLE = re.compile(rb"\x80[\x02-\x05][\x00-\xff]")
CONTROL = re.compile("[\x01-\x08\x0e-\x1b\x7f]")


@dataclass
class DecodedText:
    """A text file in lines.

    Attributes:
        lines: without their endings; LF, CR LF and CR alike end a line. A byte that is no text is a lone surrogate.
        encoding: what it was decoded as.
        notes: what was found and done.
        faults: line number, from 1, to what is wrong with its bytes.
        changes: line number to what was done to its text.
        had_returns: whether lines ended in a carriage return, which is LF now also inside cells.
    """

    lines: list[str]
    encoding: str
    notes: list[str] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)
    changes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    had_returns: bool = False


def decode(name: str, data: bytes, encoding: str = "") -> DecodedText:
    """Decode a text file.

    Args:
        name: of the file, for messages.
        data: its bytes.
        encoding: a codec's name; "repair" to read just the lines that are not UTF-8 as Windows-1252; nothing to
            find it out.

    Raises:
        BadInput: it is no text, or the encoding is unknown or doesn't fit.
    """
    _refuse_what_is_no_text(name, data)
    marked = _by_mark(name, data)
    if marked is not None:
        decoded = marked
    elif encoding in ("", REPAIR, "utf-8", "utf8"):
        decoded = _as_utf8(name, data, encoding)
    else:
        decoded = _as_chosen(name, data, encoding)
    decoded.had_returns = b"\r" in data
    _drop_nul(decoded)
    return decoded


def encoding_choices(path: Path | str) -> list[tuple[str, list[str]]]:
    """The encodings a text file may be in, most likely first, with up to three lines each as they would read.

    The lines are those that differ between encodings; personal data in them is masked. Where only some lines
    are not UTF-8, "repair" is among the choices.

    Raises:
        BadInput: there is no such file, or it is no text.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"There is no file {path}. Check the path; it is looked up from {Path.cwd()}.")
    data = read_bytes(path)
    _refuse_what_is_no_text(path.name, data)
    marked = _by_mark(path.name, data)
    if marked is not None:
        return [(marked.encoding, samples(line for line in marked.lines if not line.isascii()))]
    good, bad = _sort_lines(data)
    if not bad:
        return [("utf-8", samples(line.decode("utf-8") for line in good))]
    odd = [data for _, _, data, _ in bad]
    if good:
        return [(REPAIR, samples(line.decode(WINDOWS, "backslashreplace") for line in odd)),
                ("utf-8", samples(line.decode("utf-8", "backslashreplace") for line in odd))]
    return [(choice, samples(line.decode(choice, "backslashreplace") for line in odd)) for choice in _likely(odd)]


def read_bytes(path: Path) -> bytes:
    """The bytes of a text file, if there are not too many.

    Raises:
        BadInput: there are.
    """
    _refuse_size(path.name, path.stat().st_size)
    return path.read_bytes()


def _refuse_size(name: str, size: int) -> None:
    if size > LARGEST_TEXT:
        raise BadInput(f"{name} has {size:,} bytes; at most {LARGEST_TEXT:,} are read at once. Split the file.")


def samples(lines: Iterator[str], count: int = 3) -> list[str]:
    """The first few lines, shortened, personal data masked."""
    found = []
    for line in lines:
        if line.strip() and len(found) < count:
            # The middle of a masked address must not be what is cut.
            found.append(mask(line.strip()[: 10 * LONGEST_SAMPLE])[:LONGEST_SAMPLE])
        if len(found) == count:
            break
    return found


def _refuse_what_is_no_text(name: str, data: bytes) -> None:
    what = next((what for magic, what in MAGIC if data.startswith(magic)), "")
    if PICKLE.match(data):
        what = "a pickle, which could run code when opened and is never opened here"
    if what:
        raise BadInput(
            f"{name} is {what}; under this name only CSV and JSONL text is read. "
            "Give it its right ending, or export it as CSV (UTF-8), and try again."
        )
    _refuse_size(name, len(data))


def _by_mark(name: str, data: bytes) -> DecodedText | None:
    """The text, where a mark at its beginning or the place of its zero bytes says that it is UTF-16 or UTF-32."""
    encoding, how = "", "The file is UTF-16; it was decoded as such."
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        encoding, how = "utf-32", "The file is UTF-32; it was decoded as such."
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif len(data) > 3 and (encoding := _without_mark(data[:4000])):
        how = "The file looks like UTF-16 without a byte order mark; it was decoded as such."
    if not encoding:
        return None
    try:
        return DecodedText(_split(data.decode(encoding)), encoding, [how])
    except UnicodeDecodeError:
        # A file cut in the middle of a character: what is no text becomes U+FFFD, by which its lines are found.
        lines = _split(data.decode(encoding, errors="replace"))
    fault = f"it has bytes that are not {encoding.upper()} text"
    faults = {number: fault for number, line in enumerate(lines, start=1) if "\ufffd" in line}
    return DecodedText(lines, encoding, [how], faults)


def _without_mark(start: bytes) -> str:
    even, odd = start[0::2], start[1::2]
    for zeros, others, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if zeros.count(0) > 0.6 * len(zeros) and others.count(0) < 0.05 * len(others):
            return encoding
    return ""


def _split(text: str) -> list[str]:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _utf8_lines(data: bytes, errors: str) -> list[str]:
    # Line by line: one rare character would make Python hold the whole text in four bytes a character.
    data = data.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return [line.decode("utf-8", errors) for line in data.split(b"\n")]


def _as_utf8(name: str, data: bytes, encoding: str) -> DecodedText:
    notes = []
    if data.startswith(codecs.BOM_UTF8):
        notes.append("The file begins with a byte order mark; it was left out.")
    try:
        return DecodedText(_utf8_lines(data, "strict"), "utf-8", notes)
    except UnicodeDecodeError:
        good, bad = _sort_lines(data)
    if not encoding and not good and not data.startswith(codecs.BOM_UTF8):
        return _as_proposed(name, data, [line for _, _, line, _ in bad])
    text = DecodedText(_utf8_lines(data, "surrogateescape"), "utf-8", notes)
    for number, start, line, fault in bad:
        try:
            if encoding != REPAIR:
                raise fault
            text.lines[number - 1] = line.decode(WINDOWS)
            text.changes[number] = ("bytes that are not UTF-8 read as Windows-1252",)
        except UnicodeDecodeError as error:
            at = start + error.start
            first = f"the first (0x{line[error.start]:02X}) at byte {at:,} of the file"
            text.faults[number] = f"it has bytes that are not UTF-8 text, {first}"
    if text.changes:
        notes.append(f"{len(text.changes)} lines that are not UTF-8 were read as Windows-1252, as you asked.")
    if text.faults:
        notes.append(
            f"{len(text.faults)} lines are not UTF-8 while others are; they were set aside. "
            f"The encoding {REPAIR!r} would read just these as Windows-1252."
        )
    return text


def _sort_lines(data: bytes) -> tuple[list[bytes], list[tuple[int, int, bytes, UnicodeDecodeError]]]:
    """The lines with more than ASCII in them: those that are UTF-8, and (number, start, bytes, error) of the others."""
    good, bad, start = [], [], 0
    for number, ended in enumerate(data.splitlines(keepends=True), start=1):
        if not ended.isascii():
            line = ended.rstrip(b"\r\n")
            try:
                line.decode("utf-8")
                good.append(line)
            except UnicodeDecodeError as error:
                bad.append((number, start, line, error))
        start += len(ended)
    return good, bad


def _as_proposed(name: str, data: bytes, odd: list[bytes]) -> DecodedText:
    for encoding in _likely(odd):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if CONTROL.search(text[:SAMPLE_BYTES]):
            break
        lines = _split(text)
        shown = samples(line for line in lines if not line.isascii())
        note = (
            f"The file is not UTF-8. It was read as {encoding}, which is a guess; its lines then read: "
            + " / ".join(f"“{line}”" for line in shown)
            + ". If that looks wrong, name the encoding when reading the file."
        )
        return DecodedText(lines, encoding, [note])
    raise BadInput(
        f"{name} is not text in UTF-8 or in any other encoding tried, so its rows can't be read. "
        "Open it in the program that wrote it and export it as CSV (UTF-8)."
    )


def _likely(odd: list[bytes]) -> list[str]:
    """Encodings for lines that are not UTF-8, most likely first."""
    from charset_normalizer import from_bytes

    sample = b"\n".join(odd)[:SAMPLE_BYTES]
    matches = from_bytes(sample, cp_isolation=list(CANDIDATES))
    ranked = [match.encoding for match in matches]
    chaos = {match.encoding: match.chaos for match in matches}
    # Among encodings that fit alike, the one that most such files are in.
    if WINDOWS in ranked and chaos[WINDOWS] <= chaos[ranked[0]]:
        ranked.remove(WINDOWS)
        ranked.insert(0, WINDOWS)
    return ranked or [WINDOWS, "latin_1"]


def _as_chosen(name: str, data: bytes, encoding: str) -> DecodedText:
    try:
        b"".decode(encoding)
    except (LookupError, UnicodeError) as error:
        raise BadInput(
            f"There is no text encoding {encoding!r}, so {name} can't be read in it. "
            f"Common ones are utf-8, {', '.join(CANDIDATES[:3])}; {REPAIR!r} mends single lines."
        ) from error
    try:
        return DecodedText(_split(data.decode(encoding)), encoding, [f"The file was read as {encoding}, as you asked."])
    except UnicodeError as error:
        at = f" at byte {error.start:,}" if isinstance(error, UnicodeDecodeError) else ""
        raise BadInput(
            f"{name} is not {encoding}: what stands{at} is no character in it. Choose another encoding; "
            "encoding_choices shows how the file reads in those that are likely."
        ) from error


def _drop_nul(text: DecodedText) -> None:
    found = [number for number, line in enumerate(text.lines, start=1) if "\x00" in line]
    if found:
        text.notes.append("NUL characters were removed.")
    for number in found:
        text.lines[number - 1] = text.lines[number - 1].replace("\x00", "")
        text.changes[number] = (*text.changes.get(number, ()), "NUL characters removed")
