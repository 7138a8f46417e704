"""The price table: what a unit costs, when that held and who says so."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import BadInput
from workbench.project import Project
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

PACKAGED = Path(__file__).with_name("prices.csv")
COLUMNS = ("item", "unit", "price", "currency", "date", "source")
ELECTRICITY, POWER, GPU, PERSON, HOSTING, EMBEDDING = (
    "electricity", "power draw", "rented GPU", "person", "index hosting", "embedding"
)
TOKENS_IN, TOKENS_OUT = "endpoint input", "endpoint output"
UNITS = {
    ELECTRICITY: "kWh", POWER: "W", GPU: "hour", PERSON: "hour", HOSTING: "month", EMBEDDING: "million tokens",
    TOKENS_IN: "million tokens", TOKENS_OUT: "million tokens",
}


@dataclass(frozen=True)
class Price:
    """A row of the price table; without a price, a date and a source it is blank."""

    item: str
    unit: str
    price: float | None
    currency: str
    date: str
    source: str

    @property
    def value(self) -> float | None:
        """The price if it says where it is from and when; else None."""
        return self.price if self.date and self.source else None


@dataclass(frozen=True, repr=False)
class Prices(Result):
    """The price table: one row an item, with unit, currency, date (when the price held or was read) and source."""

    rows: tuple[Price, ...]
    where: str

    @classmethod
    def from_dict(cls, fields: dict) -> Prices:
        """Read the rows back as Price."""
        return cls(tuple(Price(**row) for row in fields["rows"]), fields["where"])

    def __repr__(self) -> str:
        known = sum(row.value is not None for row in self.rows)
        return f"Prices from {self.where}: {known} of {len(self.rows)} rows are filled in"

    def table(self) -> pandas.DataFrame:
        """One row an item, and what keeps a blank one from being used."""
        import pandas

        return pandas.DataFrame([
            {"item": r.item, "unit": r.unit, "price": "" if r.price is None else f"{r.price:g} {r.currency}".strip(),
             "date": r.date, "source": r.source, "used": "yes" if r.value is not None else _why_blank(r)}
            for r in self.rows
        ])

    def price(self, item: str, currency: str, model: str = "") -> float | None:
        """The price of one unit in a currency, None where it is blank or can't be converted.

        Args:
            model: whose own row ("endpoint input: NAME") goes before the general one.
        """
        found = self._row(f"{item}: {model}") or self._row(item) if model else self._row(item)
        if found is None or found.value is None:
            return None
        rate = self._rate(found.currency, currency)
        return None if rate is None else found.value * rate

    def second(self, currency: str, rented: bool) -> float | None:
        """The price of one second of a rented GPU, or of the electricity of this machine."""
        if rented:
            hour = self.price(GPU, currency)
            return None if hour is None else hour / 3600
        kwh, draw = self.price(ELECTRICITY, currency), self._row(POWER)
        return None if kwh is None or draw is None or draw.value is None else kwh * draw.value / 1000 / 3600

    def _row(self, item: str) -> Price | None:
        return next((row for row in self.rows if row.item.casefold() == item.casefold()), None)

    def _rate(self, have: str, want: str) -> float | None:
        if have == want:
            return 1.0
        for source, target, forwards in ((have, want, True), (want, have, False)):
            row = self._row(f"exchange {source}")
            if row and row.value and row.currency == target:
                return row.value if forwards else 1 / row.value
        return None


def _why_blank(row: Price) -> str:
    there = {"price": row.price is not None, "date": row.date, "source": row.source}
    missing = [name for name, given in there.items() if not given]
    return f"no: {', '.join(missing)} missing"


def load_prices(project: Project | None = None) -> Prices:
    """The project's own price table if it was edited, else the packaged one.

    Raises:
        BadInput: the file can't be read; the sentence names the line.
    """
    own = project.path("decide/prices.csv") if project else None
    return read_prices(own, "decide/prices.csv") if own and own.exists() else read_prices(PACKAGED, "the packaged table")


def edit_prices(project: Project) -> Path:
    """The project's own price table, begun as a copy of the packaged one; open it, fill it in, save it as CSV."""
    path = project.path("decide/prices.csv")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGED, path)
    return path


def read_prices(path: Path, where: str) -> Prices:
    """Read a price table: CSV with commas, or with semicolons and decimal commas as spreadsheets save it.

    Raises:
        BadInput: not UTF-8, other columns, or a row that can't be used; the sentence names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8, so prices in it could be misread. Save it as 'CSV UTF-8'.") from error
    delimiter = ";" if ";" in text.split("\n", 1)[0] else ","
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    header = [name.strip().casefold() for name in next(reader, [])]
    if tuple(header) != COLUMNS:
        raise BadInput(
            f"{path}, line 1, has the columns {', '.join(header) or 'none'}; the price table needs {', '.join(COLUMNS)}. "
            "Write that line back, or delete the file to start from the packaged table."
        )
    rows: dict[str, Price] = {}
    for cells in reader:
        if any(cell.strip() for cell in cells):
            row = _read_row(cells, f"{path}, line {reader.line_num}", delimiter)
            if row.item.casefold() in rows:
                raise BadInput(f"{path}, line {reader.line_num}, prices {row.item!r} a second time. Keep one of the two rows.")
            rows[row.item.casefold()] = row
    return Prices(tuple(rows.values()), where)


def _read_row(cells: Sequence[str], at: str, delimiter: str) -> Price:
    if len(cells) != len(COLUMNS):
        raise BadInput(
            f"{at}, has {len(cells)} cells where {len(COLUMNS)} belong. Put a source with commas in quotation marks."
        )
    item, unit, price, currency, date, source = (cell.strip() for cell in cells)
    number = price.replace(",", ".") if delimiter == ";" else price
    if number and not re.fullmatch(r"\d+(\.\d+)?", number):
        raise BadInput(f"{at}, has the price {price!r}, which is not a number from 0. Write it like 0.29, or leave it blank.")
    kind = item.split(":")[0].casefold()
    if (wanted := next((counted for name, counted in UNITS.items() if name.casefold() == kind), unit)) != unit:
        raise BadInput(
            f"{at}, prices {item!r} per {unit!r}, but it is counted per {wanted!r}. Convert the price and write that unit."
        )
    if number and item != POWER and not re.fullmatch(r"[A-Z]{3}", currency):
        raise BadInput(
            f"{at}, has the currency {currency!r}. Write its three letters, such as EUR, so that prices can be added up."
        )
    if date and not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", date):
        raise BadInput(f"{at}, has the date {date!r}. Write it like 2026-11-24, 2026-11 or 2026.")
    return Price(item, unit, float(number) if number else None, currency, date, source)
