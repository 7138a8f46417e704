"""Hard negatives: text that looks like personal data and is none."""

from __future__ import annotations

import ast
import random
import re
import string
import sysconfig
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path

from stdnum import ean, iban, isbn, luhn
from values import NAMES

# Standard-library modules whose docstrings and code are taken at run time; they differ a little between Python versions.
MODULES = (
    "argparse ast asyncio/base_events asyncio/streams bisect calendar codecs collections/__init__ concurrent/futures/_base configparser "
    "contextlib copy csv ctypes/util dataclasses datetime decimal difflib dis doctest enum fileinput fnmatch fractions functools getopt gettext glob "
    "gzip heapq html/parser http/server inspect ipaddress json/decoder json/encoder locale logging/__init__ logging/handlers mailbox numbers "
    "optparse os pathlib pickle pickletools pkgutil platform pprint profile queue random re/__init__ sched selectors shelve shlex shutil "
    "statistics string subprocess tarfile tempfile textwrap threading timeit tokenize trace traceback turtle typing unittest/case "
    "unittest/mock urllib/parse urllib/request uuid weakref wsgiref/handlers xml/dom/minidom zipfile/__init__ zipfile"
).split()
# A paragraph with an address, an IP number or somebody's name is no negative.
PERSONAL = re.compile(
    r"@|\d+\.\d+\.\d+\.\d+|\bauthor|written by|contributed|thanks|copyright|guido|tim peters|knuth|lundh|raymond|vinay|barry|rossum|"
    r"[0-9a-f]{1,4}::|password|secret|token", re.IGNORECASE
)  # fmt: skip
THINGS = (
    "Newton's second law", "a Mercedes Benz van", "the Dell Latitude", "Jack Daniel's barbecue sauce", "the Casper mattress", "Dr. Martens boots",
    "the Tesla coil", "a Ford Fiesta", "Ben & Jerry's ice cream", "the Markov chain", "Bayes' theorem", "the Fourier transform", "Mont Blanc",
    "Lake Victoria", "the Victoria Line", "San Jose", "Santa Maria", "Saint Lucia", "Washington", "Lincoln", "Charlotte, North Carolina",
    "Paris", "Florence", "Sydney", "Austin", "Jordan", "Georgia", "Chad", "the Harvard Business Review", "Wells Fargo", "Morgan Stanley",
    "Johnson & Johnson", "Hewlett Packard", "Ernst & Young", "Rolls Royce", "Harley Davidson", "Black & Decker", "Procter & Gamble",
    "Red Bull", "Uncle Ben's rice", "Granny Smith apples", "Earl Grey tea", "Caesar salad", "Eggs Benedict", "a Bloody Mary",
    "Big Ben", "Monte Carlo simulation", "Ruby on Rails", "Jenkins", "Grafana", "Kerberos", "Docker Swarm", "Visual Studio", "Apache Kafka",
    "Amazon", "Apple Pay", "Google Maps", "Deutsche Bahn", "Volkswagen Golf", "El Niño", "the Gantt chart", "the Turing test",
    "New Year's Day", "Labor Day", "Good Friday", "Black Friday", "April", "May", "June", "August", "Summer sale", "Will call desk",
)  # fmt: skip
THING_FRAMES = (
    "We discussed {} in the second lesson.", "The shop has {} back in stock.", "{} was mentioned <count> times in the report.",
    "Delivery to {} takes <count> days.", "How does {} compare with the cheaper one?", "Sales of {} rose by <percent>.",
    "{} is not covered by the guarantee.", "Please read the page about {} first.", "In the quiz, {} was the right answer.",
    "Topic: {}", "the new catalogue lists {} under item <number>", "- {}\n- <product>\n- <product>",
)  # fmt: skip
PLAIN = (
    "Dear Sir or Madam, your order <order> left our warehouse on <date>.", "Thank you for your patience. We will get back to you within <count> days.",
    "Reset the router, wait <count> seconds and try again.", "The meeting moved from <date> to <time>.", "Der Vertrag läuft am <date> aus.",
    "La livraison est prévue le <date> avant <time>.", "El pedido <order> está en camino.", "Il rimborso di <price> arriverà entro <count> giorni.",
    "De levering van <product> is vertraagd tot <date>.", "Faktura <order> na kwotę <price> została opłacona.", "A fatura <order> vence em <date>.",
    "Hello there, hope all is well. Best wishes for the holidays.", "Yours faithfully,\nThe Support Team", "Kind regards,\nCustomer Service",
    "Please call our hotline, the number is on the back of the box.", "Enter your e-mail address and a password of at least <count> characters.",
    "Name: ________  Date of birth: ________  Phone: ________", "Field 'IBAN' must not be empty.", "Invalid date of birth.",
    "Ask your manager before you book <product>.", "Our opening hours: Monday to Friday, 9 to 17.", "Chapter <count>: Grace and Hope in Old Songs",
    "The joy of cooking, the art of war, a rose in winter.", "He will mark the faith of the pilgrims.", "The king and the baker met the young smith on the hill.",
)  # fmt: skip
CODE = (
    "password = os.environ[\"DB_PASSWORD\"]", "api_key: ${API_KEY}", "token = get_token()", "password: ********", "@app.route(\"/users/<int:number>\")",
    "@dataclass(frozen=True)", "x = a @ b.T", "git checkout -b feature/<number>", "SELECT name, email, phone FROM customers WHERE id = <number>;",
    "npm install left-pad@<version>", "FROM python:<version>-slim", "image: registry/app@sha256:<hash>", "from typing import Optional",
    "def send_email(to: str, phone: str | None = None) -> None: ...", "assert card_number.isdigit() and len(card_number) == 16",
    "listen 0.0.0.0:<port>;", "server localhost:<port>", "#define MAX_RETRIES <count>", "color: #<hex>;", "std::vector<int> v(<count>);",
    "secret_name: projects/app/secrets/db", "export PATH=$HOME/bin:$PATH", "requires >=<version>,<<version>", "return f\"{first} {last}\"",
)  # fmt: skip


