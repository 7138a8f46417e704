"""Made-up personal values: every number has a valid checksum, and none is known to belong to anybody."""

from __future__ import annotations

import json
import random
import string
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from unicodedata import normalize

import phonenumbers
from stdnum import iban, luhn
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.iso7064 import mod_11_10
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.us import ssn

try:
    from faker import Faker
except ImportError as missing:
    raise ImportError(
        "The evaluation set takes addresses, IBANs and some phone numbers from Faker, which is not installed. "
        "It is needed by this benchmark only: pip install Faker"
    ) from missing

NAMES = json.loads(Path(__file__).with_name("names.json").read_text(encoding="utf-8"))["countries"]
LOCALES = {
    "en": ("en_US", "en_GB"), "de": ("de_DE",), "fr": ("fr_FR",), "es": ("es_ES",), "it": ("it_IT",), "nl": ("nl_NL",),
    "pl": ("pl_PL",), "pt": ("pt_PT", "pt_BR"),
}  # fmt: skip
HOMES = {
    "en": ("US", "GB"), "de": ("DE", "AT"), "fr": ("FR",), "es": ("ES", "MX"), "it": ("IT",), "nl": ("NL",), "pl": ("PL",), "pt": ("PT", "BR"),
}  # fmt: skip
DOMAINS = {
    "en": "mailbox.org northfield.co.uk quickpost.com brightwell.io harbour-lane.net oakridge.edu", "de": "postfach.de nordwerk.de mail-haus.de",
    "fr": "courrier.fr atelier-sud.fr", "es": "correo.es casaverde.es", "it": "lettera.it studio-blu.it", "nl": "brievenbus.nl",
    "pl": "skrzynka.pl poczta-nowa.pl", "pt": "carteiro.pt caixa.com.br",
}  # fmt: skip
BANKS = ("GB", "DE", "FR", "ES", "IT", "NL", "PL", "PT", "AT", "CH")
BANK_LOCALES = {
    "GB": "en_GB", "DE": "de_DE", "FR": "fr_FR", "ES": "es_ES", "IT": "it_IT", "NL": "nl_NL", "PL": "pl_PL", "PT": "pt_PT", "AT": "de_AT",
    "CH": "de_CH",
}  # fmt: skip
# Prefix, how many random characters follow, of which alphabet (letters and digits where empty).
VENDOR_KEYS = (
    ("AKIA", 16, string.ascii_uppercase + "234567"), ("ghp_", 36, ""), ("gho_", 36, ""), ("github_pat_", 82, ""), ("glpat-", 20, ""),
    ("sk-proj-", 74, ""), ("sk-ant-api03-", 93, ""), ("hf_", 34, string.ascii_letters), ("AIza", 35, ""), ("sk_live_", 24, ""),
    ("rk_live_", 24, ""), ("npm_", 36, ""), ("pypi-AgEIcHlwaS5vcmc", 120, ""), ("dop_v1_", 64, "0123456789abcdef"),
    ("shpat_", 32, "0123456789abcdef"), ("lin_api_", 40, ""), ("key-", 32, "0123456789abcdef"),
)  # fmt: skip
WORDS = "tulip anchor pepper lantern rocket meadow falcon biscuit copper violin harbor saddle".split()


