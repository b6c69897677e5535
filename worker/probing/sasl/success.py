"""A yes to a login that says in the same breath that it failed is no yes."""

from typing import Final

from producer.contract.codes import Code
from worker.probing.errors import AuthFault
from worker.probing.patterns import text_pattern

MAX_JUDGED_CHARACTERS: Final = 1024

_PLAINLY_NOT: Final = text_pattern(
    r"\b(?:not|never|cannot|could ?n[o']t|un|isn't|wasn't)[ -]?(?:be |been |yet )?"
    r"(?:success|succeed|authent|authori[sz]ed|accept|logged|log in|permitted|allowed)"
)
_FAILED: Final = text_pattern(
    r"fail|denied|denies|reject|refus|invalid|incorrect|wrong|mismatch|\bbad\b|\berror\b"
    r"|disabled|suspended|locked|blocked|expired|revoked"
    r"|fehlgeschlagen|ungültig|échou|échec|fallid|fallit|erron|mislukt"
    r"|ошиб|неверн|失败|失敗|错误|錯誤"
)
_WORKED: Final = text_pattern(
    r"success|succeeded|\baccepted|\bwelcome|\bcompleted?\b|\blogged in|\bauthenticated"
)


def require_plain_yes(text: str) -> None:
    """Raise AuthFault AUTH_UNPROVEN for a success code whose words say that it failed.

    "Authentication successful, 3 failed logins since the last one" is a yes.
    """
    words = text[:MAX_JUDGED_CHARACTERS].encode("utf-8", "replace").decode().strip().lower()
    says_no = _FAILED.search(words) and not _WORKED.search(words)
    if says_no or _PLAINLY_NOT.search(words):
        raise AuthFault(Code.AUTH_UNPROVEN, "the server said yes in words that say no")