class Fillers:
    """Unlabelled odds and ends for `<thing>` slots: order numbers, dates, prices."""

    def __init__(self, rng: random.Random) -> None:
        self.random = rng

    def fill(self, text: str) -> str:
        """The text with every `<thing>` replaced."""
        return re.sub(r"<(\w+)>", lambda m: getattr(self, m[1])() if hasattr(self, m[1]) else m[0], text)

    def _digits(self, n: int) -> str:
        return "".join(self.random.choices(string.digits, k=n))

    def number(self) -> str:
        """A whole number of four to seven digits."""
        return str(self.random.randrange(1000, 9_999_999))

    def count(self) -> str:
        """A small number."""
        return str(self.random.randrange(2, 90))

    def port(self) -> str:
        """A port."""
        return str(self.random.randrange(1024, 65535))

    def amount(self) -> str:
        """A bare decimal."""
        return f"{self.random.uniform(1, 4000):.2f}"

    def price(self) -> str:
        """An amount with a currency."""
        return self.random.choice(("{} EUR", "€{}", "${}", "£{}", "{} €", "USD {}")).format(self.amount())

    def percent(self) -> str:
        """A percentage."""
        return f"{self.random.uniform(1, 60):.1f} %"

    def order(self) -> str:
        """An order number."""
        return self.random.choice(
            (f"#{self._digits(6)}", f"ORD-{self._digits(8)}", f"2026-{self._digits(7)}", f"A{self._digits(9)}", self._digits(8))
        )

    def sku(self) -> str:
        """A stock number."""
        return f"{''.join(self.random.choices(string.ascii_uppercase, k=3))}-{self._digits(4)}-{self.random.choice('SMLX')}"

    def product(self) -> str:
        """A thing in a shop."""
        return self.random.choice(
            ("a desk lamp", "kettle K-200", "running shoes", "the blue sofa", "two monitors", "a phone case", "garden hose 20 m")
        )

    def version(self) -> str:
        """A version with two to four parts; in four parts one is too large for an IP number."""
        parts = [str(self.random.randrange(0, 30)) for _ in range(self.random.randrange(2, 5))]
        return ".".join(parts if len(parts) < 4 else [*parts[:2], str(self.random.randrange(300, 22000)), parts[3]])

    def date(self) -> str:
        """A date of these years."""
        day, month, year = self.random.randrange(1, 29), self.random.randrange(1, 13), self.random.randrange(2023, 2027)
        return self.random.choice(
            (f"{day:02d}.{month:02d}.{year}", f"{year}-{month:02d}-{day:02d}", f"{day:02d}/{month:02d}/{year}")
        )

    def time(self) -> str:
        """A time of day."""
        return f"{self.random.randrange(6, 22):02d}:{self.random.randrange(60):02d}"

    def year(self) -> str:
        """A year."""
        return str(self.random.randrange(2012, 2026))

    def expiry(self) -> str:
        """Month and year, as on a card."""
        return f"{self.random.randrange(1, 13):02d}/{self.random.randrange(26, 33)}"

    def stamp(self) -> str:
        """A timestamp."""
        return f"2026-{self.random.randrange(1, 13):02d}-{self.random.randrange(1, 29):02d}T{self.time()}:{self.random.randrange(60):02d}Z"

    def country(self) -> str:
        """A country."""
        return self.random.choice(("Germany", "France", "Spain", "Poland", "United Kingdom"))

    def bic(self) -> str:
        """A bank's code: it names a bank, not a person."""
        return self.random.choice(("COBADEFFXXX", "BNPAFRPP", "INGBNL2A", "BARCGB22", "UNCRITMM"))

    def hash(self) -> str:
        """A SHA-256 in hexadecimal."""
        return "".join(self.random.choices("0123456789abcdef", k=64))

    def hex(self) -> str:
        """A colour."""
        return self.hash()[:6]


