"""Documents to look answers up in: text and PDF, whole or set aside with a reason."""

import zipfile

import pypdf
import pytest
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from workbench.curate.reading import Documents, documents, read_documents
from workbench.errors import BadInput
from workbench.files import file_sha256


def write_pdf(path, *pages, password=""):
    """A PDF whose pages say the given texts; a page of nothing is like a scanned one."""
    writer = pypdf.PdfWriter()
    for text in pages:
        page = writer.add_blank_page(200, 200)
        font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
                                 NameObject("/BaseFont"): NameObject("/Helvetica")})  # fmt: skip
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})})
        content = DecodedStreamObject()
        content.set_data(f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode() if text else b"")
        page[NameObject("/Contents")] = writer._add_object(content)
    if password:
        writer.encrypt(password)
    writer.write(path)


def reasons(found):
    return {row.file: row.reason for row in found.quarantine}


def test_text_and_pdf_are_read_with_their_hash_in_order_of_names(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "a.md").write_bytes("# Größe\r\n\r\nText\r\n".encode("utf-8-sig"))
    (tmp_path / "b" / "c.TXT").write_text("plain", encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"x")
    (tmp_path / ".hidden.md").write_text("x", encoding="utf-8")
    write_pdf(tmp_path / "d.pdf", "First page", "", "Third page")
    found = read_documents(tmp_path)
    assert [(d.name, d.text, d.pages) for d in found] == [
        ("a.md", "# Größe\n\nText\n", 0), ("d.pdf", "First page\n\nThird page", 3), ("b/c.TXT", "plain", 0)
    ]  # fmt: skip
    assert found.documents[0].sha256 == file_sha256(tmp_path / "a.md")
    assert "without a text layer" in found.documents[1].notes[0] and found.documents[1].notes[0].endswith("2.")
    assert found.notes == ("1 files that are not .md, .txt or .pdf were left alone.",)


def test_a_file_that_can_not_be_read_is_set_aside_with_its_reason(tmp_path):
    (tmp_path / "good.md").write_text("x", encoding="utf-8")
    (tmp_path / "empty.md").write_text(" \n", encoding="utf-8")
    (tmp_path / "mixed.txt").write_bytes("Größe\n".encode() + b"caf\xe9\n")
    (tmp_path / "zip.txt").write_bytes(b"PK\x03\x04")
    (tmp_path / "text.pdf").write_text("no pdf", encoding="utf-8")
    (tmp_path / "cut.pdf").write_bytes(b"%PDF-1.7\nrubbish")
    write_pdf(tmp_path / "scan.pdf", "", "")
    write_pdf(tmp_path / "locked.pdf", "secret", password="p")
    found = reasons(read_documents(tmp_path))
    expected = {"empty.md": "it is empty", "mixed.txt": "line 2: it has bytes", "zip.txt": "zip", "text.pdf": "it is no PDF",
                "cut.pdf": "damaged PDF", "scan.pdf": "no text layer", "locked.pdf": "password"}  # fmt: skip
    assert set(found) == set(expected) and all(words in found[name] for name, words in expected.items())


def test_links_that_leave_the_folder_are_not_followed(tmp_path):
    folder, outside = tmp_path / "docs", tmp_path / "outside"
    folder.mkdir(), outside.mkdir()
    (outside / "secret.md").write_text("secret", encoding="utf-8")
    (folder / "own.md").write_text("own", encoding="utf-8")
    (folder / "twin.md").symlink_to(folder / "own.md")
    (folder / "link.md").symlink_to(outside / "secret.md")
    (folder / "below").symlink_to(outside)
    found = read_documents(folder)
    assert [d.text for d in found] == ["own", "own"] and set(reasons(found)) == {"link.md", "below"}


def test_what_is_too_large_is_set_aside_and_too_much_is_refused(tmp_path, monkeypatch):
    write_pdf(tmp_path / "long.pdf", "a", "b", "c")
    (tmp_path / "large.md").write_text("x" * 5_000, encoding="utf-8")
    (tmp_path / "good.md").write_text("x", encoding="utf-8")
    monkeypatch.setattr(documents, "MOST_PAGES", 2)
    monkeypatch.setattr(documents, "LARGEST_DOCUMENT", 4_000)
    assert "3 pages" in reasons(read_documents(tmp_path))["long.pdf"] and "5,000 bytes" in reasons(read_documents(tmp_path))["large.md"]
    monkeypatch.setattr(documents, "MOST_DOCUMENTS", 2)
    with pytest.raises(BadInput, match="more than 2 documents"):
        read_documents(tmp_path)


def test_a_folder_without_documents_and_none_at_all_are_refused(tmp_path):
    with pytest.raises(BadInput, match="no document that can be read"):
        read_documents(tmp_path)
    with pytest.raises(BadInput, match="looked up from"):
        read_documents(tmp_path / "none")


def test_documents_of_an_archive_are_those_of_the_folder_and_survive_saving(tmp_path):
    write_pdf(tmp_path / "a.pdf", "A page")
    with zipfile.ZipFile(tmp_path / "docs.zip", "w") as archive:
        archive.write(tmp_path / "a.pdf", "sub/a.pdf")
        archive.writestr("b.md", "<b>text</b>")
    found = read_documents(tmp_path / "docs.zip")
    assert [(d.name, d.text) for d in found] == [("b.md", "<b>text</b>"), ("sub/a.pdf", "A page")]
    assert Documents.load(found.save(tmp_path / "documents.json")) == found
    assert "2 documents" in repr(found) and "<b>" not in found._repr_html_()
