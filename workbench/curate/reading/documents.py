"""A folder or archive of .md, .txt and .pdf files: documents to look answers up in."""

from __future__ import annotations

import hashlib
import io
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from workbench.curate.reading.archives import is_archive, members
from workbench.curate.reading.table import QuarantinedRow, printable
from workbench.curate.reading.text import decode
from workbench.errors import BadInput
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

TEXTS, PDF = (".md", ".txt"), ".pdf"
LARGEST_DOCUMENT = 50_000_000
LARGEST_CONTENT = 500_000_000
LONGEST_TEXT = 5_000_000
MOST_DOCUMENTS = 5_000
MOST_PAGES = 2_000


@dataclass(frozen=True)
class Document:
    """One document.

    Attributes:
        name: its path in the folder or archive.
        text: what stands in it; the pages of a PDF follow one another with a blank line between.
        sha256: of its file.
        pages: of a PDF; 0 for text.
        notes: what was found and done.
    """

    name: str
    text: str
    sha256: str
    pages: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Documents(Result):
    """The documents of a folder, in order of their names.

    Attributes:
        folder: its name.
        documents: those that could be read.
        quarantine: files that couldn't, with reasons.
        notes: what was left alone.
    """

    folder: str
    documents: tuple[Document, ...]
    quarantine: tuple[QuarantinedRow, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the documents back."""
        documents = tuple(Document(**{**d, "notes": tuple(d["notes"])}) for d in fields["documents"])
        quarantine = tuple(QuarantinedRow(**row) for row in fields["quarantine"])
        return cls(fields["folder"], documents, quarantine, tuple(fields["notes"]))

    def __len__(self) -> int:
        return len(self.documents)

    def __iter__(self) -> Iterator[Document]:
        return iter(self.documents)

    def __repr__(self) -> str:
        return f"{self.folder}: {len(self)} documents read, {len(self.quarantine)} set aside"

    def table(self) -> pandas.DataFrame:
        """One row a document, then one a file set aside; none of their text."""
        import pandas

        rows = [(d.name, len(d.text), d.pages or None, " ".join(d.notes)) for d in self.documents]
        rows += [(q.file, None, None, f"set aside: {q.reason}") for q in self.quarantine]
        return pandas.DataFrame(rows, columns=["document", "characters", "pages", "notes"], dtype=object)


def read_documents(folder: Path | str) -> Documents:
    """Read the .md, .txt and .pdf files of a folder and of those below it, or of a zip or tar file.

    Raises:
        BadInput: there is no such folder, no document in it, or more than can be read.
    """
    folder = Path(folder)
    if not folder.is_dir() and not (folder.is_file() and is_archive(folder)):
        raise BadInput(
            f"There is no folder, zip or tar file {folder}. Check the path; it is looked up from {Path.cwd()}."
        )
    documents, quarantine, notes = [], [], []
    size = 0
    for name, data, fault in _files(folder, notes):
        size += len(data)
        if len(documents) + len(quarantine) >= MOST_DOCUMENTS or size > LARGEST_CONTENT:
            raise BadInput(
                f"{folder.name} has more than {MOST_DOCUMENTS:,} documents or {LARGEST_CONTENT:,} bytes of them; "
                "so many are not read at once. Choose a folder with those that matter."
            )
        try:
            if fault:
                raise BadInput(fault)
            documents.append(_document(name, data))
        except BadInput as error:
            quarantine.append(QuarantinedRow(printable(name), 0, str(error), ""))
    if not documents:
        first = next((f" The first of {len(quarantine)} set aside, {q.file}: {q.reason}." for q in quarantine), "")
        raise BadInput(f"{folder.name} has no document that can be read; read are .md, .txt and .pdf.{first}")
    return Documents(folder.name, tuple(documents), tuple(quarantine), tuple(notes))


def _is_document(name: str) -> bool:
    return name.lower().endswith((*TEXTS, PDF))


def _files(folder: Path, notes: list[str]) -> Iterator[tuple[str, bytes, str]]:
    """Yield (name, bytes, what is wrong with it) of each document."""
    if is_archive(folder) and folder.is_file():
        for name, data in sorted(members(folder, _is_document)):
            yield name, data, _too_large(len(data))
        return
    root, others = folder.resolve(), 0
    for path, is_link_to_folder in _walk(folder):
        name = path.relative_to(folder).as_posix()
        if is_link_to_folder or not path.resolve().is_relative_to(root):
            yield name, b"", "it is a link that leads out of the folder or to another one; such links are not followed"
        elif not _is_document(name):
            others += 1
        else:
            fault = _too_large(path.stat().st_size) if path.is_file() else "it is no ordinary file"
            yield name, b"" if fault else path.read_bytes(), fault
    if others:
        notes.append(f"{others} files that are not .md, .txt or .pdf were left alone.")


def _walk(folder: Path) -> Iterator[tuple[Path, bool]]:
    for here, below, files in os.walk(folder, followlinks=False):
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield from ((Path(here, name), True) for name in below if Path(here, name).is_symlink())
        yield from ((Path(here, name), False) for name in sorted(files) if not name.startswith("."))


def _too_large(size: int) -> str:
    return f"it has {size:,} bytes; at most {LARGEST_DOCUMENT:,} are read" if size > LARGEST_DOCUMENT else ""


def _document(name: str, data: bytes) -> Document:
    is_pdf = name.lower().endswith(PDF)
    text, pages, notes = _pdf_text(data) if is_pdf else _plain_text(name, data)
    if not text.strip():
        raise BadInput("it has no text layer: its pages are pictures, which are not read" if is_pdf else "it is empty")
    if len(text) > LONGEST_TEXT:
        raise BadInput(f"it has {len(text):,} characters; at most {LONGEST_TEXT:,} are read")
    return Document(printable(name), printable(text), hashlib.sha256(data).hexdigest(), pages, tuple(notes))


def _plain_text(name: str, data: bytes) -> tuple[str, int, list[str]]:
    text = decode(name, data)
    if text.faults:
        raise BadInput(f"line {min(text.faults)}: {text.faults[min(text.faults)]}")
    return "\n".join(text.lines), 0, text.notes


def _pdf_text(data: bytes) -> tuple[str, int, list[str]]:
    import pypdf

    if not data.lstrip()[:5] == b"%PDF-":
        raise BadInput("it is no PDF, whatever its name says")
    # Its warnings repeat pieces of the file, and what stands in a document belongs in no log.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise BadInput("it is protected by a password")
        pages = len(reader.pages)
        if pages > MOST_PAGES:
            raise BadInput(f"it has {pages:,} pages; at most {MOST_PAGES:,} are read")
        texts = _page_texts(reader)
    except BadInput:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged PDF raises whatever its parser stumbles on
        raise BadInput(f"it is a damaged PDF ({type(error).__name__})") from error
    bare = [str(number) for number, text in enumerate(texts, start=1) if not text]
    notes = [f"Pages without a text layer, of which nothing was read: {', '.join(bare[:20])}."] if bare else []
    return "\n\n".join(text for text in texts if text), pages, notes


def _page_texts(reader: object) -> list[str]:
    texts, length = [], 0
    for page in reader.pages:
        texts.append((page.extract_text() or "").replace("\x00", "").strip())
        length += len(texts[-1])
        if length > LONGEST_TEXT:
            raise BadInput(f"it has more than {LONGEST_TEXT:,} characters; so many are not read")
    return texts
