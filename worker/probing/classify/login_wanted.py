"""A command after a yes to the login that is refused for want of a login: the yes was unearned.

RFC 4954, section 6: 530 5.7.0 to MAIL FROM where no login is in force. RFC 9051, section 3.1:
EXAMINE is not valid before one. Many servers say so with another code, and 530 is also said of TLS:
it is the words that count.
"""

from typing import Final

from producer.contract.report import PhaseName
from worker.probing.classify.clauses import clauses, without_addresses
from worker.probing.classify.status import is_temporary
from worker.probing.patterns import text_pattern
from worker.probing.target import Protocol, Refusal

_AFTER_A_LOGIN: Final = frozenset({PhaseName.MAILBOX, PhaseName.SENDER})

_LOGIN_WANTED: Final = text_pattern(
    r"\b(?:auth|authentication|authorization|authenticate|log ?in|logon|sign in)(?: command)?"
    r" (?:is )?(?:required|needed|necessary|mandatory|first)\b"
    r"|\b(?:requires?|needs?|issue an|send)(?: [a-z]+ and)? (?:smtp )?(?:auth|authentication)\b"
    r"|\b(?:please|must|have to|need to) (?:first )?(?:authenticate|log ?in|log on|sign in)\b"
    r"|\bnot (?:yet )?logged in *\z"
    r"|authenti[^ ]+ (?:ist |est )?(?:erforderlich|notwendig|requise|obligatoire|vereist)"
    r"|autenti[^ ]+ (?:es |è |é )?(?:requerida|necesaria|richiesta|necessária|obrigatória)"
    r"|требуется (?:аутентификац|авторизац)[^ ]*"
    r"|(?:需要|请先|請先)(?:进行)?(?:身份)?(?:验证|认证|認證|登录|登入)|認証が必要"
)
_NOT_LOGGED_IN: Final = text_pattern(
    r"\bnot (?:yet |currently |been )?(?:logged[ -]?in|authenticated|signed in|logged on)\b"
    r"|\b(?:un|non-?|not )authenticated (?:state|session|connection|user)"
    r"|\b(?:log ?in|authenticate|sign in|auth) (?:first|before|please)"
    r"|\b(?:until|unless|before) (?:you )?(?:are |have )?(?:logged|log|authenticat)[a-z]*"
    r"|\bno (?:user|one|login|session) (?:is )?(?:logged in|authenticated)"
    r"|nicht (?:angemeldet|eingeloggt|authentifiziert)|(?:pas|non) (?:connecté|authentifié)"
    r"|non autenticat|no (?:autenticad|ha iniciado sesi)|não autenticad"
    r"|niet (?:ingelogd|aangemeld)|niezalogowan|nie zalogowan"
    r"|не авторизован|не аутентифицирован|未登录|未登入|未认证"
)
_WRONG_STATE: Final = text_pattern(
    r"\b(?:in|for) (?:this|the|that|current|its current)(?: [a-z]+)? state\b"
    r"|\b(?:invalid|wrong|bad|incorrect|illegal) (?:session |connection |protocol )?state\b"
)
"""Said by a BAD it speaks of the command, which needs the authenticated state; by a NO it may speak
of the mailbox."""

_OF_A_LOGIN_IN_FORCE: Final = text_pattern(
    r"\bauthenticated,? but\b|\b(?:backend|upstream|proxy|store|database|remote)\b"
)
"""Exchange of a login that it knows of; and what another server behind this one asked for."""

_OF_SOMETHING_ELSE: Final = text_pattern(
    r"\bas\b|\bfrom\b|sender|match|another|different|domain|relay"
    r"|\b(?:spf|dkim|dmarc|spam|policy|web|webmail|browser|portal|account|terms)\b"
    r"|\bre-?auth|credential|\btls\b|\bssl\b|starttls|encrypt|\bip\b|\bhost\b|factor|\bstep"
)
"""Who may send as whom, and what else than a login may be asked for."""

_BESIDE_IT_WORDS: Final = (
    "a an and are auth before command ehlo email error first for is in invalid it login mail"
    " message must need on or permitted please port send sending server smtp sorry submission the"
    " this to user you your 25 465 587 examine select mailbox inbox folder imap imap4 unknown bad"
    " no not allowed valid access"
)
_BESIDE_IT: Final = frozenset(_BESIDE_IT_WORDS.split())
"""What may stand in the same clause. "Log in to the portal to accept the terms" asks for more."""


def wants_a_login(refusal: Refusal) -> bool:
    """Tell whether a refusal after a yes to the login says that there was none.

    What names a sender, TLS or a relay is no such refusal: the login may be in force, and not be
    enough. Nor is one that calls itself temporary.
    """
    if refusal.phase not in _AFTER_A_LOGIN or is_temporary(refusal):
        return False
    words = without_addresses(refusal.text)
    if refusal.protocol is Protocol.IMAP and _OF_A_LOGIN_IN_FORCE.search(words):
        return False
    if refusal.protocol is Protocol.IMAP and _misses_the_state(refusal, words):
        return True
    return any(map(_asks_for_a_login, clauses(words))) and not _OF_SOMETHING_ELSE.search(words)


def _misses_the_state(refusal: Refusal, words: str) -> bool:
    of_the_command = refusal.condition.upper() == "BAD" and _WRONG_STATE.search(words)
    return bool(of_the_command or _NOT_LOGGED_IN.search(words))


def _asks_for_a_login(clause: str) -> bool:
    if not _LOGIN_WANTED.search(clause):
        return False
    return _BESIDE_IT.issuperset(_LOGIN_WANTED.sub(" ", clause).split())
