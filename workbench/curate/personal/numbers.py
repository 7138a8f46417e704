"""Rules for what machines issue: e-mail addresses, IBANs, cards, network addresses, telephone numbers."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from workbench.curate.personal.cues import anywhere, before, cue
from workbench.curate.personal.spans import MASK, REVIEW, Span

LOCAL = r"[\w.+%\u0300-\u036f-]"
# Deliberately broad: an address is masked even where its domain could not exist.
# The look behind keeps the time from growing with the square of a long word's length.
EMAIL = re.compile(rf"(?<!{LOCAL}){LOCAL}++@[\w-]+(?:\.[\w-]+)+")
ELISION = re.compile(r"(?<![\w'])[^\W\d_]{1,2}'\Z")
# Written apart, so that a harvester overlooks it.
LAST_LABEL = r"(?:com|org|net|edu|gov|info|biz|io|ai|eu|co|me|dev|app|example|test|invalid|[a-z]{2})"
APART = re.compile(
    rf"(?<!{LOCAL}){LOCAL}{{1,64}}\s?[\[({{<]\s?(?:at|@|ät|arroba|chiocciola)\s?[\])}}>]\s?[\w-]{{1,63}}"
    r"(?:\s?(?:\.|[\[({<]\s?(?:dot|punkt|point|punto|ponto|\.)\s?[\])}>]|\b(?:dot|punkt|point|punto"
    r"|ponto)\b)\s?[\w-]{1,63}){1,5}"
    # "at" with "dot" alone: "at what point am I" is no address.
    rf"|(?<!{LOCAL})(?:[\w+%-]{{1,64}} dot ){{0,3}}{LOCAL}{{0,63}}[\w+%-] (?:at"
    rf"|@) (?:[\w-]{{1,63}} dot ){{1,4}}{LAST_LABEL}(?![\w-])|(?<!{LOCAL})(?:[\w+%-]{{1,64}} (?:punto|point"
    rf"|ponto) ){{0,3}}{LOCAL}{{0,63}}[\w+%-] (?:arroba|chiocciola|arobase) (?:[\w-]{{1,63}} (?:punto|point"
    rf"|ponto) ){{1,4}}{LAST_LABEL}(?![\w-])",
    re.IGNORECASE,
)
AT = re.compile(
    r"[\[({<]\s?(?:at|@|ät|arroba|chiocciola)\s?[\])}>]|\s(?:at|arroba|chiocciola|arobase|@)\s",
    re.IGNORECASE,
)
# The password before the host of a URL is a secret, or an example of one, and no address.
IN_URL = re.compile(r"://[^\s/@:]{0,100}:\Z")
FILE_ENDINGS = frozenset("png jpg jpeg gif svg webp js ts css html py json md txt".split())

IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,32}")
CARD = re.compile(r"(?<![\w.,-])\d(?:[ -]?\d){11,18}(?![\w]|[.,-]\d)")
CARD_START = re.compile(
    r"4(?=\d{15}$|\d{18}$)|(?:5[1-5]|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720))(?=\d{12,14}$)|3[47](?=\d{13}$)"
    r"|(?:6011|65|64[4-9])(?=\d{12,14}$)|(?:3[689]|30[0-5])(?=\d{11,12}$)|35(?:2[89]|[3-8]\d)(?=\d{12}$)"
    r"|(?:2131|1800)(?=\d{11}$)|62(?=\d{14,17}$)|(?:50|5[678]|6[37])(?=\d{14}$)"
)
CARD_CUE = cue(
    r"(?:credit|debit|bank)?[- ]?cards?|visa|mastercard|maestro|amex|(?:kredit|bank|ec-)?karten?\w*|carte|tarjeta"
    r"|carta|cartão|kort\w*|kart[aęy]"
)

# Written as 192[.]168[.]0[.]1, nobody clicks on it by mistake.
DOT = r"(?:\.|\[\.\]|\(\.\))"
IPV4 = re.compile(rf"(?<![\w.])(?:\d{{1,3}}{DOT}){{3}}\d{{1,3}}(?!\w|\.\d|-[A-Za-z])")
IPV6 = re.compile(
    r"(?:(?<![\w:.])|(?<=[g-zG-Z_]:))(?:[0-9A-Fa-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4})(?![\w:])"
)
NOT_AN_IP = re.compile(
    r"(?:\b(?:v|ver|version|versión|versione|versie|release|rel|build|firmware|driver|section|sec|chapter|clause"
    r"|kapitel|abschnitt|ziffer|figure|fig|table|article|chapitre|sección|oid|upgrade to|update to)\b"
    r"[\"']?[.:=]{0,2}[\"']?\s{0,2}|[=<>~^!]=\s?|[~^]\s?|§\s?|\bv)\Z",
    re.IGNORECASE,
)
# "numpy=1.26.4.1" and "<2.10.0.1" are versions, "src=203.0.113.9" is a machine.
COMPARED = re.compile(r"(?:[=<>]|\bupdate)\s?\Z", re.IGNORECASE)
IP_CUE = cue(
    r"\w{0,12}ip|ips|ipv[46]|ip\w{0,3}addr\w*|addr\w*|adresse|host\w*|server|dns|ping\w*|gateway|router|login|logged"
    r"|from|src"
    r"|dst|source|client|peer|remote\w*|listen\w*|bind|proxy|subnet|network|netz\w*|dirección|indirizzo|adres|ssh"
)
# So begin the addresses that are handed out, those of a local network and those of a single link.
IPV6_START = re.compile(r"(?:[23][0-9a-f]{3}|f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):|::ffff:\d", re.IGNORECASE)
SLICE = re.compile(r"[\w\])]\[\Z")
MAC = re.compile(
    r"(?<![\w:.-])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:-])"
    r"|(?<![\w:.-])(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}(?![\w:-])"
    r"|(?<![\w:.-])(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}(?![\w:.-])"
)

SEPARATED = r"(?:[ ().\-/]{0,3}\d)"
EXTENSION = (
    r"(?:\s?[,;]?\s?\(?(?:extension|extn?\.?|x|durchwahl|dw\.?|poste|int(?:erno)?\.?|toestel|wew\.?|ramal|anexo)[.:]?\s?"
    r"\d{1,6}(?!\w)\)?)?"
)
PLUS = re.compile(rf"(?<![\w+*-])(?<!\d[=.,])(?<!\d[ /])\+ ?\(?\d{SEPARATED}{{6,19}}{EXTENSION}", re.IGNORECASE)
DIGITS = re.compile(
    rf"(?<![\w+#*$€£,/-])(?<![\W\d_][=.:])(?<!\d )\(?\d{SEPARATED}{{5,14}}{EXTENSION}(?!\w|[.,:/-]\d)", re.IGNORECASE
)
DATE = re.compile(r"\(?(?:\d{5}-\d{4}\Z|\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:\d{4}|\d{2}))(?!\d|\.\d\d\.\d)")
PHONE_CUE = cue(
    r"tel|tél|télé|tlf|telf|tfno|tlm|gsm|(?:tele)?phones?|ph|(?:tele|cell|mobile|home"
    r"|work)?[ _-]?phone[ _-]?(?:number|num|no|nr)"
    r"|phonenumber|mobilenumber|mobile[ _-]?(?:number|no|nr)?|mob|cell|cellphone|call|called|calling|call(?:ed)? ?back"
    r"|landline|fax|faxnummer|whatsapp|viber|sms|text me|dial|ring"
    r"|(?:reach|contact|text|phone) (?:me|him|her|us)|reach(?:able|ed)|contact (?:number|no)|my (?:new |old |own )?number"
    r"|telefon\w{0,3}|telefon-?(?:nummer|nr)|tel-?(?:nr|nummer|no)|(?:rück)?rufnummer|rückruf\w*|handy"
    r"|handy-?(?:nummer|nr)"
    r"|mobil|mobil-?(?:nummer|nr)|mobilfunk\w*|mobiltelefon|festnetz\w*|durchwahl|anrufen|anruf|zurückrufen|rufen"
    r"|ruf|erreichbar"
    r"|erreichen|erreicht|meine (?:neue )?nummer|unter der nummer"
    r"|tel[ée]fonos?|m[óo]vil|celular|fijo|contacto|mi n[úu]mero|ll[áa]m[ae]\w*|llamar\w*|localizar\w*"
    r"|t[ée]l[ée]phon\w*|portable|fixe|appel\w*|joindre|joignable|rappel\w*|mon num[ée]ro|numéro de tél\w*"
    r"|cellulare|telefonic\w*|chiam\w*|richiam\w*|recapito|raggiungibile|contattar\w*|mio numero"
    r"|telefoon\w*|mobiel\w*|mobieltje|bel|bellen|terugbellen|bereikbaar|bereiken|mijn nummer"
    r"|telefone|telem[óo]vel|ligue|liga|ligar|contactar|contato|meu n[úu]mero"
    r"|zadzwo\w*|dzwoni\w*|oddzwoni\w*|telefon\w*|kom[óo]rk\w*|kom\.|m[óo]j numer|numer kontaktowy|nr tel"
    r"|puhelin|ring mig|telefonnumret"
)
# In a signature one letter says which of the numbers it is.
LETTER = re.compile(r"(?:^|[\n|•·])\s{0,4}(?:[TMPFHWC][.:]?|[☎📞📱✆☏]\ufe0f?:?)\s{0,3}\Z")
# "0171 2345678 (mobile)", "0171 2345678 is my number"
NAMED_BEHIND = re.compile(r"\s?[(,–-]?\s?(?:(?:is|ist|est|es|è)\s)?(?P<whose>(?:my|meine|mon|mi|il mio|mijn)\s)?", re.IGNORECASE)
# "call 030 1234567 or 0171 2345678"
ANOTHER = re.compile(
    r"\s{0,2}(?:[,;/|&]|or|oder|ou|o|of|lub|albo|and|und|et|y|e|en|i)\s{0,2}(?:at|on|unter|au|al|op|sur)?\s?\Z", re.IGNORECASE
)
NO_PHONE = cue(
    r"order|orders|ticket|invoice|case|reference|ref|item|part|sku|article|tracking|parcel|isbn|issn|ean|upc|serial"
    r"|model|version|commit|bestellung|bestellnummer|rechnung|rechnungsnummer|auftrag|sendung|vorgang|artikel|commande"
    r"|facture|colis|pedido|factura|ordine|fattura|fatura|bestelling|factuur|zamówienie|account|customer|kunde"
    r"|kundennummer|client|iban|card|id|number of|build|page|pages|zip|plz|euro|eur|usd|dollars|rows|lines|bytes"
    r"|timestamp|patient|member|policy|contract|vertrag"
)
# "call the customer at 030 123456": these are of numbers only where one follows at once.
PERSON_NUMBER = cue(r"customer|kunde|client|patient|member|account|card|case|item|page|pages|number of|build|model|part")
LOOSE = re.compile(
    r"(?<![\w.,:/+#-])(?<!\d )(?:"
    r"(?:1[-. ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[-. ])[2-9]\d\d[-. ]\d{4}"  # North America
    r"|0[1-9](?:([ .-])\d\d)(?:\1\d\d){3}"  # France
    r"|\(?0\d{2,5}\)?[ /-]{1,3}\d{2,4}(?:[ -]?\d{2,5}){1,3}"  # Germany, United Kingdom and others with a leading 0
    r"|0[1-9]-?\d{8}|07\d{9}|01[5-7]\d{8,9}"  # mobiles written in one piece
    r"|[6-9]\d\d([ .-])\d{3}\2\d{3}|[6-9]\d\d(?:[ .-]\d\d){3}|3[2-9]\d[ -]\d{6,7}"
    r"|3[2-9]\d[ .-]\d{3}[ .-]\d{3,4}"  # Spain, Italy
    r"|(?:45|5[0137])\d([ -])\d{3}\3(?!000)\d{3}|\(?[1-9]\d\)? \d{3}[ -]\d{2}[ -]\d{2}"  # Poland
    r"|2[1-9]\d \d{3} (?!000)\d{3}"  # Portugal
    r"|0[1-9]\d{7,10}|0[1-9]\d?[ -]\d{6,9}|0\d{3,4}[ /-]\d{5,8}"
    r"|\(0\d{2,5}\) ?\d{5,8}"  # in one piece behind the area's code
    r"|1?[2-9]\d{2}[ .-]\d{3}[ .-]\d{4}|\(\d\d\) ?9?\d{4}-\d{4}|[6-9]\d{4} \d{5}"  # Brazil, India
    rf"){EXTENSION}(?![\w-]|[ .,:/]\d)",
    re.IGNORECASE,
)
LOOSE_DIGITS, CUE_REACH = 7, 45
# Amounts and counts are grouped as some telephone numbers are.
UNIT = re.compile(
    r"\s?(?:€|\$|£|%|eur\b|usd|pln|zł|chf|euros?|dollars|pieces|stück|rows|users|people|km\b|kg\b|bytes|tokens|mb\b|ms\b"
    r"|seconds|minutes)",
    re.IGNORECASE,
)


def emails(text: str) -> Iterator[Span]:
    """E-mail addresses, also those written as "name [at] host" or "name at host dot org"."""
    if "@" in text:
        for found in EMAIL.finditer(text):
            local, domain = found.group().rsplit("@", 1)
            ending = domain.rsplit(".", 1)[-1]
            is_word = sum(character.isalpha() for character in ending) >= 2 and not ending[0].isdigit()
            in_url = IN_URL.search(text, max(0, found.start() - 110), found.start())
            if is_word and ending.lower() not in FILE_ENDINGS and local != "git" and not in_url:
                elided = ELISION.search(text, max(0, found.start() - 4), found.start())
                yield Span(elided.start() if elided else found.start(), found.end(), "EMAIL", MASK, "e-mail")
    if AT.search(text):
        for found in APART.finditer(text):
            yield Span(found.start(), found.end(), "EMAIL", MASK, "e-mail written apart")


def ibans(text: str) -> Iterator[Span]:
    """IBANs whose length, form and checksum are right."""
    from stdnum import iban

    for found in IBAN.finditer(text):
        ends = [i + 1 for i in range(found.start(), found.end()) if text[i].isalnum()]
        number = "".join(text[i - 1] for i in ends).upper()
        for length in range(len(number), 14, -1):
            end = ends[length - 1]
            if (end == len(text) or not text[end].isalnum()) and iban.is_valid(number[:length]):
                yield Span(found.start(), end, "IBAN", MASK, "IBAN")
                break


def cards(text: str) -> Iterator[Span]:
    """Payment cards: a known beginning, the length that goes with it, and the checksum."""
    from stdnum import luhn

    for found in CARD.finditer(text):
        number = found.group().replace(" ", "").replace("-", "")
        # Old and rare cards are short, and so are numbers of goods; then a word has to say that it is a card.
        known = CARD_START.match(number) or (number[0] in "3456" and before(CARD_CUE, text, found.start(), 30))
        if known and len(set(number)) > 1 and luhn.is_valid(number):
            yield Span(found.start(), found.end(), "CARD", MASK, "card")


def network(text: str) -> Iterator[Span]:
    """IP and MAC addresses. "This machine" is for review; "any machine", groups of machines and netmasks are nobody's."""
    if text.count(".") >= 3:
        for found in IPV4.finditer(text):
            address = re.sub(r"[\[\]()]", "", found.group())
            if (tier := _somebodys(address)) and not _is_version(text, found, address):
                yield Span(found.start(), found.end(), "IP", tier, "IPv4")
    if text.count(":") >= 2:
        for found in IPV6.finditer(text):
            address = found.group()
            if _is_ipv6(text, found) and (tier := _somebodys(address)):
                yield Span(found.start(), found.end(), "IP", tier, "IPv6")
    for found in MAC.finditer(text):
        if len(set(found.group().lower()) - set(":-.")) == 1:
            continue  # all zeros or all ones: no machine's own
        if ":" in found.group() or not found.group().replace("-", "").replace(".", "").isdigit():
            yield Span(found.start(), found.end(), "MAC", MASK, "MAC")


