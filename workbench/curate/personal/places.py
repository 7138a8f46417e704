"""Rules for where somebody lives, when they were born, and what else is known of them: mostly for review."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.curate.personal.people import MARKS, UPPER
from workbench.curate.personal.spans import REVIEW, Span

WORD = rf"[{UPPER}](?:[^\W\d_]|[{MARKS}]|['’.-](?=[^\W\d_])){{0,30}}(?![\w{MARKS}])(?:(?<=\bSt)\.)?"
SMALL = (
    r"(?:de la|de los|de las|de l'|della|delle|dei|degli|del|des|du|de|da|do|dos|den|der|di|d'|la|le|les|las|los|am"
    r"|an der|auf der|im|in der|zum|zur|van de|van der|van|von|op de|of|the|y|e|et)"
)
TOWN = rf"{WORD}(?:[ -](?:{SMALL}[ -])?{WORD}){{0,3}}"
NUMBER = r"(?!0)\d{1,5}(?:\s?[a-zA-Z](?![^\W\d_]|\. ?\d))?(?:\s?[-/]\s?\d{1,4}[a-zA-Z]?)?(?:\s?(?:bis|ter|quater))?"
UK_CODE = (
    r"(?:GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d{1,2}|\d[A-HJKPS-UW]"
    r"|[A-HK-Y]\d[ABEHMNPRV-Y]) ?\d[ABD-HJLNP-UW-Z]{2})"
)
US_STATE = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|PR|RI|S[CD]|T[NX]|UT|V[AIT]"
    r"|W[AIVY]|Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho"
    r"|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi"
    r"|Missouri|Montana|Nebraska|Nevada|New [HJMY]\w{3,10}|North \w{6,8}|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island"
    r"|South \w{6,8}|Tennessee|Texas|Utah|Vermont|Virginia|Washington|Wisconsin|Wyoming)"
)
EN_STREET = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|Close"
    r"|Crescent|Cres|Gardens|Grove|Highway|Hwy|Parkway|Pkwy|Circle|Cir|Trail|Trl|Mews|Row|Walk|Hill|Park|Parade|Plaza"
    r"|Alley|Wharf|Quay|Green|Rise|Vale|View|Broadway)"
)
UNIT = r"(?:,? ?(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|#)\.? ?#?\s?\w{1,6})?"
SEP = r"(?:,\s{0,3}|\s{0,2}\r?\n\s{0,4}|\s{1,2}(?:[-–·|]\s)?)"
EN = (
    rf"(?:(?:Flat|Apt\.?|Apartment|Unit|Suite) \w{{1,5}},? )?\d{{1,6}}[A-Za-z]?(?:[-/]\d{{1,5}})? (?:[NSEW]\.? )?(?:(?:"
    rf"\d{{1,3}}(?:st|nd|rd|th)|{WORD}) ){{1,4}}"
    rf"{EN_STREET}\b\.?(?: (?:NW|NE|SW|SE|N|S|E|W)\b)?{UNIT}"
)
# "Zur Bestellung 278" and "Im Jahr 2025" have the form of "Zur Linde 5".
NO_STREET = (
    r"(?:(?!\w*(?i:licht|siedl|münd|fest|wald)ung)[^\W\d_]+(?:ung|heit|keit|tion|schaft)(?:en)?|\w*(?:[Nn]ummer"
    r"|[Aa]uftrag|[Vv]organg|[Vv]ertrag|[Tt]icket|[Tt]ermin|[Aa]ntrag|[Pp]aket|[Bb]rief|[Pp]reis)|Jahre?|Monat|Raum"
    r"|Zimmer|Kapitel|Abschnitt|Punkt|Schritt|Fall|Wert|Alter|Abstand|Seite|Version|Frage|Thema|Artikel|Anfang|Ende"
    r"|Uhr|Konto|Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag|Januar|Februar|März|April|Mai|Juni|Juli"
    r"|August|September|Oktober|November|Dezember)(?!\w)"
)
DE_STREET = (
    rf"(?:[{UPPER}][^\W\d_{MARKS}]{{1,30}}(?:-[^\W\d_]{{2,30}}){{0,3}}(?:str(?:aße|asse|\.)|weg|allee|platz|gasse|damm"
    rf"|ring|ufer|steig|chaussee|graben|hof|berg|markt|pfad)"
    rf"|(?:{WORD}[ -]){{1,3}}(?:Str(?:aße|asse|\.)|Weg|Allee|Platz|Gasse|Damm|Ring|Ufer|Chaussee)|(?:Am|An der|An den"
    rf"|Auf der|Auf dem|Im|In der|Zum|Zur|Unter den) (?!{NO_STREET}){WORD}(?: {WORD})?)"
)
FR_STREET = (
    r"(?:[Rr]ue|[Aa]venue|[Aa]v\.?|[Bb]oulevard|[Bb]d\.?|[Pp]lace|[Cc]hemin|[Aa]llée|[Ii]mpasse|[Qq]uai|[Cc]ours|route"
    r"|square|passage|sentier|faubourg|ruelle|voie|esplanade)"
    rf" (?:{SMALL}[ ']?){{0,2}}(?:{WORD}|\d{{1,2}} {WORD})(?:[ -](?:{SMALL}[ ']?){{0,2}}{WORD}){{0,4}}"
)
IT_STREET = (
    rf"(?:Via|Viale|V\.le|Piazza|P\.zza|Piazzale|Corso|C\.so|Largo|Vicolo|Strada|Contrada|Borgo"
    rf"|Lungomare)(?: {SMALL})?(?:[ ']?{WORD}|\s[IVX]{{1,5}}|\s\d{{1,2}} {WORD}){{1,4}}"
)
ES_STREET = (
    r"(?:Calle|C/|Avenida|Avda\.?|Av\.|Paseo|P\.º|Plaza|Pza\.?|Camino|Carretera|Ctra\.?|Ronda|Glorieta|Travesía|Carrer"
    r"|Cuesta|Urbanización|Rua|Avenida|Praça|Travessa)"
    rf" ?(?:{SMALL} ){{0,2}}{WORD}(?: (?:{SMALL} ){{0,2}}{WORD}){{0,4}}"
)
NL_STREET = (
    rf"(?:[{UPPER}][^\W\d_]{{1,30}}(?:straat|laan|weg|plein|gracht|kade|dijk|singel|hof|pad|steeg|dreef|park|markt)"
    rf"|(?:{WORD} ){{1,3}}(?:straat|laan|weg|plein|gracht|kade|singel))"
)
PL_STREET = rf"(?:ul\.|al\.|pl\.|os\.|ulica|aleja|plac|osiedle) ?{WORD}(?: {WORD}){{0,3}}"
BLOCK = r"(?:,? (?:n[.º°]?|nº|núm\.?|no\.|numero|km) ?)?"
FLOOR = (
    r"(?:,? ?\d{1,2}\.?[ºª°](?: ?[A-Za-z]{1,5})?|,? (?:piso|[Aa]ppartamento|[Aa]pto\.?|[Pp]uerta|[Ee]sc\.?|interno"
    r"|int\.|scala|bte|boîte|bus|Top|Wohnung) ?\w{1,4})?"
)
PATTERNS = (
    ("address, English", re.compile(
        rf"(?<![\w.]){EN}(?:{SEP}{TOWN}){{0,2}}(?:{SEP}(?:{US_STATE},? )?\d{{5}}(?:-\d{{4}})?(?!\d)|{SEP}{UK_CODE}\b"
        rf"|{SEP}{US_STATE}\b)?"
    )),
    (
        "address, English",
        re.compile(
            rf"(?<![\w.])(?:(?:Flat|Studio|Apt\.?|Apartment|Unit"
            rf"|Suite) \w{{1,5}},? )?(?:\d{{1,6}}[A-Za-z]? )?{WORD}(?: {WORD}){{0,3}}{UNIT}"
            rf"(?:{SEP}{TOWN}){{1,2}}{SEP}(?:{US_STATE},? \d{{5}}(?:-\d{{4}})?|{UK_CODE})(?!\w)"
        ),
    ),
    (
        "address with a postcode",
        re.compile(
            rf"(?<![\w.])(?:{WORD} |{SMALL} ){{0,3}}{WORD},? {NUMBER}{FLOOR}{SEP}"
            rf"(?:(?:\d{{4}} ?[A-Z]{{2}}(?!\w),?|(?:[A-Z]{{1,2}}-)?\d{{4,5}},?|\d{{3}} \d{{2}}"
            rf"|\d{{2}}-\d{{3}}) (?:['’]t )?{TOWN}|{TOWN},? \d{{5}}(?!\d))"
        ),
    ),
    ("address, German", re.compile(rf"(?<!\w){DE_STREET} {NUMBER}(?:{SEP}(?:(?:D|A|CH|AT|DE)-)?\d{{4,5}} {TOWN})?")),
    ("address, French", re.compile(rf"(?<![\w.]){NUMBER},? {FR_STREET}(?:{SEP}(?:F-)?\d{{5}} {TOWN})?")),
    ("address, French", re.compile(rf"(?<!\w){FR_STREET}{SEP}(?:F-)?\d{{5}} {TOWN}")),
    ("address, Italian", re.compile(
        rf"(?<!\w){IT_STREET},? ?(?:n\.? ?)?{NUMBER}{FLOOR}(?:{SEP}(?:I-)?\d{{5}}(?:,? "
        rf"| - ){TOWN}(?: \([A-Z]{{2}}\))?)?"
    )),
    ("address, Spanish", re.compile(
        rf"(?<!\w){ES_STREET},?{BLOCK} ?{NUMBER}{FLOOR}(?:(?:{SEP}{TOWN}){{0,2}}{SEP}(?:\d{{5}}-?\d{{3}}"
        rf"|\d{{4}}-\d{{3}}|\d{{5}})(?!\d)(?:,? {TOWN}(?: ?[/-] ?[A-Z]{{2}}(?!\w))?)?|{SEP}{TOWN},? \d{{5}}(?!\d))?"
    )),
    ("address, Dutch", re.compile(
        rf"(?<!\w){NL_STREET} {NUMBER}(?:{SEP}\d{{4}} ?[A-Z]{{2}}(?:{SEP}{TOWN})?|{SEP}\d{{4}} {TOWN})?"
    )),
    ("address, Polish", re.compile(
        rf"(?<!\w){PL_STREET} {NUMBER}(?: m\. ?\d{{1,4}})?(?:{SEP}\d{{2}}-\d{{3}} {TOWN})?"
    )),
    ("postcode and town", re.compile(
        rf"(?<!\w){TOWN},? {UK_CODE}(?!\w)|(?<!\w)(?:{TOWN}, )(?:{US_STATE}),? \d{{5}}(?:-\d{{4}})?(?!\w)"
    )),
    ("postcode and town", re.compile(
        rf"(?<![\w.,-])(?:(?:D|F|I|E|CH|AT|A|B|L|NL)-\d{{4,5}}|\d{{4}} [A-Z]{{2}}|\d{{2}}-\d{{3}}) {TOWN}"
    )),
    ("post box", re.compile(
        r"(?<!\w)(?:P\.? ?O\.? ?Box|Postfach|Postbus|Apartado(?: de Correos)?|Casella Postale|Boîte Postale|B\.P\.|BP"
        r"|Caixa Postal)\s?(?:n[.º°]\s?)?\d{1,6}(?: \d{2,3}){0,2}"
    )),
)
# "January 1, 2025 Berlin" and "Im Jahr 2025, 1000 Boxen" have the form of a street, a house and a postcode.
NO_ADDRESS = re.compile(
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul"
    r"|Aug|Sept?|Oct|Nov|Dec)\.? \d{1,2}, \d{4}(?!\d)"
    rf"|(?<!\w)(?:Am|Im|Zum|Zur|In der) {NO_STREET}"
)
HOUSE = re.compile(r"\d")
CITY_CUE = re.compile(
    rf"(?<!\w)(?i:address|adresse|anschrift|wohnhaft in|wohne in der|dirección|domicilio|indirizzo|adres|endereço"
    rf"|lives? at|living at|live at|reside[sd]? at"
    rf"|ship(?:ped)? to|deliver(?:ed)? to|wohnt in|habite au|demeurant au|vivo en|residente in|abito in"
    rf"|woont op)\s?:?\s(?P<place>\d{{1,5}}[a-zA-Z]?,? {WORD}(?: {WORD}){{0,4}}"
    rf"|{WORD}(?: {WORD}){{0,3}} \d{{1,5}}[a-zA-Z]?(?!\w))(?:{SEP}\d{{4,5}} {TOWN})?"
)

MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|jän|mär|mae|mai|okt|dez|janv|fév|fev|avr|juin|juil|aoû|aou"
    r"|déc|ene"
    r"|abr|ago|dic|gen|mag|giu|lug|set|ott|mrt|mei|maj|maa|fev|out|sty|lut|kwi|cze|lip|sie|wrz|paź|paz|lis"
    r"|gru)[^\W\d_]{0,9}\.?"
)
ANY_DATE = (
    rf"(?:\d{{4}}[-./]\d{{1,2}}[-./]\d{{1,2}}|\d{{1,2}}(?:\. |[-./ ])\d{{1,2}}(?:\. |[-./ ])['’]?(?:\d{{4}}|\d{{2}})"
    rf"|\d{{1,2}} ?/ ?\d{{1,2}} ?/ ?(?:\d{{4}}|\d{{2}})|\d{{1,2}}[-./ ]?{MONTH}[-./ ]['’]?(?:\d{{4}}|\d{{2}})"
    rf"|\d{{1,2}}(?: ?(?:st|nd|rd|th|er|re|[ºª°]|\.))?,? (?:day of |of |de |d['’])?{MONTH},?(?: del?"
    rf"| of)? ['’]?(?:\d{{4}}|\d{{2}})"
    rf"|{MONTH} (?:the )?\d{{1,2}}(?:st|nd|rd|th)?,? ['’]?(?:\d{{4}}|\d{{2}})|(?:19|20)\d{{2}}[ -]{MONTH}[ -]\d{{1,2}}"
    # Written as one number, and the beginning of a time stamp.
    rf"|(?:19|20)\d{{2}}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]))(?!\d|[^\W\dT])"
)
BIRTH_NAME = (
    r"(?:birth[ _-]?(?:date|day)s?|birth|b-?day|date[ _-]?(?:of[ _-]?)?birth|day of birth|d\.? ?o\.? ?b\.?|birthdate"
    r"|dateofbirth"
    r"|geburts-?(?:datum|tag)|geb\.?-? ?(?:dat(?:um|\.)?|am)|date de naissance|date[ _-]naissance|(?:date)?naissance"
    r"|(?:fecha[ _-](?:de[ _-])?)?nacimiento|(?:f|fec|fecha)\.? ?(?:de )?nac\.?|(?:data[ _-](?:di[ _-])?)?nascita"
    r"|compleanno|cumpleaños"
    r"|geboortedatum|geb(?:oorte)?\.? ?datum|verjaardag|anniversaire|urodz\w*|nascimento|aniversário|fødselsdato"
    r"|födelse(?:datum|dag)|syntymäaika)"
)
BORN = (
    r"(?:born|geboren|geb\.?|née?\(?e?\)?(?: le| en)?|nacid[oa]|nací|nació|nat[oa](?= (?:il|l['’]|a|ad|in|nel)\b|:)"
    r"|nacqui|nacque|urodz(?:on[ya]|ił\w*)|ur\."
    r"|nascid[oa]|nasci|nasceu|född|født|syntynyt)"
)
FREE = r"(?<![^\W_])(?<!\d\.)"
BIRTH = re.compile(
    rf"(?:{FREE}(?:(?:{BIRTH_NAME}|{BORN})(?![^\W_])[^\d\n]{{0,25}}?"
    # "My date of birth is wrong, the right one would be": further off, but in the same sentence.
    rf"|(?:{BIRTH_NAME}|{BORN})(?![^\W_])[^\d\n.!?]{{26,60}}?"
    # A label above its value, or a table's column.
    rf"|{BIRTH_NAME}(?![^\W_])[^\w\n]{{0,6}}\r?\n\s{{0,8}}[^\w\n]{{0,3}})|(?<![\w*])\* ?(?=\d))(?P<date>{ANY_DATE})",
    re.IGNORECASE,
)
# "am 4. Februar 1963 geboren", "4 February 1963 (born)": the word for it may also come behind the date.
BIRTH_AFTER = re.compile(
    rf"(?<![\w./-])(?P<date>{ANY_DATE})(?:(?:\s?\(|,? (?:in [^\W\d_]{{2,30}} )?|: ?){BORN}(?!\w)"
    rf"|,? ?[(–-]? ?(?:(?:is|was|ist|war|est|es|è|é|to|jest)\s(?:my|his|her|the|mein|sein|ihr|ma|sa|mi|su|la|mia|sua"
    rf"|a|de)\w{{0,3}}"
    rf"\s(?:[^\W\d_]{{1,8}}\s)?)?{BIRTH_NAME}(?!\w))"
    # In "sent 12.3.2025, born on 1.2.1990" it is the second date.
    r"(?!.{0,25}\d)",
    re.IGNORECASE,
)
BIRTHS = (
    (BIRTH, "date", "BIRTH_DATE", "date of birth"),
    (BIRTH_AFTER, "date", "BIRTH_DATE", "date before a word for birth"),
)
BIRTH_WORD = re.compile(rf"{FREE}(?:{BIRTH_NAME}|{BORN})(?![^\W_])|\* ?\d", re.IGNORECASE)
PLATE = re.compile(
    r"(?<!\w)(?i:licen[cs]e plate|number ?plate|plate(?: (?:number|no\.?))?|registration(?: (?:number|plate|no\.?))?"
    r"|vehicle reg\w*|kennzeichen|nummernschild"
    r"|plaque(?: d'immatriculation)?|immatricul\w+|matrícula|targa|kenteken\w*|rejestracyjn\w+|registreringsnummer)"
    r"(?![^\W\d_])[^\w\n]{0,4}(?:(?i:is|ist|est|es|è|no|nr|number"
    r"|:)[^\w\n]{1,3}){0,2}(?P<plate>(?=[A-ZÄÖÜ0-9 ·-]{0,9}\d)(?=[0-9 ·-]{0,6}[A-ZÄÖÜ])(?:[A-ZÄÖÜ0-9]{1,4}(?:[ ·-]{1,2}"
    r"[A-ZÄÖÜ0-9]{1,5}){0,3}|[A-Z0-9]{5,8}))(?!\w)"
)
HANDLE = re.compile(
    r"(?<!\w)(?:user(?:name| name| id)?|login|handle|nick(?:name)?|screen name|benutzername|benutzer|nutzername"
    r"|utilisateur|identifiant|pseudo|usuario|nombre de usuario"
    r"|nome utente|utente|gebruikersnaam|użytkownik|twitter|instagram|insta|tiktok|telegram|discord|skype|snapchat"
    r"|github|mastodon|x\.com|threads|bluesky)"
    r"(?!\w)(?:(?:[\"']?\s?[:=]\s?[\"']?|\s(?:is|ist|est|es|è)[: ]\s?)(?P<handle>@[\w.]{2,40}"
    r"|(?=[\w.-]{0,40}[\d_])[A-Za-z][\w.-]{2,40})"
    r"|\s(?P<at>@[\w.]{2,40}))(?<!\.)(?![\w@])",
    re.IGNORECASE,
)
AT_NAME = re.compile(r"(?<![\w@./`])@(?=[\w.]{0,30}(?:[\d_]|[a-z]{3}))[A-Za-z_][\w.]{2,30}(?<!\.)(?![\w@(/])")
TALK = re.compile(
    r"(?<!\w)(?:follow|dm|tweet|tag|mention|message|write|ping|folge|schreib|sígueme|suis|suivez|seguimi|find me"
    r"|reach me|contact)(?!\w)",
    re.IGNORECASE,
)
ACCOUNT = re.compile(
    r"(?<![\w-])(?:(?:bank |customer |client |member(?:ship)? |patient |policy |insurance |employee |student |loyalty "
    r"|subscriber )?(?:account|acct|a/c)(?: (?:number|no\.?|nr\.?|id|#))?"
    r"|(?:customer|client|member(?:ship)?|patient|policy|insurance|employee|student|medical record|loyalty card|routing)"
    r" ?(?:number|no\.?|nr\.?|id|#|code)|sort code|mrn"
    r"|konto(?:nummer|nr\.?)?|kunden(?:nummer|nr\.?)|versicherten(?:nummer|nr\.?)|mitglieds(?:nummer|nr\.?)"
    r"|personalnummer|patientennummer|matrikelnummer|blz"
    r"|numéro de (?:compte|client|dossier)|n° (?:client|de compte)|número de (?:cuenta|cliente)|nº de cliente"
    r"|numero (?:di )?(?:conto|cliente)|codice cliente"
    r"|rekeningnummer|klantnummer|numer (?:konta|klienta)|número da conta)"
    r"(?!\w)[^\w\n]{0,4}(?:(?:is|ist|est|es|è|ending in"
    r"|lautet)\s[^\w\n]{0,2})?(?P<number>(?=[A-Z0-9./-]{0,8}\d)[A-Z0-9][A-Z0-9./-]{3,24}(?<![./-])(?: \d{2,6}){0,5})(?"
    r"!\w)",
    re.IGNORECASE,
)


def places(text: str) -> Iterator[Span]:
    """Postal addresses, each anchored by a house number, a postcode or a post box."""
    if not HOUSE.search(text):
        return
    for rule, pattern in PATTERNS:
        for found in pattern.finditer(text):
            if not NO_ADDRESS.search(found.group()):
                yield Span(found.start(), found.end(), "ADDRESS", REVIEW, rule)
    for found in CITY_CUE.finditer(text):
        yield Span(found.start("place"), found.end(), "ADDRESS", REVIEW, "address behind a word for it")


def details(text: str) -> Iterator[Span]:
    """Dates of birth, vehicle plates, user names and account numbers, each behind a word for it."""
    if HOUSE.search(text):
        told = BIRTH_WORD.search(text) is not None
        for pattern, group, what, rule in (
            *(BIRTHS if told else ()),
            (PLATE, "plate", "PLATE", "vehicle plate"),
            (ACCOUNT, "number", "ACCOUNT", "account number"),
        ):
            for found in pattern.finditer(text):
                yield Span(*found.span(group), what, REVIEW, rule)
    for found in HANDLE.finditer(text):
        yield Span(*found.span(found.lastgroup), "HANDLE", REVIEW, "user name behind a word for it")
    if "@" in text and TALK.search(text):
        for found in AT_NAME.finditer(text):
            yield Span(found.start(), found.end(), "HANDLE", REVIEW, "user name")
