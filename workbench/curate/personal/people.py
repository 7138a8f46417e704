"""Rules for names of persons: behind a title, a greeting or an introduction, and from lists of first and last names."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from workbench.curate.personal.spans import REVIEW, Span

HERE = Path(__file__).parent
UPPER = "A-Z" + "".join(chr(c) for c in range(0xC0, 0x530) if unicodedata.category(chr(c)) in ("Lu", "Lt"))
MARKS = "\u0300-\u036f"
# One capitalised word. Longer words than these are no names, and the bound keeps the time linear.
WORD = rf"[{UPPER}](?:[^\W\d_]|[{MARKS}]|['’-](?=[^\W\d_])){{0,40}}"
INITIAL = rf"[{UPPER}]\."
PARTICLE = (
    r"(?:von der|von dem|von den|van der|van den|van de|van ['’]t|de la|de las|de los|della|dello|degli|del|dos|das"
    r"|von|van|zu|zum|zur|ten|ter|de|da|di|du|do|le|la|al|el|bin|d['’]|ibn|ben|af|av|st\.)"
)
NAME = rf"{WORD}(?![\w{MARKS}])(?:(?: {INITIAL}){{0,2}} (?:{PARTICLE} )?{WORD}(?![\w{MARKS}])){{0,3}}"
FULL = rf"(?:{INITIAL} ?){{0,3}}{NAME}"
ANY_CASE = rf"[^\W\d_](?:[^\W\d_]|[{MARKS}]|['’-](?=[^\W\d_])){{1,40}}"
FREE = r"(?<![\w'’-])"

TITLE = re.compile(
    rf"{FREE}(?:(?:Mrs?|Ms|Mx|Dr|Drs|Prof|Hr|Fr|Mme|Mlle|Sr|Sra|Srta|Sig|Sig\.ra|Dott|Dott\.ssa|Avv|Ing|Mevr|Dhr|Mag"
    rf"|Dipl\.-Ing|Rev|Capt|Sgt|Lt)\.?"
    r"|Miss|Sir|Dame|Lady|Professor|Doctor|Herrn?|Frau|Monsieur|Madame|Mademoiselle|Señor|Señora|Señorita|Senhora?"
    r"|Signora?|Signor"
    rf"|Doña|Dottore|Dottoressa|Mevrouw|Meneer|Pan|Pani|Pana|Panie|Fru|Rouva)\s{{1,2}}(?:(?:Dr"
    rf"|Prof)\.?\s){{0,2}}(?P<name>(?:{PARTICLE} )?{FULL})"
)
GREETING = re.compile(
    rf"{FREE}(?:Dear|Hi|Hello|Hey|Hallo|Liebe[rs]?|Lieber|Servus|Moin|Bonjour|Bonsoir|Salut|Cher|Chère|Hola|Estimad[oa]"
    rf"|Querid[oa]|Apreciad[oa]|Ciao|Gentile|Egregio|Car[oa]|Buongiorno|Beste|Dag|Hoi|Geachte|Cześć|Drog[ia]|Prezad[oa]"
    rf"|Olá|Hej|Hei|Kære|Kjære)(?P<comma>,?) (?P<name>{FULL})"
)
# A name behind a sign or a line break; what stands before the sign says whether somebody closes or thanks.
BEHIND_SIGN = re.compile(
    rf"(?:(?P<line>(?:[,.!][^\S\n]{{0,3}})?\r?\n\s{{0,4}})|(?P<sign>[,!.])\s?)-{{0,2}}\s?(?P<name>{FULL})"
)
CLOSING = re.compile(
    r"(?:regards|sincerely|faithfully|truly|best wishes|all the best|many thanks|thanks|thank you|cheers|yours|love"
    r"|best|grüßen|grüße|gruß|gruss|grüssen|mfg|lg|vg|hochachtungsvoll|cordialement|salutations|respectueusement"
    r"|bien à vous|amicalement|saludos?|atentamente|atte|un abrazo|cordiali saluti|distinti saluti|saluti|groet(?:en)?"
    r"|hoogachtend|atenciosamente|cumprimentos"
    r"|abraços|pozdrawiam|poważaniem|hälsningar|hilsen|terveisin)\s{0,3}\Z",
    re.IGNORECASE,
)
SURE_CUE = (
    r"my name is|my name's|my (?:full )?name:|name of the (?:customer|patient|caller|guest)(?: is|:)|i am called"
    r"|mein name ist|mein name:|ich heiße|ich heisse|je m['’]appelle|mon nom est|me llamo|mi nombre es|mi chiamo"
    r"|il mio nome è|mijn naam is|ik heet|nazywam się|mam na imię|meu nome é|chamo-me|me chamo|jag heter|mitt namn är"
    r"|mitt navn er|jeg heter|mit navn er|nimeni on|benim adım|adım|меня зовут|με λένε"
)
WEAK_CUE = (
    r"i am|i'm|i’m|this is|call me|speaking (?:with|to)|spoke (?:with|to)|signed(?: by)?|c/o|on behalf of"
    r"|ich bin|hier ist|hier spricht|im namen von|gez\.|je suis|c['’]est|de la part de|soy|de parte de|sono|ik ben"
    r"|hier is|jestem|sou|jag är|jeg er"
)
SURE = re.compile(
    rf"{FREE}(?:{SURE_CUE})\s{{1,3}}(?P<name>(?-i:{FULL})|{ANY_CASE}(?: {ANY_CASE}){{0,2}})",
    re.IGNORECASE,
)
WEAK = re.compile(rf"{FREE}(?:{WEAK_CUE})\s{{1,2}}(?P<name>(?-i:{FULL}))", re.IGNORECASE)
LABEL = re.compile(
    rf"(?<![\w-])[\"']?(?:(?:full|first|last|given|family|middle|customer|client|patient|employee|contact|recipient"
    rf"|sender|user|holder|author|student)[ _-]?name"
    r"|name|vorname|nachname|kundenname|surname|prénom|nom|nombre|apellidos?|nome|cognome|naam|voornaam|achternaam|imię"
    r"|nazwisko|imię i nazwisko|sobrenome|patient|customer|client|employee|kunde|kundin|mitarbeiter(?:in)?"
    r"|ansprechpartner(?:in)?|cliente|paciente|paziente|klant|contact|caller|guest|tenant|attendees?"
    rf"|from|to|cc|von|an|de)[\"']?\s?[:=]\s?[\"']?(?P<name>(?-i:{FULL}))",
    re.IGNORECASE,
)
SURE_LABEL = re.compile(
    r"vorname|nachname|first|last|given|family|middle|full|surname|apellido|cognome|voornaam|achternaam|imię|nazwisko"
    r"|prénom",
    re.IGNORECASE,
)

# What may stand behind a name that a sentence tells: a sign, the end, or a word that goes on about the person.
ENDS = r"(?=\s*[,.!?;:)\n]|\s*\Z| (?:and|und|et|y|e|from|of|aus|von|vom|de|del|here|is|has|was|ist|hat|told)\b)"
WHO_CUE = (
    r"i am|i'm|i’m|this is|ich bin|hier schreibt|hier spricht|hier ist|je suis|ici|c['’]est|soy|habla|le habla"
    r"|le escribe|sono|parla|ik ben|hier is|u spreekt met|jestem|jag är|jeg er|it['’]s|patient|patientin"
)
WHO = re.compile(rf"{FREE}(?:{WHO_CUE})\s{{1,2}}(?P<name>(?-i:{FULL})){ENDS}", re.IGNORECASE)
HERE_IS = re.compile(
    rf"(?:^|(?<=[.!?,:;] )|(?<=\n))(?P<name>{FULL}) "
    r"(?:(?:here|speaking|calling|writing|hier|am Apparat|à l'appareil)(?=[,.!])|(?:and I|und ich|et moi|y yo)(?!\w))"
)
RELATIVE = re.compile(
    rf"{FREE}(?:[Mm]y|[Oo]ur|[Mm]eine?[nmr]?|[Uu]nsere?[nmr]?|[Mm]on|[Mm]a|[Nn]otre|[Mm]i|[Nn]uestr[oa]|[Mm]i[oa]|[Hh]is"
    rf"|[Hh]er|[Tt]heir|[Ii]hre?[nmr]?|[Ss]eine?[nmr]?|[Ss]on|[Ss]a|[Ss]u) (?:[a-zäöüß-]{{2,12}} )?"
    r"(?:sister|brother|mother|father|mum|mom|dad|wife|husband|son|daughter|aunt|uncle|cousin|manager|boss|colleague"
    r"|friend|partner|doctor|dentist|neighbour|neighbor|landlord|teacher|supervisor"
    r"|Schwester|Bruder|Mutter|Vater|Frau|Mann|Sohn|Tochter|Tante|Onkel|Chefin|Chef|Kolleg(?:e|in|en)|Freund(?:in)?"
    r"|Nachbar(?:in)?|Vorgesetzte[rn]?|Ärztin|Arzt|Hausarzt|Vermieter(?:in)?|Lehrer(?:in)?"
    r"|frère|sœur|soeur|mère|père|femme|mari|fils|fille|collègue|chef|cheffe|médecin|amie?|responsable|voisine?"
    r"|hermano|hermana|madre|padre|marido|esposa|esposo|hijo|hija|jefe|jefa|compañer[oa]|amig[oa]|médic[oa]|vecin[oa]"
    rf"|fratello|sorella|moglie|marito|figlio|figlia|capo|collega|amic[oa]),? (?P<name>{FULL})"
)
THANKS = re.compile(
    r"(?:thank you|thanks|many thanks|thanks a lot|very much|in advance|dank|danke|im voraus|merci|d['’]avance|gracias"
    r"|de antemano|grazie|in anticipo|obrigad[oa]|bedankt|dank u)\Z",
    re.IGNORECASE,
)
NAME_ENDS = re.compile(r"\s*(?:[.,!;\n]|\Z)")
CUE_LENGTH = 24
WISHES = re.compile(
    rf"(?:wishes|regards|greetings|love|thanks|[Gg]r[üu](?:ß|ss)e?n?|saludos|salutations|saluti|groeten) "
    rf"(?:from|von|de|da|van) (?P<name>{FULL})(?=\s*[.,!;\n]|\s*\Z)"
)
SIGNED = re.compile(
    rf"{FREE}(?:[Rr]espectfully|[A-ZÄÖÜa-zäöü]{{2,20}}lichst|[Cc]ordialmente|[Rr]espetuosamente),\s(?P<name>{FULL})(?=\s*\Z)"
)
SMALL = re.compile(
    rf"{FREE}(?:i am|i'm|i’m|im|this is|it's|call me|ich bin|hier ist|je suis|soy|sono|ik ben)\s"
    rf"(?P<name>(?-i:[^\W\d_{UPPER}]{{3,20}}(?: [^\W\d_{UPPER}]{{3,20}})?))(?![\w'’@-])",
    re.IGNORECASE,
)
INITIALS = re.compile(
    rf"(?<![\w.'’-])(?!U\. ?[SKN]\.)(?:{INITIAL} ?){{1,3}}(?:{PARTICLE} )?(?P<last>{WORD})(?![\w{MARKS}@(\\/]|\.\w)"
)
# A family name that shows by its form that it is one.
SHAPE = re.compile(
    rf"(?<![\w'’.-])(?P<first>{WORD}) (?:(?:Al|El|Abu|Ben|Bin|Ibn)-[{UPPER}][^\W\d_]{{2,20}}|[OD]['’][{UPPER}][^\W\d_]{{2,20}}"
    rf"|d['’][{UPPER}][^\W\d_]{{2,20}}|Ma?c ?[{UPPER}][^\W\d_]{{2,20}}|van de[rn] [{UPPER}][^\W\d_]{{2,20}}"
    rf"|[{UPPER}][^\W\d_]{{2,15}}(?:dóttir|sson|ović|ević|escu|icz|owski|ewski|owska|ewska|enko|opoulos|shvili|oğlu|oglu))"
    rf"(?:-{WORD})?(?![\w{MARKS}])"
)
# "The Oliver desk" is a desk.
THING = re.compile(r"(?<!\w)(?:the|an?|this|that|these|those|our|your|more|new|old|two|three|four|five|six) \Z", re.IGNORECASE)
THING_BEHIND = re.compile(
    r" (?!(?:and|or|is|was|has|had|will|can|told|said|wrote|called|came|left|who|asked|wants)\b)[a-z]{3,}"
)

TOLD = (
    (WHO, "name in an introduction"),
    (HERE_IS, "name in an introduction"),
    (RELATIVE, "name behind a word for a relative or colleague"),
    (WISHES, "name in a closing"),
    (SIGNED, "name in a closing"),
)

CAPITALISED = re.compile(rf"(?<![\w{MARKS}'’.@/#\\-])(?!{INITIAL}){WORD}(?![\w{MARKS}@\\/]|\.\w|\()")
GAP = re.compile(rf" (?:{INITIAL} ){{0,2}}(?:{PARTICLE} )?|, ")

# A name with one of these behind it is that of a firm, a place or a thing.
ORGANISATIONS = frozenset(
    """
    gmbh ag inc ltd llc plc corp kg ug sa srl spa bv nv co company university college school institute hospital
    clinic bank hotel street avenue road lane drive square park platz straße strasse str weg allee airport station
    church museum stadium cup prize award theorem law method algorithm distribution function model test theory
    equation series transform network press island islands county city
    """.split()
)
BUILDINGS = frozenset("wing ward room building house hall centre center tower gate court garden gardens".split())
# Words that begin like names and are none, in greetings, behind titles and between names.
NO_NAME = ORGANISATIONS | frozenset(
    """
    true false none null
    mr mrs ms mx dr prof hr fr mme mlle sr sra srta sig dott ing mevr dhr a an and are as at be but by can could
    dear did do does for from had has have he her hello here hi his how i if in is it its let me my not of on or our
    please she should so sir madam team thank thanks that the their then there these they this those to today
    tomorrow was we well were what when where which who why with would yes no you your customer customers client
    support service sales everyone everybody all world folks guys colleague colleagues friend friends hiring manager
    committee editor sirs ladies gentlemen mom dad mum kitty siri alexa google god lord santa claus sorry happy
    merry good morning afternoon evening night monday tuesday wednesday thursday friday saturday sunday january
    february march july september october november december order invoice ticket account email phone address number
    ich du er sie es wir ihr und oder der die das ein eine dem den des herr frau damen herren kollegen kolleginnen
    kunde kundin kunden zusammen leute welt ist sind hat haben bitte danke vielen guten morgen tag abend nicht auch
    mit von für auf im zu zum zur wie wer wo wann warum wenn dass montag dienstag mittwoch donnerstag freitag
    samstag sonntag januar februar märz mai juni juli oktober dezember bestellung le la les un une et ou je tu il
    elle nous vous ils elles est sont pas ne cliente madame monsieur mesdames messieurs tous toutes bonjour merci
    oui non avec pour sur dans par que qui lundi mardi mercredi jeudi vendredi samedi dimanche janvier février avril
    juin juillet août septembre octobre novembre décembre commande el los las una y o yo tú él ella nosotros usted
    ustedes son sí por para con en del señor señora señores equipo todos gracias lunes martes miércoles jueves
    viernes sábado domingo enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
    pedido lo gli uno e io lui lei noi voi loro è sono signore signora tutti grazie ciao lunedì martedì mercoledì
    giovedì venerdì sabato domenica gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre ordine
    praxis klinik redaktion kanzlei abteilung personalabteilung buchhaltung verwaltung gemeinde rezeption practice
    payroll reception office helpdesk desk accounting department clinic staff hr it
    schwester bruder mutter vater mann sohn tochter tante onkel chef chefin kollege kollegin kollegen freund freundin
    nachbar nachbarin arzt ärztin de het een ik jij hij zij wij jullie klant heer mevrouw allemaal iedereen bedankt maandag dinsdag woensdag
    donderdag vrijdag zaterdag zondag rue boulevard via piazza calle plaza town river lake mount north south east
    west new old great day year week windows linux python java javascript excel word office docker kubernetes github
    gitlab microsoft amazon apple facebook instagram twitter whatsapp netflix paypal visa mastercard iphone android
    chrome firefox safari linkedin youtube spotify openai anthropic oracle american british english german french
    spanish italian dutch polish european chinese japanese indian russian deutsch englisch französisch note warning
    error todo fixme see also example usage returns raises args attributes parameters
    """.split()
)
# Names that are first of all words, places or makers; they count only beside another name or behind a cue.
ALSO_WORDS = frozenset(
    """
        april august june may grace hope faith joy rose lily daisy ivy iris violet ruby amber pearl jade opal
    crystal will bill mark rob pat sue art     jack frank max rich drew chase grant miles chance hunter mason carter
    cooper parker taylor baker cash chip dale dean earl ernest forest gene     glen guy hank heath jay lance lane
    ray reed robin rusty sandy skip sonny stone sunny victor ward wade penny autumn summer winter charity
    destiny harmony melody precious princess star sky sierra dakota savannah georgia carolina virginia victoria
    florence paris london sydney     berlin vienna milan roma siena chelsea brooklyn austin dallas houston denver
    phoenix jordan israel china india ireland kenya asia america     newton mercedes porsche ford benz tesla dior
    chanel gauss euler pascal kelvin watt hertz ampere volt ohm bernoulli poisson markov bayes     python pandora
    apollo jupiter mars venus neptune saturn luna sol ella elle lei an in kim ali see page young king prince duke
    baron major     marshal general junior senior angel jesus christian christ dominic tyler logan blake reagan
    kennedy lincoln washington jackson madison     franklin nova nia mia sage basil rosemary clay clark archer
    fisher porter page paige rock rocky ridge river brook brooks ash olive hazel     reserved unknown link open hence emit lean arch ninja julian gregorian valid golden
    delta nan ceil orange apple kendall emin sigma alpha beta gamma omega theta lambda pi url html json     mac ram
    raj dev ai bo max min avg sam ana lin len var val del an pat tab tim dan
    """.split()
)
MAKERS = frozenset(
    (
        "mercedes benz;louis vuitton;calvin klein;ralph lauren;tommy hilfiger;jack daniel;jack daniels;hugo boss;victor"
        "ia secret;jim beam"
        ";johnny walker;johnnie walker;morgan stanley;philip morris;jack wolfskin;paul smith store;rolls royce;harley d"
        "avidson;max planck"
        ";alfa romeo;aston martin;lee cooper;john deere;wells fargo;tiffany co;santa claus;santa cruz;san diego;san fra"
        "ncisco;san jose;los angeles"
        ";santa barbara;costa rica;puerto rico;el salvador;las vegas;saint louis;st louis;south carolina;north carolina"
        ";west virginia"
        ";ben jerry;dolce gabbana;don quixote;harry potter;mickey mouse;donald duck;sherlock holmes;monte carlo;martin "
        "luther king day"
    ).split(";")
)
CAPITAL_PARTICLES = frozenset("le la de del della di da van von der den el al du do dos san st mc ben bin".split())


class _Lists(NamedTuple):
    first: frozenset[str]
    last: frozenset[str]
    common: frozenset[str]


@cache
def _lists() -> _Lists:
    def read(name: str) -> frozenset[str]:
        return frozenset(" ".join(json.loads((HERE / name).read_text(encoding="utf-8"))).split())

    return _Lists(read("first_names.json"), read("last_names.json"), read("common_words.json") | NO_NAME | ALSO_WORDS)


def _key(word: str) -> str:
    word = unicodedata.normalize("NFC", word).casefold().replace("’", "'")
    return word[:-2] if word.endswith("'s") else word


def is_no_name(word: str) -> bool:
    """Whether the word begins like a name and is none, such as a title or a weekday."""
    return _key(word) in NO_NAME


def is_common_word(word: str) -> bool:
    """Whether the word is a name and also something else, such as "Will" or "Paris"."""
    return _key(word) in _lists().common


def people(text: str) -> Iterator[Span]:
    """Names of persons, all for review."""
    for pattern, rule in ((TITLE, "name behind a title"), (GREETING, "name in a greeting")):
        for found in pattern.finditer(text):
            # "Hello, Commit 1f broke it": behind a comma, a word counts only where it is known as a name.
            if pattern is GREETING and found["comma"] and not _is_known(found["name"]):
                continue
            if span := _trimmed(text, *found.span("name"), rule):
                yield span
    yield from _signed(text)
    yield from _introduced(text)
    yield from _told(text)
    yield from _listed(text)


def _signed(text: str) -> Iterator[Span]:
    """Names that close a letter, or that somebody thanks."""
    for found in BEHIND_SIGN.finditer(text):
        begin, end = max(0, found.start() - CUE_LENGTH), found.start()
        if (found["line"] or found["sign"] == ",") and CLOSING.search(text, begin, end):
            span = _trimmed(text, *found.span("name"), "name in a closing")
        elif NAME_ENDS.match(text, found.end()) and _is_somebody(found["name"]) and THANKS.search(text, begin, end):
            span = _trimmed(text, *found.span("name"), "name behind thanks")
        else:
            span = None
        if span:
            yield span


def _is_somebody(name: str) -> bool:
    return _is_known(name) or _is_full(name)


def _introduced(text: str) -> Iterator[Span]:
    for found in SURE.finditer(text):
        start, end = found.span("name")
        if found["name"][0].isupper():
            span = _trimmed(text, start, end, "name in an introduction")
        else:
            span = _small_letters(text, start, end)
        if span:
            yield span
    for found in WEAK.finditer(text):
        if _is_first(_key(found["name"].split()[0]), _lists().first):
            if span := _trimmed(text, *found.span("name"), "name in an introduction"):
                yield span
    for found in LABEL.finditer(text) if ":" in text or "=" in text else ():
        words = found["name"].split()
        known = any(_key(word) in _lists().first or _key(word) in _lists().last for word in words)
        if known or SURE_LABEL.search(found.group()[: found.start("name") - found.start()]):
            if span := _trimmed(text, *found.span("name"), "name behind a label"):
                yield span


def _told(text: str) -> Iterator[Span]:
    """Names that a sentence tells as somebody's: whoever writes, signs, is thanked or belongs to the writer."""
    for pattern, rule in TOLD:
        for found in pattern.finditer(text):
            if _is_somebody(found["name"]):
                if span := _trimmed(text, *found.span("name"), rule):
                    yield span
    for found in SMALL.finditer(text):
        words = found["name"].split(" ")
        first = len(words[0]) > 3 and _is_plain(words[0]) and _is_first(_key(words[0]), _lists().first)
        last = len(words) > 1 and len(words[1]) > 3 and not is_no_name(words[1]) and _key(words[1]) in _lists().last
        if first:
            end = found.end("name") if last else found.start("name") + len(words[0])
            yield Span(found.start("name"), end, "PERSON", REVIEW, "name in small letters behind a word for it")
    for found in INITIALS.finditer(text) if "." in text else ():
        last = found["last"]
        if len(last) > 3 and _is_plain(last) and (_key(last) in _lists().last or _key(last) in _lists().first):
            yield Span(found.start(), found.end(), "PERSON", REVIEW, "initial and last name")
    for found in SHAPE.finditer(text):
        if _is_plain(found["first"]) and not begins_sentence(text, found.start()):
            yield Span(found.start(), found.end(), "PERSON", REVIEW, "last name by its form")