def _is_ipv6(text: str, found: re.Match) -> bool:
    address = found.group()
    if SLICE.search(text, max(0, found.start() - 2), found.start()):
        return False  # a[::2]
    if address == "::1" or IPV6_START.match(address):
        return True
    return len([group for group in address.split(":") if group]) > 2 and any(c.isdigit() for c in address)


def _somebodys(address: str) -> str:
    """The tier of an address, "" if it is none or nobody's."""
    if "." in address and ":" not in address:
        # 192.168.001.010 is how some routers write it.
        address = ".".join(part.lstrip("0") or "0" for part in address.split("."))
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if known.is_unspecified or known.is_multicast or address.startswith(("255.", "0.")):
        return ""
    return REVIEW if known.is_loopback else MASK


def _is_version(text: str, found: re.Match, address: str) -> bool:
    start = found.start()
    if NOT_AN_IP.search(text, max(0, start - 16), start):
        return True
    parts = address.split(".")
    small, low = all(len(part) == 1 for part in parts), all(int(part) < 100 for part in parts)
    compared = COMPARED.search(text, max(0, start - 8), start) and text[found.end() : found.end() + 1] != ">"
    # 2.4.1.3 is a version more often than a machine, unless a word says so.
    return (small or bool(low and compared)) and not before(IP_CUE, text, start, 25)


