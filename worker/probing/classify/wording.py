"""A server's words, made comparable: in lower case, without addresses, hosts and own words.

Nothing here knows a code. No pattern with a memory runs over a server's text, and no more of it is
read than `MAX_CHARACTERS`: a verdict costs well below a millisecond whatever the server wrote.
"""

from collections.abc import Container, Iterable, Iterator
from html import unescape
from itertools import islice, zip_longest
from typing import Final
from urllib.parse import unquote

from worker.probing.classify.spelling import MAX_CHARACTERS, Words, words_of
from worker.probing.patterns import text_pattern

MAX_WORDS: Final = 100
"""A verdict never hangs on what comes later, and a hostile server chooses the length."""

MAX_OWN_WORDS: Final = 32
"""Of one name or secret, all of which may be ideographs: it is compared at every word of a text."""

MAX_REPLACED: Final = 100
MAX_ADDRESSES: Final = 10
"""Of tags, names and so on; each takes 2 us, an address 10, and a text is read five times."""

LETTERS_OF_A_WORD: Final = 5
"""Fewer beside a digit are a piece of an id."""

# Two dots make a name or an IP address. One dot does only before a usual top-level domain, as
# servers forget the blank after a full stop ("Login Fail.Please enter ...").
_DOTTED: Final = text_pattern(
    r"[\pL\pN_-]+(?:(?:\.[\pL\pN_-]+){2,}"
    r"|\.(?:com|net|org|info|biz|test|example|[a-z]{2})(?:[^\pL\pN_]|\z))"
)
_CLASS_NAME: Final = text_pattern(
    r"(?:[\pL\pN_$]+\.)+(\p{Lu}[\pL\pN_]*\p{Ll}\p{Lu}[\pL\pN_]*)([^\pL\pN_.-]|\z)"
)
"""What a program let out, and no host: `java.net.SocketTimeoutException`."""

# Up to the end of the sentence: what follows is advice for a case that may not be this one, a
# guess, or what will come. Not Italian "si" and Portuguese "se": they say "oneself", too.
_SUPPOSED_IF: Final = (
    r"if|unless|whether|in case|make sure|ensure|(?:check|verify) that|before (?:the|your)|falls"
    r"|wenn|ob|sofern|si (?:la|le|les|votre|vos|vous|su|el)|si l['\x{2019}]\pL+"
    r"|verificar(?:e)? (?:che|que|si)|controleer of|indien|jeśli|jesli|czy|если|проверьте,? не"
)
_SUPPOSED_MAYBE: Final = (
    r"(?:may|might|could|will|would) (?:be|have been|lead|result|get)"
    r"|maybe|perhaps|possibly|probably|possible (?:reasons?|causes?)"
    r"|möglicherweise|vielleicht|eventuell|könnte|peut[- ]être"
    r"|pourrait|puede (?:que|estar)|quizás?|podría|potrebbe|forse|pode estar|talvez|mogelijk"
    r"|misschien|być może|может быть|возможно"
)
_SUPPOSED: Final = text_pattern(
    rf"(?i)(?:^|[^\pL\pN_])(?:{_SUPPOSED_IF}|{_SUPPOSED_MAYBE})[\s:](?:[^.;!?]|[.;!?][^\s])*"
    r"|(?:是否|如果|若|可能)[^\x{3002}\x{ff1b}\x{ff01}\x{ff1f}.;!?]*"
)
# A web page in place of a reply, or one pasted into it. No other name in angle brackets is a tag:
# servers put addresses and user names there.
_TAG: Final = text_pattern(
    r"(?i)</?(?:a|b|body|br|center|code|div|em|font|h[1-6]|head|hr|html|i|li|meta|p|pre|span|strong"
    r"|table|td|title|tr|tt|u|ul)(?:\s[^<>]{0,200})?/?>"
)
_ADDRESS: Final = r"[\[(]?(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f]+:[0-9a-f:]+)[\])]?"
_FROM_ADDRESS: Final = text_pattern(rf"(?i)\b(from|address|client|host) {_ADDRESS}")
"""Who connects, whatever the address: "login not allowed from 192.0.2.1"."""

_ADDRESS_IS: Final = text_pattern(
    rf"(?i)(?:^|\s){_ADDRESS} (is|was|has|not|banned|blocked|blacklisted|listed|denied|refused)\b"
)
"""The same as the subject: "192.0.2.1 is blocked"."""

_IN_REPLY_TO: Final = text_pattern(r"(?i)\(in reply to [^()]{0,200}\)")
"""Postfix, of the command that another server refused."""

_ESCAPED: Final = text_pattern(r"(?:\\x[0-9a-fA-F]{2})+")
_SCHEMES: Final = ("https://", "http://")
_LABELS: Final = frozenset(
    {"event", "id", "incident", "queue", "ref", "reference"}
    | {"request", "session", "ticket", "trace"}
)
_NAMES_WITH_DIGITS: Final = frozenset({"oauth2", "xoauth2", "2fa", "2sv", "mfa", "otp"})
_AROUND_LABELS: Final = "([{<>}]):#=,.;"

_QUOTES: Final = ("''", '""', "<>", "()", "[]", "`'")

_SAID_OF_SOMETHING: Final = frozenset(
    ("is", "are", "was", "were", "been", "be", "has", "currently", "temporarily", "ist", "est")
)
"""Words after which another is a state and not a name."""

FOREIGN_ENCODINGS: Final = ("gb18030", "cp1251", "koi8-r", "cp949", "iso-8859-1")
"""What servers that do not speak UTF-8 were seen to send. A wrong guess yields no known phrase."""