def _is_plain(word: str) -> bool:
    return _key(word) not in _lists().common


def _is_known(name: str) -> bool:
    """Whether the name begins with a first name of the lists."""
    first = _key(name.split()[0])
    return _is_first(first, _lists().first) and first not in NO_NAME


def _is_full(name: str) -> bool:
    """Whether it has the form of a first and a last name, of which none is another word."""
    words = [_key(word) for word in re.sub(rf" {PARTICLE} ", " ", name).split()]
    return len(words) > 1 and all(word not in NO_NAME for word in words)


def _small_letters(text: str, start: int, end: int) -> Span | None:
    # Somebody who writes "my name is maria lopez and" means the words up to the first that is no name.
    at = start
    for word in text[start:end].split():
        key = _key(word)
        if key in NO_NAME or not (key in _lists().first or key in _lists().last):
            break
        at = text.index(word, at) + len(word)
    return Span(start, at, "PERSON", REVIEW, "name in an introduction") if at > start else None


def _trimmed(text: str, start: int, end: int, rule: str) -> Span | None:
    # "Dear Ada Please" is Ada's; "Dear Customer" is nobody's.
    words = list(re.finditer(r"\S+", text[start:end]))
    kept = 0
    for word in words:
        said, key = word.group(), _key(word.group().rstrip("."))
        joins = key in CAPITAL_PARTICLES and word is not words[-1]
        if key in NO_NAME and said[0].isupper() and not joins and not re.fullmatch(INITIAL, said):
            break
        kept = word.end()
    name = re.sub(rf" {PARTICLE}\Z", "", text[start : start + kept])
    if name.endswith(("'s", "’s")):
        name = name[:-2]
    plain = name.replace(".", "").replace(" ", "")
    return Span(start, start + len(name), "PERSON", REVIEW, rule) if len(plain) > 1 else None