def phones(text: str, regions: tuple[str, ...], loose: bool = True) -> Iterator[Span]:
    """Telephone numbers: with a + or behind a word such as "call" for sure, others for review.

    Args:
        text: any text.
        regions: country codes whose national numbers are recognised by their numbering plan.
        loose: False leaves out those for review.
    """
    if "+" in text:
        for found in PLUS.finditer(text):
            if end := _possible(text, found):
                yield Span(found.start(), end, "PHONE", MASK, "phone with country code")
    cued, last = anywhere(PHONE_CUE, text.lower()), -1
    if cued or regions or loose:
        for found in DIGITS.finditer(text):
            start, end, number = found.start(), found.end(), found.group()
            if DATE.match(number) or UNIT.match(text, end):
                continue
            chained = 0 <= last <= start and ANOTHER.match(text, last, start) is not None
            if chained or (cued and _follows_cue(text, start)):
                last = end
                yield Span(start, end, "PHONE", MASK, "phone behind a word for it")
            elif loose and not _is_another_number(text, start):
                if number.startswith("00") and _is_possible("+" + number[2:]):
                    yield Span(start, end, "PHONE", REVIEW, "phone with 00")
                elif any(_is_valid(number, region) for region in regions):
                    yield Span(start, end, "PHONE", REVIEW, "phone of a chosen country")
    for found in LOOSE.finditer(text):
        if DATE.match(found.group()) or UNIT.match(text, found.end()):
            continue
        if LETTER.search(text, max(0, found.start() - 12), found.start()) or (cued and _before_cue(text, found.end())):
            yield Span(found.start(), found.end(), "PHONE", MASK, "phone with a word for it")
        elif loose and not _is_another_number(text, found.start()):
            yield Span(found.start(), found.end(), "PHONE", REVIEW, "phone by its shape")


