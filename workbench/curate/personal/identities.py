"""Rules for numbers that states issue to people: with a checksum where there is one, and a word for them where needed."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from workbench.curate.personal.cues import anywhere, before, cue
from workbench.curate.personal.numbers import PHONE_CUE
from workbench.curate.personal.spans import MASK, REVIEW, Span

# A number with a checksum may stand this far from the word for it, behind or before it: a table's header is far off.
FAR_BEFORE, FAR_AFTER = 120, 60
# A word that could mean the ids of many states must stand closer.
NEAR_BEFORE, NEAR_AFTER = 60, 30


class Identity(NamedTuple):
    """A kind of national id.

    Attributes:
        rule: what it is called.
        form: the pattern of its characters, standing free.
        module: where in `stdnum` its checksum is, or "" if it has none.
        words: alternatives that name it; needed where `always` is False.
        always: whether the form and the checksum alone are sure enough.
        bare: the pattern of those that are for review where no word stands near, or "" if none are.
    """

    rule: str
    form: str
    module: str
    words: str
    always: bool
    bare: str = ""


S = r"[ .-]?"
TAX = (
    r"tax[ _-]?(?:id\w*|number|no|identification\w*)|tin|steuer[- ]?(?:id\w*|nummer|nr)|steuerliche\w*"
    r"|steuer-?identifikations\w*"
)
SSN = (
    r"ssn|ss#|social[ _-]?security\w*|soc\.? ?sec\w*|socialsecurity\w*|sozialversicherungsnummer|seguro social"
    r"|sécurité sociale"
)
NIR = (
    r"n[°ºo.]* ?(?:de )?sécu\w*|sécu\w*|s[ée]curit[ée] sociale|nir|insee|nss|numéro ss|carte vitale"
    r"|social security\w*|sozialvers\w*"
)
# What may stand for the id of any state: these count for ids with a checksum.
NATIONAL_WORDS = (
    r"tax[ _-]?(?:payer)?[ _-]?(?:id|number|no|nr|code|ref\w*|file|identification)\w*|taxid|national[ _-]?(?:id\w*|number"
    r"|insurance\w*|identi\w+)|nationalid|(?:id(?:entity|entification)?|personal|citizen|insurance|civil|social)[ _-]?"
    r"(?:card[ _-]?)?(?:number|no|nr|code)|personal[ _-]?id\w*|social[ _-]?(?:security|insurance)\w*|ssn"
    r"|ni (?:number|no)|nino"
    r"|steuer-?(?:nummer|nr|id\w*)|steuerliche\w*|id-?nr|ident(?:ifikations|itäts)?-?(?:nummer|nr)"
    r"|sozialversicherung\w*|versicherten?-?(?:nummer|nr)"
    r"|versicherungs-?(?:nummer|nr)|sv-?(?:nummer|nr)|ahv\w*|ausweis\w*|personen?-?(?:kenn)?-?(?:nummer|ziffer|zahl)"
    r"|bürgernummer"
    r"|num[ée]ro (?:de )?(?:s[ée]cu\w*|s[ée]curit[ée] sociale|fiscal|national|d['’]identi\w+|d['’]assur\w+|avs)"
    r"|n[°º] (?:de )?(?:s[ée]cu\w*|fiscal|national|d['’]identi\w+)|s[ée]curit[ée] sociale|identifiant (?:fiscal|national)"
    r"|c[óo]digo fiscal|n[úu]mero (?:de )?(?:identi\w+|identidad|fiscal|seguridad social|contribuinte|seguro social"
    r"|utente"
    r"|la seguridad social)|documento (?:nacional )?(?:de )?identidad\w*|identificaci[óo]n|identidad|seguridad social"
    r"|seguro social|c[ée]dula"
    r"|codice fiscale|cod\. ?fisc\w*|c\.f\.|numero (?:di )?(?:identificazione|identità|previdenz\w*)|tessera sanitaria"
    r"|identiteits\w*|persoonsnummer|fiscaal nummer"
    r"|dow[óo]d\w*|numer (?:identyfikacyjny|ubezpieczenia|podatkowy|obywatela)|obywatel\w*|ewidencyjny\w*"
    r"|contribuinte|identifica[çc][ãa]o|cart[ãa]o de cidad[ãa]o|seguran[çc]a social|personn(?:umme)?r|henkilötunnus"
)
IDENTITIES = (
    Identity("US SSN", r"\d{3}-\d{2}-\d{4}", "us.ssn", "", True),
    # Behind its name a number counts that was never issued, too: people mistype, and test systems make them up.
    Identity("US SSN behind a word for it", r"\d{3}([ .-])\d{2}\1\d{4}", "", SSN, False),
    Identity("US SSN in one piece", r"\d{3}[ .-]?\d{2}[ .-]?\d{4}", "us.ssn", SSN, False, r"\d{3} \d{2} \d{4}"),
    Identity("US ITIN", r"9\d{2}-\d{2}-\d{4}", "us.itin", "", True),
    Identity("US ITIN in one piece", rf"9\d{{2}}{S}\d{{2}}{S}\d{{4}}", "us.itin", rf"itin|{TAX}", False),
    Identity("UK NINO", (
        r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]([ .-]?)\d{2}\1\d{2}\1\d{2}(?:\1|[ -])?[A-D]"
    ), "", "", True),
    Identity("UK NINO behind a word for it", (
        r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ .-]{0,2}\d{2}[ .-]?\d{2}[ .-]?\d{2}(?:[ .-]?[A-D])?"
    ), "", r"ni (?:no|num|number|nr)|nino|n\.i\.|national[ _-]?insurance\w*|insurance (?:number|no)", False),
    Identity("UK NHS", rf"\d{{3}}{S}\d{{3}}{S}\d{{4}}", "gb.nhs", r"nhs\w*|health service", False, (
        r"\d{3} \d{3} \d{4}"
    )),
    Identity("UK UTR", rf"\d{{5}}{S}\d{{5}}", "gb.utr", r"utr|unique tax\w*|self[- ]assessment", False),
    Identity("IE PPS", r"\d{7}[ -]?[A-W][ABHWTX]?", "ie.pps", r"pps|ppsn", True),
    Identity("DE tax id", rf"\d{{2}}{S}\d{{3}}{S}\d{{3}}{S}\d{{3}}|\d(?:[ .-]?\d){{10}}", "de.idnr", (
        rf"{TAX}|id-?nr|identifikationsnummer"
    ), False, r"\d{2} \d{3} \d{3} \d{3}"),
    Identity("DE tax number", r"\d{2,3} ?/ ?\d{3,4} ?/ ?\d{4,5}|\d{10,11}|\d{13}", "", (
        r"steuer-?(?:nummer|nr)|st\.?-?nr|tax number"
    ), False),
    Identity("DE pension", r"\d{2}[ -]?\d{6}[ -]?[A-Z][ -]?\d{3}|\d{2}[ -]?\d{2} ?\d{2} ?\d{2}[ -]?[A-Z][ -]?\d{3}", "", (
        r"(?:renten|sozial)?-?versicherung\w*|sv-?(?:nummer|nr)|rvnr|rv-?(?:nummer|nr)|vsnr|social (?:security"
        r"|insurance)\w*"
    ), False, r"\d{2} (?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2} [A-Z] \d{3}"),
    Identity("DE identity card", (
        r"(?=[A-Z]{0,8}\d)[CFGHJKLMNPRTVWXYZ0-9]{9}\d?"
    ), "", r"(?:personal)?-?ausweis-?(?:nummer|nr)?|perso|identity card|id card", False),
    Identity("FR NIR", r"[12] \d{2} (?:0[1-9]|1[0-2]|[2-9]\d) (?:\d{2}|2[AB]) \d{3} \d{3} \d{2}", "fr.nir", "", True),
    Identity("FR NIR in one piece", (
        r"[12][ .-]?\d{2}[ .-]?\d{2}[ .-]?(?:\d{2}|2[AB])[ .-]?\d{3}[ .-]?\d{3}[ .-]{0,3}\d{2}"
    ), "fr.nir", NIR, False, (
        r"[12]\d{2}(?:0[1-9]|1[0-2])(?:\d{2}|2[AB])\d{6} ?\d{2}|[12]([ .-])\d{2}\1\d{2}\1(?:\d{2}"
        r"|2[AB])\1\d{3}\1\d{3}[ .-]{1,3}\d{2}"
    )),
    Identity("FR NIR without its key", (
        r"[12]([ .-]?)\d{2}\1(?:0[1-9]|1[0-2])\1(?:\d{2}|2[AB])\1\d{3}\1\d{3}"
    ), "", NIR, False),
    Identity("FR tax id", r"[0-3]\d(?: ?\d){11}", "fr.nif", r"num[ée]ro fiscal|spi|fiscale?|impôts?", False),
    Identity("IT codice fiscale", (
        r"[A-Z]{6}[\dLMNP-V]{2}[A-EHLMPRST][\dLMNP-V]{2}[A-Z][\dLMNP-V]{3}[A-Z]"
        r"|[A-Z]{3}([ -])[A-Z]{3}\1\d{2}[ -]?[A-EHLMPRST][ -]?"
        r"\d{2}\1[A-Z]\d{3}[ -]?[A-Z]"
    ), "it.codicefiscale", "", True),
    Identity("ES DNI", r"\d{8}(?:-?[A-Z]| (?-i:[A-Z]))|\d{1,2}([ .])\d{3}\1\d{3}(?: ?- ?|[ .])?(?-i:[A-Z])", "es.dni", "", True),
    Identity("ES DNI behind a word for it", r"\d{1,2}[ .-]?\d{3}[ .-]?\d{3}(?: - |[ ./-])?[A-Z]", "es.dni", (
        r"dni|d\.n\.i\.|nif|documento|identi\w+"
    ), False),
    Identity("ES NIE", r"[XYZ][ .-]?(?:\d{7}|\d\.\d{3}\.\d{3})[ .-]?[A-Z]", "es.nie", "", True),
    Identity("NL BSN", rf"\d{{4}}{S}\d{{2}}{S}\d{{3}}|\d{{3}}{S}\d{{3}}{S}\d{{3}}|\d{{8}}", "nl.bsn", (
        r"bsn\w*|burger ?service ?(?:nummer|nr)|sofi\w*|citizen service number"
    ), False, r"\d{4}\.\d{2}\.\d{3}"),
    Identity("PL PESEL", r"\d{6}[ -]?\d{5}|\d{2}([ .-])\d{2}\1\d{2}[ .-]?\d{5}|\d{3} \d{3} \d{3} \d{2}", "pl.pesel", r"pesel\w*", False, (
        r"\d\d(?:[02][1-9]|[13][0-2])(?:0[1-9]|[12]\d|3[01])\d{5}"
    )),
    Identity("SE personnummer", r"(?:19|20)?\d{6}[-+]\d{4}", "se.personnummer", "", True),
    Identity((
        "SE personnummer in one piece"
    ), r"(?:19|20)?\d{6} ?\d{4}", "se.personnummer", r"person\w*nummer|personnr", False),
    Identity("BE national number", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", "be.nn", "", True),
    Identity((
        "BE national number in one piece"
    ), r"\d{2}[ .-]?\d{2}[ .-]?\d{2}[ .-]?\d{3}[ .-]?\d{2}", "be.nn", (
        r"rijksregister\w*|insz\w*|niss|rrn|registre national|numéro national|nationaal nummer|national (?:number"
        r"|register)"
    ), False, r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{5}|\d{2}[ .]\d{2}[ .]\d{2}[ -]\d{3}[ .]\d{2}|\d{6}[- ]\d{3}[- ]\d{2}"),
    Identity("PT NIF", rf"\d{{3}}{S}\d{{3}}{S}\d{{3}}", "pt.nif", r"nif|n\.i\.f\.|contribuinte|identificação fiscal", False),
    Identity("CH AHV", r"756\.\d{4}\.\d{4}\.\d{2}", "ch.ssn", "", True),
    Identity("CH AHV in one piece", rf"756{S}\d{{4}}{S}\d{{4}}{S}\d{{2}}", "ch.ssn", (
        r"ahv\w*|avs|sozialvers\w*|oasi"
    ), False, r"756[ -]?\d{4}[ -]?\d{4}[ -]?\d{2}"),
    Identity("AT social insurance", r"\d{4}[ /-]?\d{6}|\d{4} \d{2}[ .]?\d{2}[ .]?\d{2}", "at.vnr", (
        r"sv-?(?:nummer|nr)|svnr|(?:sozial)?versicherung\w*|vsnr|e-?card|social (?:insurance|security)\w*"
    ), False, r"[1-9]\d{3} (?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2}"),
    Identity("DK CPR", r"\d{6}[- ]?\d{4}", "dk.cpr", r"cpr\w*|person-?(?:nummer|nr)", False),
    Identity("NO fødselsnummer", r"\d{6} ?\d{5}", "no.fodselsnummer", r"fødselsn\w*|fodselsn\w*|personn\w*|fnr", False, r"\d{6} ?\d{5}"),
    Identity("FI HETU", r"\d{6} ?[-+ABCDEFYXWVU] ?\d{3}[0-9A-FHJ-NPR-Y]", "fi.hetu", "", True),
    Identity("CZ rodné číslo", r"\d{6}/?\d{3,4}", "cz.rc", r"rodné číslo|rč|rodné", False),
    Identity("RO CNP", r"[1-9]\d{12}", "ro.cnp", r"cnp|cod numeric", False),
    Identity("BR CPF", r"\d{3}\.\d{3}\.\d{3}[ /.-]{1,3}\d{2}|\d{9}-\d{2}", "br.cpf", "", True),
    Identity("BR CPF in one piece", rf"\d{{3}}{S}\d{{3}}{S}\d{{3}}{S}\d{{2}}", "br.cpf", r"cpf\w*", False, r"\d{11}|\d{3} \d{3} \d{3} \d{2}"),
    Identity("IN Aadhaar", r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}", "in_.aadhaar", r"aadhaar|aadhar|uidai", False, r"[2-9]\d{3} \d{4} \d{4}"),
    Identity("IN PAN", r"[A-Z]{3}P[A-Z]\d{4}[A-Z]", "in_.pan", "", True),
    Identity("CA SIN", r"\d{3}[ -]?\d{3}[ -]?\d{3}", "ca.sin", r"(?-i:SIN|NAS)|social insurance\w*", False),
    Identity("AU TFN", r"\d{3} ?\d{3} ?\d{3}", "au.tfn", r"tfn|tax file\w*", False),
    Identity("MX CURP", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", "mx.curp", "", True),
    Identity("TR kimlik", r"[1-9]\d{10}", "tr.tckimlik", r"t\.?c\.?|kimlik\w*", False),
    Identity("ZA id", r"\d{13}", "za.idnr", r"(?:sa|south african) id\w*|id number|identity (?:number|no)", False),
    Identity("CN id", r"[1-9]\d{5}(?:19|20)\d{9}[\dX]", "cn.ric", "", True),
    Identity("KR id", r"\d{6}-[1-8]\d{6}", "kr.rrn", "", True),
    Identity(
        "passport", r"(?=(?:[A-Z]{0,4}\d){3})[A-Z0-9]{6,10}", "",
        r"passports?|passport\w+|pass-?(?:no|number|nr|nummer)|travel document|identity card|id card"
        r"|carte d['’]identité|cni"
        r"|carta d['’]identità|documento d['’]identità|identiteitskaart|dow[óo]d\w*|reisepass\w*|passeport|pasaporte"
        r"|passaporto|paspoort\w*"
        r"|paszport\w*|passaporte", False,
    ),
    Identity(
        "driving licence", r"(?=(?:[A-Z-]{0,8}\d){3})[A-Z0-9][A-Z0-9-]{5,17}", "",
        r"driv(?:er'?s?|ing) licen[cs]e|führerschein\w*|permis de conduire|carnet de conducir|patente"
        r"|rijbewijs\w*", False,
    ),
)
NATIONAL = cue(NATIONAL_WORDS)
ORDERED = cue(
    r"order|part|item|ref|reference|invoice|sku|model|serial|ticket|case|article|tracking|parcel|batch|lot|ean|isbn|issn"
    r"|bestell\w*|artikel\w*|auftrag\w*|rechnung\w*|sendung\w*|commande|facture|colis|pedido|factura|ordine|fattura"
    r"|bestelling|factuur|zamówieni\w*|faktur\w*|encomenda|fatura"
)
# "C01X00T47 is my passport number"
IS_MY = re.compile(r"[^\w\n.]{1,3}(?:is|was|ist|war|est|es|è|é|to|jest)\s", re.IGNORECASE)
IS_MY_REACH = 35
# A sentence ends here; a word in the one before or behind says nothing about a number in this one.
STOP = re.compile(r"[.!?]\s+(?=[^\W\d_a-z])|\n\s*\n")
# Of these the signs between the digits are a part.
RAW = ("se.personnummer", "fi.hetu")


class _Kind(NamedTuple):
    """An id with its patterns compiled."""

    one: Identity
    form: re.Pattern
    words: re.Pattern | None
    bare: re.Pattern | None


def _standing_free(form: str) -> re.Pattern:
    # A number may follow a colon, a bracket or "no.", but is never a part of a longer one.
    return re.compile(rf"(?<![\w+/-])(?<![\d(]\.)(?<!\d[ ,])(?:{form})(?![\w-]|[./]\d| \d)", re.IGNORECASE)


@cache
def _compiled(always: bool) -> tuple[_Kind, ...]:
    return tuple(
        _Kind(
            one, _standing_free(one.form), cue(one.words) if one.words else None,
            _standing_free(one.bare) if one.bare else None,
        )
        for one in IDENTITIES
        if one.always == always
    )


@cache
def _any_words() -> re.Pattern:
    return cue("|".join([NATIONAL_WORDS, *(one.words for one in IDENTITIES if one.words and not one.always)]))


# What all ids that need no word have: nine digits close together, or fewer with letters beside them. Most texts hold
# none of it, and are done with one search.
MAYBE = re.compile(
    r"(?<![^\W_])(?:\d(?:[ ./+-]{0,3}\d){8}|\d[\d. ]{6,9}[ .-]{0,3}[A-Z]{1,2}(?![^\W_])|[XYZ][ .-]?\d[\d.]{6}"
    r"|[A-Z]{2}[ .-]?\d\d[ .-]?\d\d[ .-]?\d\d|[A-Z]{5}\d{4}[A-Z]|[A-Z]{4}\d{6}[A-Z]|[A-Z]{6}[\dLMNP-V]{2}[A-Z]"
    r"|[A-Z]{3}[ -][A-Z]{3}[ -]\d\d|\d{6} ?[-+A-Y] ?\d{3}[\dA-Y]|\d\d \d{6} [A-Z]|[12][ .-]?\d\d[ .-]?\d\d[ .-]?2[AB])",
    re.IGNORECASE,
)


def _is_valid(one: Identity, number: str) -> bool:
    if not one.module:
        return True
    number = re.sub(r"\s", "", number.upper())
    number = number if one.module in RAW else "".join(character for character in number if character.isalnum())
    if one.module == "es.dni":
        number = number.zfill(9)
    return importlib.import_module(f"stdnum.{one.module}").is_valid(number)


def _near(words: re.Pattern, text: str, start: int, end: int, ahead: int, behind: int) -> bool:
    """Whether a word stands near a number and in its sentence."""
    begin, last = max(0, start - ahead), min(len(text), end + behind)
    for stop in STOP.finditer(text, begin, start):
        begin = stop.end()
    if words.search(text, begin, start):
        return True
    stop = STOP.search(text, end, last)
    return words.search(text, end, stop.start() if stop else last) is not None


def _is_named(one: Identity, words: re.Pattern, text: str, start: int, end: int) -> bool:
    """Whether a word makes a number sure: without a checksum it must stand right at the number."""
    if before(words, text, start):
        return True
    if one.module:
        return _near(words, text, start, end, FAR_BEFORE, FAR_AFTER)
    joined = IS_MY.match(text, end)
    return joined is not None and words.search(text, joined.end(), joined.end() + IS_MY_REACH) is not None


def _is_something_else(words: re.Pattern | None, text: str, start: int) -> bool:
    """Whether the word that stands closest before a number says that it is another."""
    other = max(_last(ORDERED, text, start, 20), _last(PHONE_CUE, text, start, 12))
    return other > (_last(words, text, start, 20) if words else -1)


def _last(words: re.Pattern, text: str, start: int, reach: int) -> int:
    return max((found.end() for found in words.finditer(text, max(0, start - reach), start)), default=-1)


def identities(text: str, loose: bool = True) -> Iterator[Span]:
    """National ids; passports and driving licences, which have no checksum, only behind a word for them.

    Args:
        text: any text.
        loose: False leaves out those for review.
    """
    maybe = MAYBE.search(text) is not None
    for kind in _compiled(True) if maybe else ():
        for found in kind.form.finditer(text):
            if _is_valid(kind.one, found.group()) and not before(ORDERED, text, found.start(), 15):
                yield Span(found.start(), found.end(), "NATIONAL_ID", MASK, kind.one.rule)
    lowered = text.lower()
    if anywhere(_any_words(), lowered):
        yield from _named(text, lowered, loose)
    if loose and maybe:
        yield from _bare(text)


def _named(text: str, lowered: str, loose: bool) -> Iterator[Span]:
    """Ids behind or before a word for them."""
    national = anywhere(NATIONAL, lowered)
    for one, form, words, _ in _compiled(False):
        own = words is not None and anywhere(words, lowered)
        if not own and not (national and one.module):
            continue
        for found in form.finditer(text):
            start, end = found.span()
            named = own and words is not None and _is_named(one, words, text, start, end)
            if not named and not (national and one.module and _near(NATIONAL, text, start, end, NEAR_BEFORE, NEAR_AFTER)):
                continue
            if _is_something_else(words, text, start):
                continue
            if _is_valid(one, found.group()):
                yield Span(start, end, "NATIONAL_ID", MASK, one.rule)
            elif loose and named and words is not None and before(words, text, start, 25):
                # People mistype, so a person should look at a number whose checksum is wrong.
                yield Span(start, end, "NATIONAL_ID", REVIEW, f"{one.rule} with a wrong checksum")


def _bare(text: str) -> Iterator[Span]:
    """Ids without a word for them, whose grouping or length and checksum are seldom seen elsewhere: for review."""
    for kind in _compiled(False):
        if kind.bare:
            for found in kind.bare.finditer(text):
                if _is_valid(kind.one, found.group()) and not before(ORDERED, text, found.start(), 30):
                    yield Span(found.start(), found.end(), "NATIONAL_ID", REVIEW, f"{kind.one.rule} without a word for it")