def comparable(text: str, own_words: Iterable[str] = (), *, links: bool = True) -> Words:
    """What a server said, without addresses, hosts and `own_words`: the tenant's host and user.

    A tester that looked for "auth" once took `smtp-auth.example.com` for one. The path of a link
    stays unless `links` is False, because providers put the reason there (`?p=BadCredentials`);
    then words that hold a digit, ids as a rule, go as well.
    """
    own = tuple(own_words)
    text = text[:MAX_CHARACTERS].replace("(s)", "s")
    plain = _IN_REPLY_TO.sub(" ", _without_markup(_unquoted(text)), MAX_REPLACED)
    plain = without_quoted(plain, local_parts(own))
    plain = _decoded(plain)
    parts = (part for line in plain.split("\n") for part in _parts(line, links=links))
    said = " ".join(parts)
    if links:
        said = _FROM_ADDRESS.sub(r"\1 ip ", said, MAX_ADDRESSES)
        said = _ADDRESS_IS.sub(r" ip \1", said, MAX_ADDRESSES)
    said = _CLASS_NAME.sub(r"\1\2", said, MAX_ADDRESSES)
    words = words_of(_DOTTED.sub(" ", said, MAX_REPLACED))
    for one in own:
        words = _without(words, words_of(one))
    return words[:MAX_WORDS]


def asserted(text: str) -> str:
    """Leave out what is only supposed: "login failed. If IMAP is disabled, enable it"."""
    return _SUPPOSED.sub(" ", text[:MAX_CHARACTERS], MAX_REPLACED)


def local_parts(own_words: Iterable[str]) -> tuple[str, ...]:
    """Cut own addresses at the `@`: many a server names the user without the domain."""
    return tuple(
        local for local, at, _ in (one.partition("@") for one in own_words) if local and at
    )


def _parts(line: str, *, links: bool) -> Iterator[str]:
    """Split a line at blanks; without its reply code, addresses and the hosts of links."""
    if line[:3].isdecimal() and line[3:4] in ("", " ", "-"):
        line = line[4:]
    parts = line.split()
    for part, following in zip_longest(parts, parts[1:], fillvalue=""):
        before, scheme, link = _at_scheme(part)
        if scheme:
            yield before
            yield _path(link) if links else ""
        elif "@" not in part[1:-1]:
            yield part if links else _without_id(part, following)


def _without_id(part: str, following: str) -> str:
    """Take out what holds a digit: E12_MAILBOX_MOVED still says something, a1-20020a05 nothing.

    And the label of an id that follows: "(session 4711)".
    """
    if _holds_digit(part):
        return " ".join(filter(_says_something, words_of(_DOTTED.sub(" ", part))))
    is_label = part.strip(_AROUND_LABELS).lower() in _LABELS
    return "" if is_label and _holds_digit(following) else part


def _says_something(word: str) -> bool:
    """Tell a word from a piece of an id; an ideograph is one, whatever stands beside it."""
    if word in _NAMES_WITH_DIGITS or not word.isascii():
        return True
    return word.isalpha() and len(word) >= LETTERS_OF_A_WORD


def _holds_digit(part: str) -> bool:
    return any(map(str.isdecimal, part))


def _at_scheme(part: str) -> tuple[str, str, str]:
    lower = part.lower()
    for scheme in _SCHEMES:
        if scheme in lower:
            at = lower.index(scheme)
            return part[:at], scheme, part[at + len(scheme) :]
    return part, "", ""


def _path(link: str) -> str:
    at = min((place for place in map(link.find, "/?") if place >= 0), default=len(link))
    return link[at:].replace("://", " ")


def _without_markup(text: str) -> str:
    if "<" in text:
        text = _TAG.sub(" ", text, MAX_REPLACED)
    return unescape(text) if "&" in text else text


def _unquoted(text: str) -> str:
    """Read `%20`: what is echoed so has to be known for what it is."""
    return unquote(text) if "%" in text else text


def without_quoted(text: str, names: Iterable[str]) -> str:
    """Take out names where they stand in quotes: unknown user 'locked'.

    Elsewhere they stay: an account called account@ must not hide "your account is locked".
    """
    for name in names:
        for first, last in _QUOTES:
            text = text.replace(f"{first}{name}{last}", " ")
    return text


def without_texts(text: str, names: Iterable[str]) -> str:
    """Take names out where they are no part of a longer word."""
    for name in names:
        first, *rest = text.split(name)
        kept = [first]
        for part in rest:
            inside = kept[-1][-1:].isalnum() or part[:1].isalnum()
            kept += [name if inside else " ", part]
        text = "".join(kept)
    return text


def without_names(words: Words, names: Iterable[Words]) -> Words:
    """Take `names` out of `words`, but not where one is said of something: "you are banned"."""
    for name in names:
        words = _without(words, name, unless_after=_SAID_OF_SOMETHING)
    return words


def _without(words: Words, own: Words, unless_after: Container[str] = ()) -> Words:
    """Take out each place where the first of the words of `own` stand one after the other."""
    own = own[:MAX_OWN_WORDS]
    if not own or own[0] not in words:
        return words
    kept: list[str] = []
    at = 0
    while at < len(words):
        said = bool(kept) and kept[-1] in unless_after
        if not said and words[at : at + len(own)] == own:
            at += len(own)
        else:
            kept.append(words[at])
            at += 1
    return tuple(kept)


def _decoded(text: str) -> str:
    r"""Undecodable bytes arrive as `\xNN`: append each reading that makes letters of them."""
    if "\\x" not in text:
        return text
    runs = [found[0].replace("\\x", "") for found in islice(_ESCAPED.finditer(text), MAX_REPLACED)]
    octets = b" ".join(map(bytes.fromhex, runs))
    readings = (octets.decode(encoding, "ignore") for encoding in FOREIGN_ENCODINGS)
    return "\n".join((_ESCAPED.sub(" ", text, MAX_REPLACED), *readings))
