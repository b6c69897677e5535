"""What of a request may be shown again. Pure.

Someone may have typed a password into the box of the host or the user. So a text of the request
that is, or holds, a password of its item is shown as the mask; and no sentence quotes such a text,
in whatever case, with or without dots and brackets around it.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from producer.contract.codes import Code, WarningCode
from producer.contract.names import MASK
from worker.jobs.reading import Entry
from worker.probing.classify.sentences import Context, describe_code, describe_warning
from worker.probing.secrecy.batch_secrets import BatchSecrets
from worker.probing.secrecy.letters import letters_and_digits
from worker.probing.secrecy.needles import Needles
from worker.probing.target import Protocol

MIN_HIDDEN_CHARACTERS: Final = 8
"""A shorter secret is hidden only where a field equals it: "mail" is part of many honest hosts."""

MAX_ECHO_BYTES: Final = 2 * 1024
"""Of one field as JSON writes it, in ASCII: what could not be read may be of any length."""

_TEXTS: Final = ("dealer_email", "smtp_host", "smtp_user_id", "imap_host", "imap_user_id")


class Concealment:
    """What must not be shown of one entry. `others`: the passwords of its batch."""

    def __init__(self, entry: Entry, never: str = "", others: Sequence[str] = ()) -> None:
        self._entry = entry
        self._others = others
        self._held: dict[str, bool] = {}  # text -> whether it holds a password
        self._secrets = [(secret, letters_and_digits(secret)) for secret in entry.secrets]
        texts = (entry.unread.get(name) or getattr(entry.item, name) for name in _TEXTS)
        long = (plain for secret, plain in self._secrets if len(secret) >= MIN_HIDDEN_CHARACTERS)
        quoted = (letters_and_digits(text) for text in texts if self._holds(text))
        self._never = [word for word in (*long, *quoted, never) if word]
        self._long = tuple(one for one in entry.secrets if len(one) >= MIN_HIDDEN_CHARACTERS)

    def field(self, text: str) -> str:
        """A field of the request as a result shows it."""
        return MASK if self._holds(text) else _bounded(text)

    def sentence(self, text: str, code: str, protocol: Protocol | None) -> str:
        """A sentence about the item; where it quotes too much, the plain one of its code."""
        plain = letters_and_digits(text)
        if not any(word in plain for word in self._never):
            return text
        return plain_sentence(code, protocol)

    def may_name(self, host: str) -> bool:
        """Tell whether a host may be named, in a suggestion.

        The zone's owner chose the name, and may have been given a password before.
        """
        plain = letters_and_digits(host)
        quoted = any(word in plain for word in self._never)
        needles = Needles(self._long, others=BatchSecrets(self._others))
        return not quoted and not needles.found_in(host.encode("utf-8", "replace"))

    def never_naming(self, host: str) -> "Concealment":
        """The same, but no sentence names this host either."""
        return Concealment(self._entry, never=letters_and_digits(host))

    def _holds(self, text: str) -> bool:
        if text not in self._held:
            self._held[text] = self._is_or_has_password(text)
        return self._held[text]

    def _is_or_has_password(self, text: str) -> bool:
        plain = letters_and_digits(text)
        return any(
            text == secret
            or (bool(word) and plain == word)
            or (len(secret) >= MIN_HIDDEN_CHARACTERS and secret in text)
            or (min(len(secret), len(word)) >= MIN_HIDDEN_CHARACTERS and word in plain)
            for secret, word in self._secrets
        )


def plain_sentence(code: str, protocol: Protocol | None) -> str:
    """The sentence of a code, with or without its prefix, that quotes nobody."""
    context = Context(protocol)
    code = code.removeprefix(f"{protocol}_".upper())
    if code in set(Code):
        return describe_code(Code(code), context)
    return describe_warning(WarningCode(code), context)


def _bounded(text: str) -> str:
    """`text`, cut where it is longer than `MAX_ECHO_BYTES`."""
    if len(json.dumps(text)) <= MAX_ECHO_BYTES:
        return text
    sizes = range(len(text))
    too_long = bisect_right(
        sizes, MAX_ECHO_BYTES, key=lambda size: len(json.dumps(_cut(text, size)))
    )
    return _cut(text, too_long - 1)


def _cut(text: str, size: int) -> str:
    return f"{text[:size]}…"
