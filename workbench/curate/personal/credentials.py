"""Rules for secrets: keys, tokens and passwords, by the form their issuers give them or by the name before them."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from workbench.curate.personal.cues import anywhere
from workbench.curate.personal.spans import MASK, SECRET, Span


class Form(NamedTuple):
    """The form of one issuer's secrets.

    Attributes:
        rule: what it is called.
        hints: strings of which one must stand in the text (in lower case) before the pattern is tried.
        pattern: the secret itself, or its group "secret".
    """

    rule: str
    hints: tuple[str, ...]
    pattern: re.Pattern


def _form(rule: str, hints: str, pattern: str, flags: int = 0) -> Form:
    return Form(rule, tuple(hints.split()), re.compile(pattern, flags))


FREE, END = r"(?<![A-Za-z0-9_-])", r"(?![A-Za-z0-9_-])"
FORMS = (
    _form("AWS access key id", "akia asia abia acca", rf"{FREE}A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{{16}}{END}"),
    _form("AWS secret key", "aws secretaccesskey", (
        r"(?i:aws\w{0,20}secret\w{0,20}|secretaccesskey)[\"']?\s{0,3}[:=]{1,2}>?\s{0,3}[\"']?(?P<secret>[A-Za-z0-9/+]{"
        r"40})(?![A-Za-z0-9/+=])"
    )),
    _form("GitHub token", (
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_"
    ), rf"{FREE}(?:gh[pousr]_[A-Za-z0-9]{{36,255}}|github_pat_[A-Za-z0-9_]{{50,255}}){END}"),
    _form("GitLab token", (
        "glpat- gldt- glrt- glcbt- glptt-"
    ), rf"{FREE}gl(?:pat|dt|rt|cbt|ptt)-[A-Za-z0-9_.-]{{20,100}}"),
    _form("Slack token", "xox xapp-", (
        rf"{FREE}(?:xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{{10,200}}|xapp-\d-[A-Za-z0-9-]{{10,200}})"
    )),
    _form("Slack webhook", "hooks.slack.com", (
        r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,120}"
    )),
    _form("Anthropic key", "sk-ant-", rf"{FREE}sk-ant-[A-Za-z0-9_-]{{20,200}}"),
    _form("OpenAI key", "sk-", (
        rf"{FREE}sk-(?!ant-)(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{{20,200}}|[A-Za-z0-9]{{32,64}}{END})"
    )),
    _form("Hugging Face token", "hf_ api_org_", rf"{FREE}(?:hf|api_org)_[A-Za-z0-9]{{30,60}}{END}"),
    _form("Google API key", "aiza", rf"{FREE}AIza[A-Za-z0-9_-]{{35}}{END}"),
    _form("Google OAuth secret", "gocspx- ya29.", (
        rf"{FREE}(?:GOCSPX-[A-Za-z0-9_-]{{20,40}}|ya29\.[A-Za-z0-9_-]{{20,300}})"
    )),
    _form("Stripe key", (
        "sk_live pk_live rk_live sk_test rk_test whsec_"
    ), rf"{FREE}(?:(?:[rs]k_(?:live|test)|pk_live)_[A-Za-z0-9]{{16,200}}|whsec_[A-Za-z0-9+/=]{{24,100}})"),
    _form("JSON web token", "eyj", (
        rf"{FREE}eyJ[A-Za-z0-9_-]{{8,4000}}\.[A-Za-z0-9_-]{{8,8000}}\.[A-Za-z0-9_-]{{10,1000}}"
    )),
    _form(
        "private key", "private key",
        r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:(?:(?!-----(?:BEGIN|END) )[^\0]){0,20000}"
        r"-----END (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----|\s{0,4}(?:[A-Za-z0-9+/=]{24,80}\s{0,4}){1,400})",
    ),
    _form("password in a URL", "://", (
        r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,30}://(?P<secret>[^\s/:@\"'<>]{0,100}:[^\s/@\"'<>]{1,200}"
        # A password may hold an @ itself: the host stands behind the last one.
        r"(?:@[^\s/@\"'<>,;|(){}\[\]?&#=]{0,100}){0,3})@[^\s/\"'<>@]"
    )),
    _form("database connection string", (
        "pwd= password= accountkey= sharedaccesskey= sharedaccesssignature= client_secret= access_token= sharedsecret="
    ), (
        r"\b(?:pwd|password|accountkey|sharedaccesskey|sharedaccesssignature|client_secret|access_token|sharedsecret)="
        r"(?P<secret>[^;&\s\"'<>)]{4,400})"
    ), re.IGNORECASE),
    _form("Azure client secret", "q~", (
        r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~.-])"
    )),
    _form("Twilio key", (
        "twilio sk0 sk1 sk2 sk3 sk4 sk5 sk6 sk7 sk8 sk9 ska skb skc skd ske skf ac0 ac1 ac2 ac3 ac4 ac5 ac6 ac7 ac8 ac"
        "9"
    ), rf"{FREE}(?:SK|AC)[0-9a-f]{{32}}{END}"),
    _form("SendGrid key", "sg.", rf"{FREE}SG\.[A-Za-z0-9_-]{{16,32}}\.[A-Za-z0-9_-]{{32,64}}"),
    _form("signature of a shared URL", "sig= x-amz-signature=", (
        r"(?i:[?&]sig=(?P<secret>[A-Za-z0-9%+/_-]{30,120}={0,2})|[?&]x-amz-signature=(?P<other>[0-9a-f]{64}))"
    )),
    _form("vendor's token", (
        "glsa_ glc_ lin_api_ ntn_ figd_ pmak- sbp_ pscale_ dp.pt. dp.st. hvs. hvb. rubygems_ dckr_pat_ sq0 gsk_ r8_ xai- pplx- nfp_"
        " xkeysib- nrak- atatt3 lsv2_ ctx7sk- ghapp_ tfe_ .atlasv1. sntrys_ sk.eyj jfrog eaa whsk_ pat-na1- pat-eu1- rk_ tvly- ops_ey"
    ), (
        rf"{FREE}(?:gl(?:sa|c)_[A-Za-z0-9_+/=-]{{30,200}}|lin_api_[A-Za-z0-9]{{30,60}}|ntn_[A-Za-z0-9]{{40,60}}"
        r"|figd_[A-Za-z0-9_-]{30,80}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}|sbp_[0-9a-f]{40}|pscale_(?:tkn|pw"
        r"|oauth)_[A-Za-z0-9_.-]{30,80}"
        r"|dp\.[ps]t\.[A-Za-z0-9._-]{36,80}|hv[sb]\.[A-Za-z0-9_-]{20,300}|rubygems_[0-9a-f]{48}"
        r"|dckr_pat_[A-Za-z0-9_-]{20,60}"
        r"|sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,60}|gsk_[A-Za-z0-9]{40,80}|r8_[A-Za-z0-9]{30,50}|xai-[A-Za-z0-9]{40,120}"
        r"|pplx-[A-Za-z0-9]{40,80}|nfp_[A-Za-z0-9]{36,60}|xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}|NRAK-[A-Z0-9]{27}"
        r"|ATATT3[A-Za-z0-9_=-]{60,250}|lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}|sntrys_[A-Za-z0-9_=+/-]{40,300}"
        r"|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,80}|sk\.eyJ[A-Za-z0-9_-]{20,200}\.[A-Za-z0-9_-]{20,40}"
        r"|EAA[A-Za-z0-9]{80,250}|pat-(?:na|eu)1-[0-9a-f-]{36}|tvly-[A-Za-z0-9-]{28,60})(?![A-Za-z0-9_-])"
    )),
    _form("Mailchimp key", "-us", rf"{FREE}[0-9a-f]{{32}}-us\d{{1,2}}{END}"),
    _form("Sentry DSN", "sentry", r"https://(?P<secret>[0-9a-f]{32}(?::[0-9a-f]{32})?)@[\w.-]*sentry"),
    _form("webhook with its token", "webhook.office.com hooks.zapier.com maker.ifttt.com", (
        r"https://(?:[\w-]{1,60}\.webhook\.office\.com/webhookb2/|hooks\.zapier\.com/hooks/catch/"
        r"|maker\.ifttt\.com/)[\w@/.-]{12,250}"
    )),
    _form("password on the command line", "curl wget mysql mariadb sshpass -pass psql -u ", (
        r"(?<!\w)(?:(?:curl|wget|http)\s[^\n]{0,120}?(?:-u"
        r"|--user)[ =]?[\"']?[\w.@+-]{1,60}:(?P<secret>[^\s\"'<>$]{4,100})"
        r"|(?:mysql\w*|mariadb)\s[^\n]{0,80}?-p(?P<mysql>[^\s\"'<>$-][^\s\"'<>$]{3,100})"
        r"|sshpass\s-p\s?[\"']?(?P<ssh>[^\s\"'<>$]{4,100}))"
    )),
    _form("Mailgun key", "key-", rf"{FREE}key-[0-9a-f]{{32}}{END}"),
    _form("npm token", "npm_", rf"{FREE}npm_[A-Za-z0-9]{{36}}{END}"),
    _form("PyPI token", "pypi-", rf"{FREE}pypi-AgE[A-Za-z0-9_-]{{50,300}}"),
    _form("Telegram bot token", ":aa", r"(?<![\w:])\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"),
    _form("Discord token", "discord token bot", (
        rf"{FREE}[MNO][A-Za-z0-9_-]{{23,27}}\.[A-Za-z0-9_-]{{6}}\.[A-Za-z0-9_-]{{27,40}}{END}"
    )),
    _form("Discord webhook", "/api/webhooks/", (
        r"https://(?:\w{1,10}\.)?discord(?:app)?\.com/api/webhooks/\d{15,22}/[A-Za-z0-9_-]{40,100}"
    )),
    _form("DigitalOcean token", "dop_v1_ doo_v1_", rf"{FREE}do[op]_v1_[0-9a-f]{{64}}{END}"),
    _form("Shopify token", "shp", rf"{FREE}shp(?:at|ca|pa|ss)_[0-9a-fA-F]{{32}}{END}"),
    _form("Databricks token", "dapi", rf"{FREE}dapi[0-9a-f]{{32}}(?:-\d)?{END}"),
    _form("age or age-like secret key", "age-secret-key-", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    _form("bearer token", "bearer basic", (
        r"(?i:authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?)(?i:bearer|basic|token"
        r"|apikey)\s{1,3}(?P<secret>[A-Za-z0-9._~+/=-]{8,2000})"
        r"|(?<!\w)(?i:bearer)\s(?P<bare>(?=[A-Za-z0-9._~+/-]{0,60}\d)[A-Za-z0-9._~+/-]{20,2000}={0,2})"
    )),
)
PASSWORD_NAMES = (
    r"pass(?:word|wd|phrase|code|wort)?|pwd|pswd|passw|pw|kennwort|zugangscode|zugangspasswort|mot de passe|mdp"
    r"|contraseña|contrasena"
    r"|clave(?: de acceso)?|wachtwoord|parola(?: d['’]ordine)?|senha|palavra-?passe|hasło|haslo|lösenord|adgangskode"
    r"|passord|salasana"
)
# One flat list: the loop over it is what every text pays for.
HINTS = tuple((hint, form) for form in FORMS for hint in form.hints)
# A quote ends a value only where one opened it; within a bare one it is a sign like others.
VALUE = (
    r"(?P<quote>[\"'`])?(?P<secret>(?(quote)(?:(?!(?P=quote))[^\s,;<>(){}\[\]]){4,300}"
    r"|[^\s\"'`,;<>(){}\[\]](?:[^\s\"'`,;<>(){}\[\]]|[\"'`](?=\w)){3,299}))"
)
NAMED = re.compile(
    r"(?<![A-Za-z0-9$])(?:[A-Za-z0-9]{1,30}[_.-]){0,4}(?:-?(?-i:[a-z][A-Za-z0-9]{0,24}?(?=[A-Z]))"
    r"|[A-Za-z]{1,16}?(?=password|passwd|passwort|secret|apikey))?"
    rf"(?P<name>{PASSWORD_NAMES}"
    r"|secret(?:[_ -]?(?:access[_ -]?)?key)?|api[_ -]?(?:key|token|secret)|apikey|access[_ -]?key|auth[_ -]?(?:token|key)"
    r"|access[_ -]?token|refresh[_ -]?token|token|account[_ -]?key"
    r"|client[_ -]?secret|private[_ -]?key|encryption[_ -]?key|signing[_ -]?key|licen[cs]e[_ -]?key"
    r"|recovery[_ -]?(?:key|code)"
    r"|session[_ -]?(?:id|token|key)|jsessionid|phpsessid|otp|tan|pin(?:[- ]?(?:code|number|nummer))?|webhook[_-]?secret)"
    r"(?:[\"'`]?\s{0,3}(?:\([^()\n]{1,20}\)\s?)?(?P<sign>:=|=>|===?|=|:|->|→)\s{0,3}"
    r"|\s{1,3}(?P<verb>(?:is|ist|est|es|è|é|jest|lautet|lautete|war|was|era|était)(?: (?:now|jetzt|nun|maintenant"
    r"|ahora|still|noch|set to|teraz))?)(?::|\s)\s{0,3})"
    rf"{VALUE}",
    re.IGNORECASE,
)
# "--password hunter2", "--api-key=abc"
OPTION = re.compile(
    r"(?<!\S)--?(?:\w{1,20}-)?(?P<name>password|passwd|passphrase|pass|pwd|token|secret|api-?key|auth-token)[= ]"
    rf"(?![\"'`]?-){VALUE}",
    re.IGNORECASE,
)
IN_JSON = re.compile(
    rf'"(?:[A-Za-z0-9]{{1,30}}[_.-]){{0,4}}(?P<name>{PASSWORD_NAMES}|secret(?:[_-]?key)?|api[_-]?(?:key|token|secret)|access[_-]?key'
    r"|(?:auth|access|refresh)[_-]?token|token|client[_-]?secret|private[_-]?key)"
    r'"\s{0,3}:\s{0,3}"(?P<secret>(?:[^"\\\n]|\\.){4,300})"',
    re.IGNORECASE,
)
VERBS = r"(?:(?:is|ist|est|es|è|é|jest|lautet|lautete|war|was|era|était)(?: (?:now|jetzt|nun|ahora|set to))?)"
# "my password for the portal is X", and "I wrote my password X in the chat".
SAID = re.compile(
    rf"(?<![\w$])(?:{PASSWORD_NAMES})\s(?:(?:for|to|of|on|at|für|zum|zur|zu|vom|de|del|du|pour|para|per|di|do|da|voor)\s"
    rf"(?:[\w'’-]{{1,20}}\s){{1,4}}?{VERBS}(?::|\s)\s{{0,3}}|(?:-|to|auf|en|a|na|in"
    rf"|naar)\s)?\(?{VALUE}",
    re.IGNORECASE,
)
# A long random string behind "token" or "key" needs no sign between the two.
RANDOM = re.compile(
    rf"(?<![\w$])(?P<name>(?:[\w-]{{1,20}} )?key|(?:api|access|auth|secret|private)[_-]?key|token|secret)"
    rf"\s(?:{VERBS}\s)?[\"'`(]?(?P<secret>(?:[A-Za-z]{{2,12}}[_-]){{0,3}}(?:[0-9a-f]{{32,128}}"
    rf"|(?=[A-Za-z0-9+/_-]{{0,100}}\d)[A-Za-z0-9+/_-]{{24,200}}={{0,2}}))(?![\w+/=-])",
    re.IGNORECASE,
)
NO_SECRET_KEY = re.compile(r"(?:primary|foreign|public|cache|sort|partition|lookup|row|index|dedup\w*) key", re.IGNORECASE)
# Names of methods and formats, and rules for passwords, stand behind "password" and hold a digit.
NO_PASSWORD = re.compile(
    r"(?:sha|md|pbkdf|aes|oauth|base|utf|http|web|win|office|ldap|rfc|iso|cve|nist)-?\d|v?\d+(?:[./:-]\d+)*\W*$"
    r"|v?\d+\.\d+[\w.-]*$"
    r"|https?://|www\.|\d{1,3}-?(?:digit|char|letter|bit|day|month|year|minute|hour|stellig|zeichen|tage|mal)",
    re.IGNORECASE,
)
PASSWORD_STARTS = (
    "pass", "pwd", "pswd", "pw", "kennw", "zugang", "mot de", "mdp", "contra", "clave", "wacht", "parola", "senha", "palavra", "has",
    "lös", "adgang", "salas",
)
NAMES = re.compile(
    r"pass|pwd|pswd|\bpw\b|kennwort|zugangs|contrase|clave|\bmdp\b|wachtwoord|parola|senha|palavra|has[łl]o|lösenord"
    r"|adgangskode"
    r"|salasana|secret|api[_ -]?(?:key|token)|access[_ -]?key|token|account[_ -]?key|session|sessid"
    r"|licen[cs]e[_ -]?key|recovery"
    r"|private[_ -]?key|encryption|signing|\b(?:pin|otp|tan)",
    re.IGNORECASE,
)
PLACEHOLDER = re.compile(
    r"^(?:[x*.•#?_-]+|<.*|\$.*|%.*|\{.*|\[.*|(?:change|replace|enter|insert|your|my|the|some|any)[_-]?(?:me|your|it"
    r"|this|here|pass\w*|token|key|secret|api)?.{0,20}|(?:example|sample|dummy|placeholder|redacted|hidden|masked"
    r"|secret|password|passwort|token|none|null|undefined|true|false|required|optional|string|str|bytes|int|bool"
    r"|object|default|unknown|invalid|expired|wrong|missing|empty|n/a|todo|tbd|test|foo|bar|foobar)\w{0,3}|(?:os\."
    r"|process\.|env\.|self\.|settings\.|config\.|get|request\.|args\.|options\.|params\.|secrets?\.).*)$",
    re.IGNORECASE,
)
SIGNS = re.compile(r"[^\w\s.:?]|_")
HEX = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{32,128}(?![0-9A-Za-z])")
FULL_WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*")


def credentials(text: str) -> Iterator[Span]:
    """Keys, tokens and passwords."""
    lowered = text.lower()
    for form in dict.fromkeys([form for hint, form in HINTS if hint in lowered]):
        for found in form.pattern.finditer(text):
            group = found.lastgroup or 0
            value = found.group(group)
            if not PLACEHOLDER.match(value) and len(set(value)) > 3 and not _is_shown(form, value):
                yield Span(*found.span(group), SECRET, MASK, form.rule)
    if anywhere(NAMES, lowered):
        for found in NAMED.finditer(text):
            value = found["secret"].rstrip(".?:")
            if _is_secret(found["name"].lower(), value, found["quote"] is not None, found["verb"] is not None):
                yield Span(found.start("secret"), found.start("secret") + len(value), SECRET, MASK, "named secret")
        for found in OPTION.finditer(text) if "-" in text else ():
            value = found["secret"]
            if any(map(str.isdigit, value)) and _is_secret(found["name"].lower(), value, True, False):
                yield Span(*found.span("secret"), SECRET, MASK, "secret on the command line")
        yield from _passwords_in_prose(text)
    if any(word in lowered for word in ("key ", "token ", "secret ")):
        yield from _keys_in_prose(text)


def quoted_credentials(text: str) -> Iterator[Span]:
    """Passwords and keys of JSON, up to the quote that ends them: what is escaped, and what is behind a comma, is theirs."""
    for found in IN_JSON.finditer(text) if anywhere(NAMES, text.lower()) else ():
        try:
            value = json.loads(f'"{found["secret"]}"', strict=False)
        except ValueError:
            continue
        first = re.split(r"[\s,;<>(){}\[\]]", value, maxsplit=1)[0]
        # Of a sentence, only one that begins with a password is one: "must hold 8 characters" is a rule for them.
        if _is_secret(found["name"].lower(), first, True, False) and (first == value or any(map(str.isdigit, first))):
            yield Span(*found.span("secret"), SECRET, MASK, "named secret in JSON")
        elif not re.search(r"\s", value) and _is_secret(found["name"].lower(), value, True, False):
            yield Span(*found.span("secret"), SECRET, MASK, "named secret in JSON")


def _passwords_in_prose(text: str) -> Iterator[Span]:
    for found in SAID.finditer(text):
        value = found["secret"].rstrip(".?:")
        if _looks_chosen(value):
            yield Span(found.start("secret"), found.start("secret") + len(value), SECRET, MASK, "password in a sentence")


def _keys_in_prose(text: str) -> Iterator[Span]:
    for found in RANDOM.finditer(text):
        value = found["secret"]
        mixed = value.lower() != value != value.upper()
        if (HEX.search(value) or mixed) and entropy(value) >= 3.0 and not NO_SECRET_KEY.fullmatch(found["name"]):
            yield Span(*found.span("secret"), SECRET, MASK, "key in a sentence")


def _looks_chosen(value: str) -> bool:
    """Whether a string behind "password" is one: letters with digits, and a sign or both cases among them."""
    if PLACEHOLDER.match(value) or NO_PASSWORD.match(value) or len(value) < 6:
        return False
    letters, digits = any(map(str.isalpha, value)), any(map(str.isdigit, value))
    mixed = value != value.lower() and value[1:] != value[1:].upper()
    return letters and digits and (SIGNS.search(value) is not None or mixed)


def _is_shown(form: Form, value: str) -> bool:
    # "user:password@host" in a manual is how a URL is written, not somebody's password.
    return form.rule == "password in a URL" and PLACEHOLDER.match(value.split(":", 1)[1]) is not None


def _is_secret(name: str, value: str, quoted: bool, said: bool) -> bool:
    if len(value) < 4 or PLACEHOLDER.match(value) or (said and NO_PASSWORD.match(value)):
        return False
    if name.startswith(("pin", "otp", "tan")):
        return value.isdigit() and 4 <= len(value) <= 8
    is_word = FULL_WORD.fullmatch(value) is not None
    is_password = name.startswith(PASSWORD_STARTS)
    if is_password and is_word and value.count("-") >= 2 and not said:
        return len(value) >= 12  # words of a phrase
    if is_password and not is_word:
        # "password = get_it()" and "password: 12 characters" are no passwords.
        return len(value) >= 6 and (said or quoted or any(c.isdigit() for c in value) or not value.isidentifier())
    if is_password:
        mixed = value != value.lower() and value[1:] != value[1:].lower()
        return (quoted and len(value) >= 6) or (mixed and len(value) >= 8)
    letters, digits = any(map(str.isalpha, value)), any(map(str.isdigit, value))
    long = len(value) >= 12 or (len(value) >= 8 and letters and not said and not NO_PASSWORD.match(value))
    return long and not is_word and digits and entropy(value) >= (3.0 if len(value) >= 12 else 2.5)


def entropy(value: str) -> float:
    """Bits a character, by how often each occurs in the value itself: words have about 3, random keys 4 and more."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())