class Negatives:
    """Makes rows of one kind at a time."""

    def __init__(self, rng: random.Random) -> None:
        self.random, self.fillers = rng, Fillers(rng)
        self._paragraphs, self._lines = (rng.sample(texts, len(texts)) for texts in _library())
        # Kind, its share, its maker.
        self.kinds: tuple[tuple[str, int, Callable[[], str]], ...] = (
            ("docstring", 300, self._paragraphs.pop), ("library code", 130, self._lines.pop), ("thing", 230, self.thing), ("plain", 130, self.plain),
            ("code", 90, self.code), ("order", 60, self.order), ("isbn", 50, self.isbn), ("ean", 50, self.ean), ("uuid", 40, self.uuid),
            ("commit", 40, self.commit), ("version", 50, self.version), ("price", 40, self.price), ("coordinates", 40, self.coordinates),
            ("failing card", 60, self.failing_card), ("failing iban", 60, self.failing_iban), ("maths", 50, self.maths), ("date", 50, self.date),
            ("tracking", 30, self.tracking),
        )  # fmt: skip

    def rows(self) -> list[tuple[str, str]]:
        """All rows as (kind, text)."""
        return [(kind, make()) for kind, share, make in self.kinds for _ in range(share)]

    def _say(self, *frames: str) -> str:
        return self.fillers.fill(self.random.choice(frames))

    def thing(self) -> str:
        """A product, place, company or month that could be somebody's name."""
        return self._say(*THING_FRAMES).replace("{}", self.random.choice(THINGS))

    def plain(self) -> str:
        """Everyday sentences about nobody."""
        return self._say(*PLAIN)

    def code(self) -> str:
        """Lines of code and configuration with cue words in them."""
        return self._say(*CODE)

    def order(self) -> str:
        """Order, invoice and ticket numbers."""
        return self._say(
            "Order <order> has shipped.",
            "invoice no. <order>",
            "Ticket <order> was merged into <order>.",
            "ref: <order>",
            '{"order_id": "<order>", "total": <amount>}',
        )

    def isbn(self) -> str:
        """Valid ISBNs."""
        body = "978" + self.random.choice("013") + self.fillers._digits(8)
        text = isbn.format(body + ean.calc_check_digit(body))
        return self._say("ISBN {}", "The handbook ({}) is out of print.", "isbn={}").replace(
            "{}", self.random.choice((text, text.replace("-", "")))
        )

    def ean(self) -> str:
        """Valid bar codes."""
        body = self.random.choice(("400", "500", "300", "871", "590")) + self.fillers._digits(9)
        return self._say("EAN {}, <count> in stock", "{};<sku>;<amount>", "Barcode: {}", "scan {} twice").replace(
            "{}", body + ean.calc_check_digit(body)
        )

    def uuid(self) -> str:
        """UUIDs."""
        return self._say("request {} failed", '{"trace": "{}"}', "{}").replace(
            "{}", str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        )

    def commit(self) -> str:
        """Git hashes."""
        sha = self.fillers.hash()[:40]
        return self._say("Fixed in {} last week.", "commit {}", "git revert {}").replace("{}", self.random.choice((sha, sha[:8])))

    def version(self) -> str:
        """Version numbers."""
        return self._say(
            "Upgrade to version <version> first.",
            "v<version>",
            "numpy==<version>",
            "Windows 10.0.<port>, build <version>",
            "Section <version> of the manual",
        )

    def price(self) -> str:
        """Prices and tables of amounts."""
        return self._say(
            "Total: <price> incl. VAT",
            "<amount>;<amount>;<amount>;<amount>",
            "From <price> to <price> a month",
            "Revenue 2024: <number> <number> <number>",
        )

    def coordinates(self) -> str:
        """Places on the map."""
        pair = f"{self.random.uniform(-90, 90):.6f}, {self.random.uniform(-180, 180):.6f}"
        return self._say("GPS: {}", "({})", "The station is at {}.", "center = [{}]").replace("{}", pair)

    def failing_card(self) -> str:
        """Sixteen digits that fail Luhn."""
        body = "4" + self.fillers._digits(14)
        wrong = self.random.choice([d for d in string.digits if d != luhn.calc_check_digit(body)])
        text = body + wrong
        spaced = " ".join(text[i : i + 4] for i in range(0, 16, 4))
        return self._say("Serial number {}", "The test number {} is refused.", "{}", "licence {}").replace(
            "{}", self.random.choice((text, spaced))
        )

    def failing_iban(self) -> str:
        """An account number with a wrong checksum."""
        body = self.random.choice((("DE", 18), ("FR", 23), ("ES", 20), ("PL", 24)))
        number = self.fillers._digits(body[1])
        right = iban.calc_check_digits(f"{body[0]}00{number}")
        wrong = f"{(int(right) + self.random.randrange(1, 90)) % 97 + 2:02d}"
        wrong = wrong if wrong != right else f"{int(right) % 97 + 3:02d}"
        text = f"{body[0]}{wrong}{number}"
        return self._say("Part {}", "The sample {} has a wrong check digit.", "code {} not found").replace("{}", text)

    def maths(self) -> str:
        """Sums and formulas."""
        return self._say(
            "What is <number> * <count>? It is about <number>.", "(<count> + <count>) / <count> = <amount>", "f(x) = <count>x^2 - <count>x + <amount>",
            "P(A|B) = 0.<count>, n = <number>", "<number> - <number> = ?", "The mean of <amount>, <amount> and <amount> is <amount>.", "1e-<count> < x < 10^<count>",
        )  # fmt: skip

    def date(self) -> str:
        """Dates of things, not of births."""
        return self._say(
            "Due on <date>.",
            "<stamp>",
            "The contract of <date> ends on <date>.",
            "released: <date>",
            "from <date> <time> to <date> <time>",
        )

    def tracking(self) -> str:
        """Parcel numbers."""
        codes = (
            f"1Z{self.fillers.hash()[:6].upper()}{self.fillers._digits(10)}",
            f"JJD{self.fillers._digits(18)}",
            f"RR{self.fillers._digits(9)}DE",
        )
        return self._say("Track your parcel: {}", "{} is on its way", "shipment={}").replace("{}", self.random.choice(codes))


@cache
def _library() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Paragraphs of docstrings and lines of code of the standard library."""
    names = re.compile(
        r"\b(" + "|".join(sorted({n for c in NAMES.values() for n in c["common"][0] if len(n) > 2})) + r") [A-Z][a-z]+"
    )
    paragraphs, lines = set(), set()
    for module in MODULES:
        path = Path(sysconfig.get_paths()["stdlib"], f"{module}.py")
        if not path.exists():
            continue
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module | ast.AsyncFunctionDef):
                paragraphs |= {" ".join(p.split()) for p in (ast.get_docstring(node) or "").split("\n\n")}
        lines |= {line.strip() for line in source.splitlines() if "#" not in line and '"""' not in line}
    return tuple(
        tuple(sorted(text for text in texts if low <= len(text) <= high and not PERSONAL.search(text) and not names.search(text)))
        for texts, low, high in ((paragraphs, 60, 500), (lines, 35, 120))
    )
