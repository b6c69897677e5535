"""A yes to a login that says in the same breath that it failed is no yes.

Nor is one that the server does not remember when it is asked for more (`require_remembered`).
"""

from typing import Final

from producer.contract.codes import Code
from worker.probing.errors import AuthFault
from worker.probing.patterns import text_pattern

MAX_JUDGED_CHARACTERS: Final = 1024

MAX_CLAUSES: Final = 64

_CLAUSE_ENDS: Final = str.maketrans(dict.fromkeys(".,;:!?()|\u3002\uff0c\uff01\uff1b", "\n"))

_AROUND_NAMES: Final = "<>()[]'\",.;:"

_NO_CODE: Final = text_pattern(r"(?:\A|\n) *[45]\.[0-9]{1,3}\.[0-9]{1,3}(?:[^.0-9]|\z)")
"""An enhanced code of a refusal. RFC 2034 forbids it beside a success code: it counts where no word
says that the login worked."""

_PLAINLY_NOT_WORDS: Final = (
    r"\b(?:not|never|cannot|could ?n[o']t|un|isn't|wasn't)[ -]?(?:be |been |yet )?"
    r"(?:success|succeed|authent|authori[sz]ed|accept|logged|log in|permitted|allowed)"
    r"|\b(?:nicht|non|no|not|niet|nie|ikke|inte|não) (?:erfolg|berechtig|authent|autor|valid|found)"
    r"|\bno such\b|\bunknown (?:user|account|login|mailbox)|\b(?:user|account) unknown"
    r"|\b(?:authentication|login|password|authorization) (?:is )?(?:required|needed)"
    r"|\bmust (?:first )?(?:authenticate|log ?in|sign in)|\btry (?:again|later)|\binactive\b"
)
_FAILED_WORDS: Final = (
    r"fail|denied|denies|reject|refus|invalid|incorrect|wrong|mismatch|\bbad\b|\berror\b"
    r"|disabled|suspended|locked|blocked|expired|revoked|forbidden"
    r"|fehlgeschlagen|ungültig|verweigert|abgelehnt|gesperrt|falsch|échou|échec|interdit"
    r"|fallid|fallit|erron|inválid|deneg|negad|negat|rechaz|mislukt|geweigerd|onjuist"
    r"|nieprawid|odmow|błąd|chyb|neplat|felaktig|ошиб|неверн|отказ|запрещ|заблок"
    r"|失败|失敗|错误|錯誤|拒绝|拒否|拒絕|不正确|不正確|违|違|无效|無効|실패|거부|오류"
)
_PLAINLY_NOT: Final = text_pattern(_PLAINLY_NOT_WORDS)
_FAILED: Final = text_pattern(_FAILED_WORDS)
_DENIAL: Final = text_pattern(f"{_PLAINLY_NOT_WORDS}|{_FAILED_WORDS}")
"""Without any of these no clause is read: few servers say more than that it worked."""

_WORKED: Final = text_pattern(
    r"success|succeeded|\baccepted|\bwelcome|\bcompleted?\b|\blogged in|\bauthenticated|\bok\b"
    r"|\bgo ahead"
)
_OF_LOGIN: Final = text_pattern(
    r"auth|log ?in|logon|sign|password|passwor|credential|\buser|account|access|mailbox"
)
_OF_THE_PAST: Final = text_pattern(
    r"\b(?:since|last|previous|earlier|recent|past|ago)\b"
    r"|\b[0-9]+ (?:failed|unsuccessful|invalid|bad|rejected)"
)

# RFC 4954, section 6: 530 5.7.0 is for a command that needs a login where none is in force. Many
# servers say so with another code, and 530 is also said of TLS: it is the words that count.
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
_OF_SOMETHING_ELSE: Final = text_pattern(
    r"\bas\b|\bfrom\b|sender|match|another|different|domain|relay"
    r"|\b(?:spf|dkim|dmarc|spam|policy|web|webmail|browser|portal|account|terms)\b"
    r"|\bre-?auth|credential|\btls\b|\bssl\b|starttls|encrypt|\bip\b|\bhost\b|factor|\bstep"
)
"""Who may send as whom, and what else than a login may be asked for."""

_BESIDE_IT_WORDS: Final = (
    "a an and are auth before command ehlo email error first for is in invalid it login mail"
    " message must need on or permitted please port send sending server smtp sorry submission the"
    " this to user you your 25 465 587"
)
_BESIDE_IT: Final = frozenset(_BESIDE_IT_WORDS.split())
"""What may stand in the same clause. "Log in to the portal to accept the terms" asks for more."""


def require_remembered(code: int, text: str) -> None:
    """Raise AuthFault AUTH_UNPROVEN where a command after a yes is refused for want of a login.

    `code` and `text` are those of an SMTP reply. What names a sender, TLS or a relay is no such
    refusal: the login may be in force, and not be enough.
    """
    if code < 500:
        return
    words = _without_names(_judged(text), "").translate(_CLAUSE_ENDS)
    clauses = words.split("\n", MAX_CLAUSES)
    if any(map(_asks_for_a_login, clauses)) and not _OF_SOMETHING_ELSE.search(words):
        raise AuthFault(Code.AUTH_UNPROVEN, "the server said yes and then asked for a login")


def require_plain_yes(text: str, user: str = "") -> None:
    """Raise AuthFault AUTH_UNPROVEN for a success code whose words say that it failed.

    Judged clause by clause: "Authentication successful, 3 failed logins since the last one" is a
    success, "Authentication failed, welcome to the help page" is none. What `user` is called, and
    any address, says nothing.
    """
    words = _without_names(_judged(text), user.lower())
    clauses = words.translate(_CLAUSE_ENDS)
    worked = False
    failed = bool(_NO_CODE.search(words)) and not _WORKED.search(words)
    if not failed and not _DENIAL.search(clauses):
        return
    for clause in clauses.split("\n", MAX_CLAUSES):
        failed = failed or _says_that_it_failed(clause, worked=worked)
        worked = worked or bool(_WORKED.search(clause))
    if failed:
        raise AuthFault(Code.AUTH_UNPROVEN, "the server said yes in words that say no")


def _asks_for_a_login(clause: str) -> bool:
    if not _LOGIN_WANTED.search(clause):
        return False
    return _BESIDE_IT.issuperset(_LOGIN_WANTED.sub(" ", clause).split())


def _judged(text: str) -> str:
    return text[:MAX_JUDGED_CHARACTERS].encode("utf-8", "replace").decode().strip().lower()


def _without_names(text: str, user: str) -> str:
    own = {user, user.partition("@")[0]}
    parts = text.replace("\n", " \n ").split(" ")
    return " ".join(one for one in parts if "@" not in one and one.strip(_AROUND_NAMES) not in own)


def _says_that_it_failed(clause: str, *, worked: bool) -> bool:
    """Once it is said that the login worked, only what else is said of logins may deny it."""
    if _OF_THE_PAST.search(clause):
        return False
    if _PLAINLY_NOT.search(clause):
        return True
    return bool(_FAILED.search(clause)) and (not worked or bool(_OF_LOGIN.search(clause)))
