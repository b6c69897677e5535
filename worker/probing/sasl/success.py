"""A yes to a login that says in the same breath that it failed is no yes.

One that the server does not remember later is judged by its words, group `login_wanted` of
`classify/words.toml`.
"""

from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from worker.probing.classify.wording import asserted, comparable
from worker.probing.classify.words import TABLE
from worker.probing.errors import AuthFault
from worker.probing.patterns import text_pattern
from worker.probing.sasl.clauses import clauses, without_addresses

_NO_CODE: Final = text_pattern(
    r"(?:\A|\n|\b[45][0-9]{2}[ -]) *[45]\.[0-9]{1,3}\.[0-9]{1,3}(?:[^.0-9]|\z)"
    r"|(?:\A|[\n:(]) *53[45]\b"
)
"""An enhanced code of a refusal. RFC 2034 forbids it beside a success code: it counts where no word
says that the login worked. So does a refusal of another server that is passed on."""

_PLAINLY_NOT_WORDS: Final = (
    r"\b(?:not|never|cannot|could ?n[o']t|un|isn't|wasn't)[ -]?(?:be |been |yet )?"
    r"(?:success|succeed|authent|authori[sz]ed|accept|logged|log in|permitted|allowed)"
    r"|\b(?:nicht|non|no|not|niet|nie|ikke|inte|não) (?:erfolg|berechtig|authent|autor|valid|found)"
    r"|\bno such\b|\bunknown (?:user|account|login|mailbox)|\b(?:user|account) unknown"
    r"|\b(?:authentication|login|password|authorization) (?:is )?(?:required|needed)"
    r"|\bmust (?:first )?(?:authenticate|log ?in|sign in)|\btry (?:again|later)|\binactive\b"
    r"|\bnot (?:ok|signed in|granted)\b"
)
_FAILED_WORDS: Final = (
    r"fail|denied|denies|reject|refus|invalid|incorrect|wrong|mismatch|\bbad\b|\berror\b"
    r"|disabled|suspended|\blocked|blocked|expired|revoked|forbidden"
    r"|fehlgeschlagen|ungültig|verweigert|abgelehnt|gesperrt|falsch|échou|échec|interdit"
    r"|fallid|fallit|erron|inválid|deneg|negad|negat|rechaz|mislukt|geweigerd|onjuist"
    r"|nieprawid|odmow|błąd|chyb|neplat|felaktig|ошиб|неверн|отказ|запрещ|заблок"
    r"|(?:not|n['\x{2019}]t) (?:match|recogni)"
    r"|失败|失敗|错误|錯誤|拒绝|拒否|拒絕|不正确|不正確|违|違|无效|無効|실패|거부|오류"
)
_PLAINLY_NOT: Final = text_pattern(_PLAINLY_NOT_WORDS)
_FAILED: Final = text_pattern(_FAILED_WORDS)
_DENIAL: Final = text_pattern(f"{_PLAINLY_NOT_WORDS}|{_FAILED_WORDS}")
"""Without any of these no clause is read: few servers say more than that it worked."""

_NEGATIVE: Final = text_pattern(
    r"\A *(?:no|nope|sorry)\b|\b(?:not|never|cannot|unable|insufficient)\b|n['\x{2019}]t\b"
    r"|\bno (?:access|account|mailbox|user|match)|\bnothing matched|\bpasswords? differ"
    r"|\b(?:factor|code|token|captcha|verification|change|reset|still) (?:is |are )?"
    r"(?:needed|required)"
    r"|\b(?:log ?in|sign in|authenticate) first\b|\bauthentication (?:is )?(?:incomplete|pending)"
    r"|\bpermissions? missing|prohibited|banned|deactivated|terminated|aborted|cancell?ed"
    r"|rolled back|logged out|\bsession (?:has )?ended|\bimpossible|nicht m|non consentito"
    r"|не удал|не выполн|mislyk|不对|不能|ません|수 없"
)
"""What denies a login where no word says that it worked: else "2FA is not required" would."""

_ANSWERED_NO: Final = text_pattern(
    r"(?:\b(?:success\pL*|succeeded|authenticated|accepted|granted)[\"']* *[:=] *[\"']*0"
    r"|(?:success\pL*|succeeded|accepted|granted|completed?|logged in|authenticated|\bok\b"
    r"|erfolgreich|r[ée]ussie?|exitos[ao]"
    r"|(?:\A|[.,;!({\n]) *(?:[0-9]+ )?[\"']*(?:(?:the|your|final|result of|status of|user) ){0,2}"
    r"(?:(?:log ?in|auth\pL*|access) )?"
    r"(?:log ?in|auth\pL*|access|result|status))[\"')]*"
    r" *(?:[:=?(]|\.{2,}|[-\x{2013}\x{2014}]+) *[\"'(]*"
    r"(?:no|not|nok|nope|false|[nf]|off|none|never|negative|nein|non|нет|否))"
    r"[\"')\]]* *(?:[.,;!}\n]|\z)"
    r"|\bwelcome,? guest *(?:[.,;!\n]|\z)|\b(?:in|authenticated) as (?:guest|anonymous)\b"
)
"""What says that it worked, and its answer: "login successful: no", `"success": false`; but not of
another login ("last login: never"). Or who it worked for: a guest."""

