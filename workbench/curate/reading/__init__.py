"""Read files that nobody prepared: keep the good rows, set the bad ones aside with a reason."""

from workbench.curate.reading.documents import Document, Documents, read_documents
from workbench.curate.reading.examples import Origin, to_dataset, unknown_roles
from workbench.curate.reading.exporting import Exported, save_training_rows, to_csv, to_training_rows
from workbench.curate.reading.files import read_file, read_source
from workbench.curate.reading.shapes import ColumnGuess, guess_columns
from workbench.curate.reading.table import Quarantine, QuarantinedRow, RawTable
from workbench.curate.reading.text import encoding_choices

__all__ = [
    "ColumnGuess", "Document", "Documents", "Exported", "Origin", "Quarantine", "QuarantinedRow", "RawTable",
    "encoding_choices", "guess_columns", "read_documents", "read_file", "read_source", "save_training_rows",
    "to_csv", "to_dataset", "to_training_rows", "unknown_roles",
]  # fmt: skip
