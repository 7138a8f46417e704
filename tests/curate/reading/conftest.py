"""Files written on the spot and read with the workbench."""

import pytest

from workbench.curate.reading import read_file


@pytest.fixture
def read(tmp_path):
    """Write a file and read it with the workbench."""

    def write_and_read(content, name="rows.csv", **how):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return read_file(path, **how)

    return write_and_read
