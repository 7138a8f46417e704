"""Rules for numbers that states issue to people: with a checksum where there is one, and a word for them where needed."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from workbench.curate.personal.cues import before, cue
from workbench.curate.personal.spans import MASK, Span


class Identity(NamedTuple):
    """A kind of national id.

    Attributes:
        rule: what it is called.
        form: the pattern of its characters, standing free.
        module: where in `stdnum` its checksum is, or "" if it has none.
        words: alternatives that name it; needed where `always` is False.
        always: whether the form and the checksum alone are sure enough.
    """

    rule: str
    form: str
    module: str
    words: str
    always: bool


TAX = r"tax (?:id|number)|tin|steuer\w*"
IDENTITIES = (
    Identity("US SSN", r"\d{3}-\d{2}-\d{4}", "us.ssn", r"ssn|social security\w*", True),
    # Behind its name a number counts that was never issued, too: people mistype, and test systems make them up.
    Identity("US SSN behind a word for it", r"\d{3}-\d{2}-\d{4}|\d{3} \d{2} \d{4}", "", r"ssn|social security\w*", False),
    Identity("US SSN in one piece", r"\d{9}", "us.ssn", r"ssn|social security\w*", False),
    Identity("US ITIN", r"9\d{2}-\d{2}-\d{4}", "us.itin", r"itin", True),
    Identity("UK NINO", (
        r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]"
    ), "", "", True),
    Identity("UK NHS", r"\d{3}[ -]?\d{3}[ -]?\d{4}", "gb.nhs", r"nhs\w*", False),
    Identity("UK UTR", r"\d{5} ?\d{5}", "gb.utr", r"utr|unique taxpayer\w*", False),
    Identity("IE PPS", r"\d{7}[A-W][ABHWTX]?", "ie.pps", r"pps|ppsn", True),
    Identity("DE tax id", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "de.idnr", rf"{TAX}|id-?nr|identifikationsnummer", False),
    Identity("DE pension", r"\d{2} ?\d{6} ?[A-Z] ?\d{3}", "", (
        r"(?:renten|sozial)versicherung\w*|sv-?(?:nummer|nr)|rvnr"
    ), False),
    Identity("DE identity card", (
        r"(?=[A-Z]{0,8}\d)[CFGHJKLMNPRTVWXYZ0-9]{9}\d?"
    ), "", r"(?:personal)?ausweis(?:nummer|nr)?", False),
    Identity("FR NIR", r"[12] \d{2} (?:0[1-9]|1[0-2]|[2-9]\d) (?:\d{2}|2[AB]) \d{3} \d{3} \d{2}", "fr.nir", "", True),
    Identity("FR NIR in one piece", (
        r"[12][ \d]{4,6}(?:\d|2[AB])[ \dAB]{6,12}\d"
    ), "fr.nir", r"sécu\w*|sécurité sociale|nir|insee", False),
    Identity("FR tax id", r"[0-3]\d(?: ?\d){11}", "fr.nif", r"num[ée]ro fiscal|spi|fiscale?", False),
    Identity("IT codice fiscale", r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", "it.codicefiscale", "", True),
    Identity("ES DNI", r"\d{8}[ -]?[A-Z]|\d{2}\.\d{3}\.\d{3}-?[A-Z]", "es.dni", "", True),
    Identity("ES NIE", r"[XYZ][ -]?\d{7}[ -]?[A-Z]", "es.nie", "", True),
    Identity("NL BSN", r"\d{9}|\d{4}\.?\d{2}\.?\d{3}", "nl.bsn", r"bsn\w*|burgerservicenummer|sofi\w*", False),
    Identity("PL PESEL", r"\d{11}", "pl.pesel", r"pesel\w*", False),
    Identity("SE personnummer", r"(?:\d{2})?\d{6}[-+]\d{4}", "se.personnummer", "", True),
    Identity((
        "SE personnummer in one piece"
    ), r"(?:\d{2})?\d{10}", "se.personnummer", r"person\w*nummer|personnr", False),
    Identity("BE national number", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", "be.nn", "", True),
    Identity((
        "BE national number in one piece"
    ), r"\d{11}|\d{6}[- ]\d{3}[- ]\d{2}", "be.nn", r"rijksregister\w*|insz|niss|registre national", False),
    Identity("PT NIF", r"\d{3} ?\d{3} ?\d{3}", "pt.nif", r"nif|contribuinte", False),
    Identity("CH AHV", r"756\.\d{4}\.\d{4}\.\d{2}", "ch.ssn", "", True),
    Identity("CH AHV in one piece", r"756[ \d]{10,13}", "ch.ssn", r"ahv\w*|avs|sozialvers\w*", False),
    Identity("AT social insurance", r"\d{4} ?\d{6}", "at.vnr", r"sv-?(?:nummer|nr)|svnr|versicherung\w*", False),
    Identity("DK CPR", r"\d{6}[- ]?\d{4}", "dk.cpr", r"cpr\w*|personnummer", False),
    Identity("NO fødselsnummer", r"\d{6} ?\d{5}", "no.fodselsnummer", r"fødselsn\w*|personn\w*|fnr", False),
    Identity("FI HETU", r"\d{6}[-+ABCDEFYXWVU]\d{3}[0-9A-FHJ-NPR-Y]", "fi.hetu", "", True),
    Identity("CZ rodné číslo", r"\d{6}/?\d{3,4}", "cz.rc", r"rodné číslo|rč|rodné", False),
    Identity("RO CNP", r"[1-9]\d{12}", "ro.cnp", r"cnp|cod numeric", False),
    Identity("BR CPF", r"\d{3}\.\d{3}\.\d{3}-\d{2}", "br.cpf", "", True),
    Identity("BR CPF in one piece", r"\d{11}", "br.cpf", r"cpf", False),
    Identity("IN Aadhaar", r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}", "in_.aadhaar", r"aadhaar|aadhar|uidai|uid", False),
    Identity("IN PAN", r"[A-Z]{3}P[A-Z]\d{4}[A-Z]", "in_.pan", "", True),
    Identity("CA SIN", r"\d{3}[ -]?\d{3}[ -]?\d{3}", "ca.sin", r"(?-i:SIN|NAS)|social insurance\w*", False),
    Identity("AU TFN", r"\d{3} ?\d{3} ?\d{3}", "au.tfn", r"tfn|tax file\w*", False),
    Identity("MX CURP", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", "mx.curp", "", True),
    Identity("TR kimlik", r"[1-9]\d{10}", "tr.tckimlik", r"t\.?c\.?|kimlik\w*", False),
    Identity("ZA id", r"\d{13}", "za.idnr", r"id|identity|id number", False),
    Identity("CN id", r"[1-9]\d{5}(?:19|20)\d{9}[\dX]", "cn.ric", "", True),
    Identity("KR id", r"\d{6}-[1-8]\d{6}", "kr.rrn", "", True),
    Identity(
        "passport", r"(?=(?:[A-Z]{0,4}\d){3})[A-Z0-9]{6,10}", "",
        r"passports?|pass-?(?:no|number|nr|nummer)|reisepass\w*|passeport|pasaporte|passaporto|paspoort\w*"
        r"|paszport\w*|passaporte", False,
    ),
    Identity(
        "driving licence", r"(?=(?:[A-Z-]{0,8}\d){3})[A-Z0-9][A-Z0-9-]{5,17}", "",
        r"driv(?:er'?s?|ing) licen[cs]e|führerschein\w*|permis de conduire|carnet de conducir|patente"
        r"|rijbewijs\w*", False,
    ),
)
ORDERED = cue(
    r"order|part|item|ref|reference|invoice|sku|model|serial|ticket|case|article|bestellung|artikel|commande|pedido"
    r"|ordine"
)


@cache
def _compiled(always: bool) -> tuple[tuple[Identity, re.Pattern, re.Pattern | None], ...]:
    # A number may follow a colon or a bracket, but is never a part of a longer one.
    return tuple(
        (one, re.compile(
            rf"(?<![\w.+/-])(?:{one.form})(?![\w-]|[./]\d)",
            re.IGNORECASE,
        ), cue(one.words) if one.words else None)
        for one in IDENTITIES
        if one.always == always
    )


@cache
def _any_words() -> re.Pattern:
    return cue("|".join(one.words for one in IDENTITIES if one.words and not one.always))


@cache
def _any_form() -> re.Pattern:
    forms = "|".join(one.form for one in IDENTITIES if one.always)
    return re.compile(rf"(?<![\w.+/-])(?=(?:{forms})(?![\w-]|[./]\d))", re.IGNORECASE)


def _is_valid(one: Identity, number: str) -> bool:
    if not one.module:
        return True
    return importlib.import_module(f"stdnum.{one.module}").is_valid(number.upper())


def identities(text: str) -> Iterator[Span]:
    """National ids; passports and driving licences, which have no checksum, only behind a word for them."""
    if _any_form().search(text):
        for one, form, _ in _compiled(True):
            for found in form.finditer(text):
                if _is_valid(one, found.group()) and not before(ORDERED, text, found.start(), 15):
                    yield Span(found.start(), found.end(), "NATIONAL_ID", MASK, one.rule)
    if _any_words().search(text):
        for one, form, words in _compiled(False):
            if words and words.search(text):
                for found in form.finditer(text):
                    if before(words, text, found.start()) and _is_valid(one, found.group()):
                        yield Span(found.start(), found.end(), "NATIONAL_ID", MASK, one.rule)