def _listed(text: str) -> Iterator[Span]:
    lists = _lists()
    run: list[re.Match] = []
    for found in CAPITALISED.finditer(text):
        if run and not GAP.fullmatch(text, run[-1].end(), found.start()):
            yield from _names_in(text, run, lists)
            run = []
        run.append(found)
    yield from _names_in(text, run, lists)


def _names_in(text: str, run: list[re.Match], lists: _Lists) -> Iterator[Span]:
    """The names in a run of capitalised words that stand next to each other."""
    keys = [_key(word.group()) for word in run]
    at = 0
    while at < len(run):
        taken = _taken(text, run, keys, at, lists)
        if taken:
            end = run[at + taken - 1].end()
            if text[end - 2 : end] in ("'s", "’s"):
                end -= 2
            yield Span(run[at].start(), end, "PERSON", REVIEW, "name from the lists")
        at += taken or 1


def _taken(text: str, run: list[re.Match], keys: list[str], at: int, lists: _Lists) -> int:
    """How many words of the run from `at` on are one name: 0 to 4."""
    key, after = keys[at], keys[at + 1] if at + 1 < len(run) else ""
    comma = after != "" and text[run[at].end()] == ","
    if key in NO_NAME or (key in BUILDINGS and at) or (after and f"{key} {after}" in MAKERS):
        return 0
    if comma and key in lists.last and after in lists.first and after not in lists.common:
        return 2
    if _is_first(key, lists.first):
        return _with_first_name(text, run, keys, at, lists)
    # A first name that is in no list, before a last name that is: only where no other reading is likely.
    unlisted = after and not comma and key not in lists.common and len(key) > 2 and not run[at].group().isupper()
    known = after in lists.last and after not in lists.common and len(after) > 3
    return 2 if unlisted and known and not begins_sentence(text, run[at].start()) else 0