class Values:
    """Draws values for one language at a time, from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.language = "en"
        self._fakers: dict[str, Faker] = {}
        self._seed = seed
        self.makers: dict[str, Callable[[str], str]] = {
            "PERSON": self.person, "EMAIL": self.email, "PHONE": self.phone, "IBAN": self.iban, "CARD": self.card, "IP": self.ip,
            "NATIONAL_ID": self.national_id, "ADDRESS": self.address, "BIRTH_DATE": self.birth_date, "SECRET": self.secret,
        }  # fmt: skip

    def digits(self, n: int) -> str:
        """`n` random digits."""
        return "".join(self.random.choices(string.digits, k=n))

    def letters(self, n: int, alphabet: str = string.ascii_letters + string.digits) -> str:
        """`n` random characters of an alphabet."""
        return "".join(self.random.choices(alphabet, k=n))

    def faker(self, locale: str = "") -> Faker:
        """The Faker of a locale, by default of one where the language is spoken."""
        locale = locale or self.random.choice(LOCALES[self.language])
        if locale not in self._fakers:
            self._fakers[locale] = Faker(locale)
            self._fakers[locale].seed_instance(f"{self._seed} {locale}")
        return self._fakers[locale]

    # --- people -----------------------------------------------------------------------------------------------

    def name(self) -> tuple[str, str]:
        """First name and surname, of one country: three times in four one where the language is at home."""
        home = self.random.random() < 0.75
        country = NAMES[self.random.choice(HOMES[self.language] if home else sorted(NAMES))]
        kinds = [kind for kind in ("common", "listed") if country[kind][0]]
        first, last = (self.random.choice(country[self.random.choice(kinds)][part]) for part in (0, 1))
        if self.language == "nl" and self.random.random() < 0.3:
            last = f"{self.random.choice(('van', 'de', 'van der', 'van den'))} {last}"
        return first, last

    def person(self, form: str) -> str:
        """A name as people write it: `form` asks for one way, otherwise one is drawn."""
        first, last = self.name()
        if form in ("", "upper", "lower", "escaped"):
            pick = self.random.random()
            if pick < 0.08:
                last = f"{last}{' ' if self.language in ('es', 'pt') else '-'}{self.name()[1]}"
            elif pick < 0.14:
                first = f"{first} {self.random.choice(string.ascii_uppercase[:22])}."
            elif pick < 0.19:
                first = f"{first} {self.name()[0]}"
            elif pick < 0.25 and not form:
                first = f"{first[0]}."
        full = f"{first} {last}"
        forms = {
            "first": first, "last": last, "first_lower": first.lower(), "lower": full.lower(), "upper": full.upper(),
            "last_first": f"{last}, {first}", "initial": f"{first[0]}. {last}", "escaped": json.dumps(full)[1:-1],
        }  # fmt: skip
        return forms.get(form, full)

    def birth_date(self, form: str) -> str:
        """A date between 1935 and 2006, in one of the ways the language writes dates."""
        born = date(1935, 1, 1) + timedelta(days=self.random.randrange(26000))
        months = {
            "en": "January February March April May June July August September October November December",
            "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
            "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        }.get(self.language)
        ways = {
            "en": ["%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y"],
            "de": ["%d.%m.%Y", "%d.%m.%y"],
            "nl": ["%d-%m-%Y"],
            "pl": ["%d.%m.%Y"],
        }
        ways = ways.get(self.language, ["%d/%m/%Y"]) + ["%Y-%m-%d"]
        if months and form != "iso" and self.random.random() < 0.35:
            month = months.split()[born.month - 1]
            styles = {
                "en": (f"{month} {born.day}, {born.year}", f"{born.day} {month} {born.year}"),
                "de": (f"{born.day}. {month} {born.year}",),
            }
            return self.random.choice(styles.get(self.language, (f"{born.day} {month} {born.year}",)))
        return born.strftime("%Y-%m-%d" if form == "iso" else self.random.choice(ways))

    def address(self, form: str) -> str:
        """Street, postcode and town on one line; `lines` on several, `street` the street only."""
        faker = self.faker()
        street, code, town = faker.street_address().replace("\n", ", "), faker.postcode(), faker.city()
        if faker.locales == ["en_US"]:
            parts = [street, f"{town}, {faker.state_abbr()} {code}"]
        elif faker.locales == ["en_GB"]:
            parts = [street, town, code]
        else:
            parts = [street, f"{code} {town}"]
        if form == "street":
            return street
        line = ("\n" if form == "lines" else ", ").join(parts)
        return line.lower() if form == "lower" else line

    # --- contact ----------------------------------------------------------------------------------------------

    def email(self, form: str) -> str:
        """An address with or without the person's name in it; `obfuscated` as people hide it from robots."""
        first, last = (_ascii(part) for part in self.name())
        year, domain = self.random.randrange(50, 100), self.random.choice(DOMAINS[self.language].split())
        local = self.random.choice(
            (f"{first}.{last}", f"{first[0]}{last}", f"{first}{year}", f"{last}_{first}", f"{first}.{last}+shop", f"{self.random.choice(WORDS)}{year}",
             f"{first}-{last}")
        )  # fmt: skip
        if form == "upper":
            return f"{local}@{domain}".upper()
        if form != "obfuscated":
            return f"{local}@{domain}"
        at, dot = self.random.choice(
            ((" at ", " dot "), (" [at] ", " [dot] "), ("(at)", "."), (" (at) ", " (dot) "), (" AT ", " DOT "), ("[at]", "."))
        )
        return f"{local.replace('.', dot) if ' dot' in dot else local}{at}{domain.replace('.', dot)}"

    def phone(self, form: str) -> str:
        """A valid number of a country where the language is spoken, national or international."""
        several = {"en": ("US", "GB", "US", "GB", "IE", "AU"), "pt": ("PT", "BR"), "de": ("DE", "DE", "AT", "CH")}
        region = self.random.choice(several.get(self.language, (self.language.upper(),)))
        if not form and region not in ("IE", "AU", "AT", "CH") and self.random.random() < 0.3:
            for _ in range(50):
                text = self.faker().phone_number()
                if _valid(text, region):
                    return text
        number = self._number(region)
        national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        abroad = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        code = f"+{number.country_code}"
        if form == "plain":
            return "".join(c for c in national if c.isdigit())
        if form == "extension":
            return f"{self.random.choice((national, abroad))} {self.random.choice(('ext. ', 'x', 'extension ', 'ext '))}{self.digits(3)}"
        ways = (
            national, national, abroad, abroad, abroad.replace(" ", ""), abroad.replace(code, "00" + code[1:]), national.replace(" ", "-"),
            national.replace("-", ".").replace(" ", "."), abroad.replace(code + " ", f"({code}) "), abroad.replace(" ", "\u00a0"),
            "".join(c for c in national if c.isdigit()),
        )  # fmt: skip
        return self.random.choice(ways)

    def _number(self, region: str) -> phonenumbers.PhoneNumber:
        kind = self.random.choice((phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE))
        sample = phonenumbers.example_number_for_type(region, kind)
        stem = phonenumbers.national_significant_number(sample)
        while True:
            number = phonenumbers.parse(stem[:-6] + self.digits(6), region)
            if phonenumbers.is_valid_number(number):
                return number

    def ip(self, form: str) -> str:
        """A public address, one in five of version 6."""
        if form != "six" and self.random.random() < 0.8:
            return self.faker("en_US").ipv4_public()
        groups = [
            self.random.choice(("2400", "2600", "2a02", "2a01", "2003")),
            *(self.letters(self.random.randrange(2, 5), "123456789abcdef") for _ in range(7)),
        ]
        return (
            ":".join(groups)
            if self.random.random() < 0.5
            else f"{':'.join(groups[:4])}::{':'.join(groups[-self.random.randrange(1, 4) :])}"
        )

    # --- numbers ----------------------------------------------------------------------------------------------

    def iban(self, form: str) -> str:
        """A valid IBAN, of the language's country more often than not; spaced in fours or not."""
        home = {"en": "GB"}.get(self.language, self.language.upper())
        faker = self.faker(BANK_LOCALES[home if self.random.random() < 0.6 else self.random.choice(BANKS)])
        text = faker.iban()
        while not iban.is_valid(text):
            text = faker.iban()
        if form == "plain":
            return text
        gap = " " if form == "spaced" else self.random.choice(("", "", " ", " ", " ", "\u00a0", "-"))
        return gap.join(text[i : i + 4] for i in range(0, len(text), 4))

    def card(self, form: str) -> str:
        """A card number that passes Luhn, of four brands."""
        prefix, length = self.random.choice(
            (("4", 16), ("4", 16), (f"5{self.random.randrange(1, 6)}", 16), ("37", 15), ("34", 15), ("6011", 16))
        )
        body = prefix + self.digits(length - len(prefix) - 1)
        text = body + luhn.calc_check_digit(body)
        gap = "" if form == "plain" else self.random.choice(("", " ", " ", "-"))
        cuts = (0, 4, 10, 15) if length == 15 else (0, 4, 8, 12, 16)
        return gap.join(text[a:b] for a, b in zip(cuts, cuts[1:], strict=False))

    def national_id(self, form: str) -> str:
        """A number the state gives to a person, valid for the language's country (for English one of three)."""
        kinds = {
            "en": ("ssn", "nino", "nhs"),
            "de": ("steuer_id",),
            "fr": ("nir",),
            "es": ("dni", "dni", "nie"),
            "it": ("codice_fiscale",),
            "nl": ("bsn",),
        }
        kind = form or self.random.choice(kinds.get(self.language, ("pesel",)))
        return getattr(self, f"_{kind}")()

    def _until(self, make: Callable[[], str], valid: Callable[[str], bool]) -> str:
        while not valid(text := make()):
            pass
        return text

    def _ssn(self) -> str:
        return self._until(lambda: f"{self.digits(3)}-{self.digits(2)}-{self.digits(4)}", ssn.is_valid)

    def _nino(self) -> str:
        bare = self.letters(1, "ABCEGHJKLMNPRSTWXYZ") + self.letters(1, "ABCEGHJKLMNPRSTWXYZ")
        bare = "JC" if bare in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ") else bare
        pairs = [bare, self.digits(2), self.digits(2), self.digits(2), self.letters(1, "ABCD")]
        return self.random.choice(("", " ")).join(pairs)

    def _nhs(self) -> str:
        text = self._until(lambda: self.digits(10), lambda t: nhs.is_valid(t) and t[0] in "4679")
        return self.random.choice((text, nhs.format(text)))

    def _steuer_id(self) -> str:
        def make() -> str:
            ten = self.random.sample(string.digits, 9)
            ten.insert(self.random.randrange(1, 10), self.random.choice(ten))
            return "".join(ten) + mod_11_10.calc_check_digit("".join(ten))

        text = self._until(make, idnr.is_valid)
        return self.random.choice((text, f"{text[:2]} {text[2:5]} {text[5:8]} {text[8:]}"))

    def _nir(self) -> str:
        town = f"{self.random.randrange(1, 96):02d}{self.random.randrange(1, 600):03d}"
        body = f"{self.random.randrange(1, 3)}{self.digits(2)}{self.random.randrange(1, 13):02d}{town}{self.random.randrange(1, 1000):03d}"
        text = body + nir.calc_check_digits(body)
        return self.random.choice((text, nir.format(text)))

    def _dni(self) -> str:
        number = self.digits(8)
        return self.random.choice((number + dni.calc_check_digit(number), f"{number}-{dni.calc_check_digit(number)}"))

    def _nie(self) -> str:
        number = self.letters(1, "XYZ") + self.digits(7)
        return number + nie.calc_check_digit(number)

    def _codice_fiscale(self) -> str:
        day = self.random.randrange(1, 29) + self.random.choice((0, 40))
        born = f"{self.random.randrange(40, 99)}{self.letters(1, 'ABCDEHLMPRST')}{day:02d}"
        body = f"{self.letters(6, 'BCDFGLMNPRSTVZ')}{born}{self.letters(1, 'ABCDFGHL')}{self.random.randrange(100, 990)}"
        return body + codicefiscale.calc_check_digit(body)

    def _bsn(self) -> str:
        return self._until(lambda: self.digits(9), bsn.is_valid)

    def _pesel(self) -> str:
        born = date(1940, 1, 1) + timedelta(days=self.random.randrange(21000))
        body = born.strftime("%y%m%d") + self.digits(4)
        return body + pesel.calc_check_digit(body)

    # --- secrets ----------------------------------------------------------------------------------------------

    def secret(self, form: str) -> str:
        """A random key in a vendor's format; `password`, `jwt`, `pem`, `aws_secret` and `git` ask for one kind."""
        mixed = string.ascii_letters + string.digits
        if form == "password":
            word = self.random.choice(WORDS)
            return self.random.choice(
                (
                    f"{word.title()}{self.digits(4)}!",
                    f"{word}-{self.random.choice(WORDS)}-{self.digits(2)}",
                    self.letters(14, mixed + "!#%*+_"),
                    f"{word.upper()[:3]}{self.letters(7)}?",
                )
            )
        if form == "password_plain":
            return self.letters(16, mixed)
        if form == "jwt":
            parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": self.digits(10), "iat": self.random.randrange(10**9, 2 * 10**9)})
            return ".".join(
                [*(urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), self.letters(43, mixed + "-_")]
            )
        if form == "pem":
            kind = self.random.choice(("RSA ", "EC ", "", "OPENSSH "))
            body = b64encode(self.random.randbytes(288)).decode()
            lines = "\n".join(body[i : i + 64] for i in range(0, len(body), 64))
            return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"
        if form == "aws_secret":
            return self.letters(40, mixed + "/+")
        if form == "git":
            return "ghp_" + self.letters(36)
        if self.random.random() < 0.12:
            return f"xoxb-{self.digits(12)}-{self.digits(12)}-{self.letters(24)}"
        if self.random.random() < 0.08:
            return f"SG.{self.letters(22)}.{self.letters(43)}"
        prefix, length, alphabet = self.random.choice(VENDOR_KEYS)
        return prefix + self.letters(length, alphabet or mixed)


def _ascii(name: str) -> str:
    plain = normalize("NFKD", name.replace("ł", "l").replace("Ł", "L").replace("ø", "o").replace("ı", "i"))
    return "".join(c for c in plain if c.isascii() and c.isalpha()).lower() or "info"


def _valid(text: str, region: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, region))
    except phonenumbers.NumberParseException:
        return False