_WORKED: Final = text_pattern(
    r"success|succeeded|\baccepted|\bwelcome|\bcompleted?\b|\blogged in|\bauthenticated|\bok\b"
    r"|\bgo ahead"
)
_WORKED_ABROAD: Final = text_pattern(
    r"erfolgreich|gelungen|geslaagd|gelukt|réussi|reussi|exitos|con éxito|com sucesso"
    r"|bem[- ]sucedid|\bcorrecta(?:mente)?\b|riuscit|effettuat|pomyślnie|powiodło"
    r"|zalogowano|úspěšn|úspešn|sikeres|reușit|lyckades|vellykket|lykkedes|onnistui"
    r"|başar\x{131}l\x{131}|berhasil|thành công|успешн|успішн|вход выполнен|пройдена"
    r"|επιτυχ|成功|성공|验证通过|認證通過"
    r"|\b(?:credentials?|identity|user|password|login)(?: is| are| was)?"
    r" (?:correct|verified|confirmed|valid|validated|recogni[sz]ed)\b"
)
_NEGATED: Final = text_pattern(
    r"\b(?:nicht|kein|pas|non|no|not|nie|niet|geen|ikke|inte|nem|nu|tidak)\b"
    r"|(?:\A|[^\pL])(?:не|нет|ні|não|δεν|không)[^\pL]|неусп|безусп|неўда|neúsp|ανεπιτ"
    r"|misslyck|mislyk|epäonn|不|未|没|沒|無|无|않|못"
)
"""Beside these a word of `_WORKED_ABROAD` says nothing: "Anmeldung nicht erfolgreich"."""

_SAYS_NOTHING: Final = text_pattern(
    r"unauthori[sz]ed (?:access|use)\b[^.\n]{0,80}(?:prohibited|forbidden|prosecuted)"
    r"|\b(?:no|without|0) (?:errors?|problems?)\b"
    r"|\bno (?:further|more|other|additional) \pL+ (?:is )?(?:required|needed)\b"
    r"|\b(?:locked|blocked|expired|suspended|disabled|revoked) *[:=] *(?:no|false|0|never)\b"
    r"|\bnot (?:locked|blocked|listed|expired|suspended)\b"
)
"""A notice that some servers give to everybody; what is not the case."""

MAX_LEFT_OUT: Final = 8

_OF_LOGIN: Final = text_pattern(
    r"auth|log ?in|logon|sign|password|passwor|credential|\buser|account|access|mailbox"
)
_OF_THE_PAST: Final = text_pattern(
    r"\b(?:since|last|previous|earlier|recent|past|ago)\b|letzte|dernière|últim|предыдущ|последн|上次"
    r"|\b[0-9]+ (?:failed|unsuccessful|invalid|bad|rejected|fehlgeschlagen|échec|fallid|неудач)"
    r"|\A *(?:number of )?(?:failed|unsuccessful|invalid|bad)"
    r" (?:log ?ins|(?:log ?in |authentication )?attempts) *\z"
)


def require_plain_yes(text: str, user: str = "") -> None:
    """Raise AuthFault AUTH_UNPROVEN for a success code whose words say that it failed.

    Judged clause by clause: "Authentication successful, 3 failed logins since the last one" is a
    success, "Authentication failed, welcome to the help page" is none. What `user` is called, and
    any address, says nothing.
    """
    words = _SAYS_NOTHING.sub(" ", without_addresses(text, user), MAX_LEFT_OUT)
    parts = clauses(asserted(words) if _WORKED.search(words) else words)
    worked = False
    failed = bool(_ANSWERED_NO.search(words)) or _denied(words, parts)
    if not failed and not _DENIAL.search("\n".join(parts)):
        return
    for clause in parts:
        failed = failed or _says_that_it_failed(clause, worked=worked)
        worked = worked or bool(_WORKED.search(clause))
    if failed:
        raise AuthFault(Code.AUTH_UNPROVEN, "the server said yes in words that say no")


def _worked_abroad(clause: str) -> bool:
    """Tell whether a clause says so in other words than most servers'."""
    worked = _WORKED_ABROAD.search(clause)
    return bool(worked) and not (_NEGATED.search(clause) or _FAILED.search(clause))


def _denied(words: str, parts: list[str]) -> bool:
    """Tell whether words that do not say that it worked say that it did not."""
    if _WORKED.search(words) or any(map(_worked_abroad, parts)):
        return False
    of_now = "\n".join(part for part in parts if not _OF_THE_PAST.search(part))
    if _NO_CODE.search(words) or _NEGATIVE.search(of_now):
        return True
    said = comparable(asserted(of_now))
    return any(
        lexicon.first(said) is not None
        for lexicon in (TABLE.lexicon(PhaseName.AUTH), TABLE.in_general(PhaseName.AUTH))
    )


def _says_that_it_failed(clause: str, *, worked: bool) -> bool:
    """Once it is said that the login worked, only what else is said of logins may deny it."""
    if _OF_THE_PAST.search(clause):
        return False
    if _PLAINLY_NOT.search(clause):
        return True
    return bool(_FAILED.search(clause)) and (not worked or bool(_OF_LOGIN.search(clause)))
