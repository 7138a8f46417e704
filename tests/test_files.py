"""Files are written whole or not at all, hold strict JSON, and are read line by line at LF only."""

import hashlib
import json
import os

import pytest

from workbench.errors import BadInput
from workbench.files import file_sha256, fingerprint, read_json, read_jsonl, write_json, write_jsonl, write_text


def stop(*args):
    raise KeyboardInterrupt


def test_an_interrupted_write_leaves_the_old_file_and_no_leftover(tmp_path, monkeypatch):
    path = write_text(tmp_path / "result.json", "old")
    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_text(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_text_that_can_not_be_encoded_leaves_the_old_file_and_no_leftover(tmp_path):
    path = write_text(tmp_path / "result.json", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half a character: \ud800")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_rows_that_fail_half_way_leave_the_old_file(tmp_path):
    path = write_jsonl(tmp_path / "rows.jsonl", [{"a": 1}])

    def rows():
        yield {"a": 2}
        raise RuntimeError("the source broke off")

    with pytest.raises(RuntimeError):
        write_jsonl(path, rows())
    assert list(read_jsonl(path)) == [{"a": 1}]


def test_folders_on_the_way_are_made(tmp_path):
    assert write_text(tmp_path / "a" / "b" / "c.txt", "x").read_text(encoding="utf-8") == "x"


def test_lines_end_with_lf_on_every_system(tmp_path):
    assert write_text(tmp_path / "a.txt", "one\ntwo\n").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_json_are_refused(tmp_path, number):
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"x": number})
    with pytest.raises(ValueError):
        write_jsonl(tmp_path / "a.jsonl", [{"x": number}])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\r", "\r\n", "\n"])
def test_line_separators_inside_a_text_survive(tmp_path, separator):
    rows = [{"text": f"before{separator}after"}, {"text": "second row"}]
    assert list(read_jsonl(write_jsonl(tmp_path / "a.jsonl", rows))) == rows


def test_text_is_stored_as_utf_8_and_readable(tmp_path):
    path = write_json(tmp_path / "a.json", {"word": "Größe 日本"})
    assert "Größe 日本".encode() in path.read_bytes()
    assert read_json(path) == {"word": "Größe 日本"}


@pytest.mark.parametrize("damaged", [b'{"a": 1', b"", b"\xff\xfe\x00"])
def test_a_damaged_json_file_is_refused_by_name(tmp_path, damaged):
    path = tmp_path / "verdict.json"
    path.write_bytes(damaged)
    with pytest.raises(BadInput, match="verdict.json"):
        read_json(path)


def test_a_damaged_jsonl_file_is_refused_by_name(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text('{"a": 1}\n{"a": 2', encoding="utf-8")
    with pytest.raises(BadInput, match="train.jsonl"):
        list(read_jsonl(path))


def test_a_fingerprint_is_the_start_of_the_sha_256_of_sorted_json():
    text = json.dumps({"a": [1, "ö"], "b": None}, ensure_ascii=False, sort_keys=True)
    expected = hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
    assert fingerprint({"b": None, "a": [1, "ö"]}) == expected


@pytest.mark.parametrize("other", [{"a": 2}, {"a": "1"}, {"b": 1}, {"a": 1, "b": 1}, [1], "a"])
def test_other_values_have_other_fingerprints(other):
    assert fingerprint(other) != fingerprint({"a": 1})


def test_half_a_character_has_a_fingerprint_too():
    assert fingerprint(["\ud800"]) != fingerprint(["\ud801"])


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"a\r\nb\x00")
    assert file_sha256(tmp_path / "a.bin") == hashlib.sha256(b"a\r\nb\x00").hexdigest()