def _before_cue(text: str, end: int) -> bool:
    joined = NAMED_BEHIND.match(text, end)
    if joined is None or joined.end() == end:
        return False
    # "My number" is such a word as a whole.
    places = {joined.end(), joined.start("whose") if joined["whose"] else joined.end()}
    return any(PHONE_CUE.match(text, place) for place in places)


def _is_another_number(text: str, start: int) -> bool:
    begin, last = max(0, start - 25), None
    for last in NO_PHONE.finditer(text, begin, start):
        pass
    if last is None:
        return False
    # "the patient asks us to ring 030 123456" names a person, "patient 030123456" a number.
    return not PERSON_NUMBER.fullmatch(last.group()) or len(text[last.end() : start].split()) < 3


def _follows_cue(text: str, start: int) -> bool:
    begin = max(0, start - CUE_REACH)
    last = None
    for last in PHONE_CUE.finditer(text, begin, start):
        pass
    if last is None:
        return False
    between = text[last.end() : start]
    named = NO_PHONE.search(between)
    another = named is not None and not (PERSON_NUMBER.fullmatch(named.group()) and len(between[named.end() :].split()))
    return not (another or any(c.isdigit() for c in between) or re.search(r"[.;!?]\s+\w", between[1:]))


def _possible(text: str, found: re.Match) -> int:
    """Where the number ends: what follows it may look like more digits of it. 0 if it is none."""
    number, end = found.group(), found.end()
    if re.match(r"\+\d\.\d+$", number):
        return 0
    while len(number) >= 8:
        if (end == len(text) or not text[end].isalnum()) and _is_possible(number):
            return end
        cut = max(number.rfind(mark) for mark in " -./()")
        if cut < 0:
            return 0
        number = number[:cut].rstrip(" -./()")
        end = found.start() + len(number)
    return 0


def _is_possible(number: str) -> bool:
    import phonenumbers

    # Possible, not valid: numbers reserved for fiction and new ranges are not "valid", and a number that
    # somebody typed with a + is meant as one.
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE


def _is_valid(number: str, region: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region.upper()))
    except phonenumbers.NumberParseException:
        return False
