"""Build the notebooks from their text: notebooks/src/NAME.py becomes notebooks/NAME.ipynb.

Edit the files in src/, run `python notebooks/build.py`, commit both. The build is one way: no output,
no widget state, and cell ids made from position and text, so that a rebuild changes nothing by itself.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

HERE = Path(__file__).parent
# The one set-up cell, the same in every notebook: it finds run.py above it and installs nothing
# where nothing is missing.
BOOTSTRAP = """\
# Set-up. Installs nothing where nothing is missing.
import sys, pathlib
here = pathlib.Path.cwd()
sys.path.insert(0, str(next(p for p in [here, *here.parents] if (p / "run.py").is_file())))
import run; run.bootstrap()"""


def build(source: str) -> str:
    """The notebook's JSON for a text in percent format."""
    import jupytext
    import nbformat

    notebook = jupytext.reads(source, fmt="py:percent")
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    notebook.cells.insert(1, nbformat.v4.new_code_cell(BOOTSTRAP))
    for position, cell in enumerate(notebook.cells):
        cell["id"] = hashlib.sha256(f"{position}:{cell.source}".encode()).hexdigest()[:8]
        cell.metadata = nbformat.from_dict({})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return nbformat.writes(notebook) + "\n"


def main() -> None:
    """Write every notebook."""
    for path in sorted((HERE / "src").glob("*.py")):
        target = HERE / f"{path.stem}.ipynb"
        target.write_text(build(path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