def _with_first_name(text: str, run: list[re.Match], keys: list[str], at: int, lists: _Lists) -> int:
    key, more = keys[at], _more_words(text, run, keys, at, lists)
    behind = keys[at + more + 1] if at + more + 1 < len(run) else ""
    if behind in ORGANISATIONS:
        return 0
    if not more and _is_thing(text, run[at]):
        return 0
    doubtful = key in lists.common or len(key) < 3 or (len(key) > 3 and run[at].group().isupper())
    if not more:
        return 1 if not doubtful and len(key) > 3 else 0
    if not doubtful:
        return more + 1
    after = keys[at + 1]
    if key in lists.common and after in BUILDINGS:
        return 0
    both = key in lists.common and after in lists.common
    known = after in lists.last or after in lists.first
    return more + 1 if known and not (both and begins_sentence(text, run[at].start())) else 0


def _is_thing(text: str, word: re.Match) -> bool:
    begin = max(0, word.start() - 8)
    return THING_BEHIND.match(text, word.end()) is not None and THING.search(text, begin, word.start()) is not None


def _more_words(text: str, run: list[re.Match], keys: list[str], at: int, lists: _Lists) -> int:
    """How many words behind a first name belong to the name, by what they are and what stands between them."""
    more = 0
    while more < 3 and at + more + 1 < len(run):
        here, after = at + more, keys[at + more + 1]
        if "," in text[run[here].end() : run[here + 1].start()] or run[here].group().endswith(("'s", "’s")):
            break
        joins = after in CAPITAL_PARTICLES and here + 2 < len(run)
        if not joins and (after in NO_NAME or (after in lists.common and after not in lists.last)):
            break
        more += 1
    return more


def begins_sentence(text: str, start: int) -> bool:
    """Whether `start` is where a sentence or a line begins."""
    # At the beginning of a sentence or a line, any word is capitalised.
    return re.search(r"(?:^|[.!?:\n])[\s\"'«„“*-]*\Z", text[max(0, start - 5) : start]) is not None


def _is_first(key: str, first: frozenset[str]) -> bool:
    # "Anna-Lena" is a first name where both its halves are.
    return key in first or ("-" in key and all(part in first for part in key.split("-")))
