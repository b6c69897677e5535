"""A rule speaks of a concept: what is said in other words, or in another language, is the same."""

import tomllib
from pathlib import Path

import pytest

from producer.contract.codes import Code
from tests.support.replies import refusal
from worker.probing.classify.refusals import classify_refusal

OWN = ("mail.example.org", "jean@example.org")
WORDED = tomllib.loads(Path(__file__).with_name("worded.toml").read_text(encoding="utf-8"))
TABLES = [(phase, code) for phase, codes in WORDED.items() for code in codes]


def judged(phase: str, reply: str) -> Code:
    protocol = "smtp" if reply[0].isdecimal() else "imap"
    return classify_refusal(refusal(protocol, phase, reply), None, OWN).code


@pytest.mark.parametrize(("phase", "code"), TABLES)
def test_a_reply_in_other_words_gets_the_code_of_what_it_says(phase, code):
    replies = WORDED[phase][code]["replies"]
    assert {reply: got for reply in replies if (got := judged(phase, reply)) != code} == {}


@pytest.mark.parametrize(
    "words",
    [
        "mailbox unavailable",
        "token required",
        "external address",
        "restarting the mailbox",
        "kerberos required",
        "identity verification",
        "session closing soon",
        "您的帐号将在3天后迁移",
        "需要OAuth2",
        "あと3日で移行します",
        "2FA",
        "请重新验证身份",
        "mailbox v2 only",
    ],
)
@pytest.mark.parametrize("failed", ["Authentication failed: ", "Invalid credentials, ", ""])
def test_beside_a_failed_login_no_word_is_passed_over_that_may_be_the_reason(failed, words):
    assert judged("auth", f"535 {failed}{words}") is not Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "advice",
    [
        "Please contact your system administrator.",
        "Please try again, and if the problem persists, contact support",
        "2 attempt(s) remaining",
        "Learn more at https://support.example.net/",
        "Closing connection",
        "Forgot your password?",
        "(reason unavailable)",
    ],
)
def test_advice_leaves_a_wrong_password_certain(advice):
    assert judged("auth", f"535 Wrong password. {advice}") is Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "reply",
    [
        "535 user denied",
        "535 You are not authorized",
        "NO User is not authorized to log in",
        "NO account refused",
        "535 Benutzer abgelehnt",
    ],
)
def test_who_is_refused_and_not_told_for_what_may_have_typed_the_right_password(reply):
    assert judged("auth", reply) is Code.AUTHENTICATION_AMBIGUOUS


BY_WORDS = [
    (code, reply.partition(" ")[2])
    for code, table in WORDED["auth"].items()
    for reply in table["replies"]
    if not code.startswith("AUTHENTICATION_")
    and reply.startswith(("535 ", "NO "))
    and "[" not in reply
]
"""Those that no reply code or response code explains."""


@pytest.mark.parametrize(
    "reply",
    [
        "535 5.7.8 Credenciales no aceptadas",
        "535 Le credenziali non sono state accettate",
        "535 Les identifiants ne sont pas acceptés",
        "535 Wachtwoord niet geaccepteerd",
        "535 Учетные данные не приняты",
        "535 Hasło nie zostało zaakceptowane",
    ],
)
def test_a_credential_that_is_not_accepted_is_wrong_in_any_language(reply):
    assert judged("auth", reply) is Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "reply",
    [
        "535 Login with a password is not accepted",
        "535 Inicio de sesión con contraseña no aceptado",
        "535 Authentification par mot de passe non acceptée",
        "535 Autenticazione con password non accettata",
        "535 Authenticatie met wachtwoord niet geaccepteerd",
        "535 Uwierzytelnianie z hasłem nie zostało zaakceptowane",
        "535 Аутентификация по паролю не принята",
    ],
)
def test_but_a_kind_of_login_that_is_not_accepted_says_nothing_of_the_password(reply):
    assert judged("auth", reply) is not Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "reply", ["NO AUTHENTICATE cancelled", "535 AUTH command aborted", "NO Authentication canceled"]
)
def test_a_login_that_was_cancelled_judged_no_password(reply):
    assert judged("auth", reply) is Code.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("reply", "code", "again"),
    [
        ("550 5.7.23 SPF validation failed", Code.SENDER_REJECTED, False),
        ("554 your IP is not allowed by the SPF record", Code.SENDER_REJECTED, False),
        ("451 4.7.23 SPF validation failed", Code.SENDER_INCONCLUSIVE, True),
        ("550 5.7.24 SPF temperror", Code.SENDER_INCONCLUSIVE, True),
        ("550 Temporary error in SPF lookup", Code.SENDER_INCONCLUSIVE, True),
    ],
)
def test_what_spf_says_is_of_the_senders_domain_but_for_a_look_up_that_failed(reply, code, again):
    verdict = classify_refusal(refusal("smtp", "sender", reply), None, OWN)
    assert (verdict.code, verdict.retryable) == (code, again)


@pytest.mark.parametrize("here", ["here", "now", "at this point"])
def test_a_command_that_comes_at_the_wrong_time_may_be_offered_at_another(here):
    assert judged("auth", f"503 Command not allowed {here}") is Code.PROTOCOL_ERROR


@pytest.mark.parametrize(
    "reply",
    [
        "553 Syntax error in the sender address",
        "555 Syntax error in reverse-path",
        "501 Unable to parse return path",
        "501 Bad origin address syntax",
        "500 Invalid command - bad from address",
    ],
)
def test_an_address_that_a_server_cannot_read_is_the_senders(reply):
    assert judged("sender", reply) is Code.SENDER_REJECTED


@pytest.mark.parametrize(
    "reply",
    [
        "501 Syntax error in MAIL command",
        "501 Syntax: MAIL FROM:<address>",
        "501 could not parse your mail from command",
        "550 We cannot find your reverse hostname",
    ],
)
def test_but_a_command_that_it_cannot_read_and_our_own_name_say_nothing_of_the_sender(reply):
    assert judged("sender", reply) is Code.SENDER_INCONCLUSIVE


@pytest.mark.parametrize("failed", ["535 Authentication failed: ", "NO Login failed. "])
def test_a_reason_told_after_the_failure_is_never_a_certain_wrong_password(failed):
    certain = [
        reason
        for _, reason in BY_WORDS
        if judged("auth", failed + reason) is Code.AUTHENTICATION_FAILED
    ]
    assert certain == []


def test_and_mostly_it_is_the_reason_that_counts():
    told = [judged("auth", f"535 Authentication failed: {reason}") for _, reason in BY_WORDS]
    right = sum(got == code for (code, _), got in zip(BY_WORDS, told, strict=True))
    assert right / len(BY_WORDS) > 0.9


@pytest.mark.parametrize(
    ("reason", "again"),
    [
        ("Account locked", False),
        ("Account locked for 30 minutes", True),
        ("Your account is suspended, try again tomorrow", True),
        ("Konto vorübergehend gesperrt", True),
        ("Ihr Konto ist gesperrt", False),
        ("账号已被锁定 请稍后再试", True),
        ("Quota exceeded", False),
        ("Daily quota exceeded", True),
        ("Login from your country is not allowed", False),
        ("Your IP is blocked for 10 minutes", True),
    ],
)
def test_what_passes_by_itself_is_worth_another_try(reason, again):
    verdict = classify_refusal(refusal("imap", "auth", f"NO {reason}"), None, OWN)
    assert verdict.code in (Code.ACCOUNT_LOCKED, Code.QUOTA_EXCEEDED, Code.CLIENT_BLOCKED)
    assert verdict.retryable is again


@pytest.mark.parametrize(
    "reply",
    [
        "535 Your key was declined",
        "535 secret_mismatch",
        "535 5.7.8 signature rejected",
        "535 The key you sent is not known",
        "535 user/pass pair refused",
        "535 Refusing token",
        "535 Token abgelehnt",
        "535 Jeton refusé",
        "535 неверная подпись",
        "535 令牌无效",
        "535 nobody here by that name",
        "NO [AUTHENTICATIONFAILED] Sorry mate",
    ],
)
def test_a_credential_of_any_kind_that_is_refused_without_more_words_is_wrong(reply):
    assert judged("auth", reply) is Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "reply",
    [
        "535 Token endpoint rejected request",
        "535 token limit rejected",
        "535 Second token rejected",
        "535 token type mismatch",
        "535 domain signature mismatch",
        "535 key pair rejected",
        "535 server key rejected",
        "535 signature required",
        "535 credentials declined by bank",
        "535 known credentials, access refused",
        "535 token is known but refused",
        "535 bearer tokens refused",
        "535 Jetons refusés",
        "535 Token werden abgelehnt",
        "535 Refusing plain password",
        "535 API key rejected for smtp",
        "535 radius secret mismatch",
        "535 mail signature rejected",
        "535 refused: secret not set",
        "BAD bad token",
        "454 4.7.0 Token refused",
        "535 5.7.0 licence key is invalid",
        "535 the mail server's API key has expired",
        "535 Bad session key",
        "NO TLS key not found",
        "535 no account for free users here",
        "535 no mailbox for this protocol here",
        "535 Schlüssel des Servers ungültig",
        "535 chiave del server non valida",
        "535 sleutel van de server ongeldig",
        "535 firma del correo rechazada",
        "535 подписка отклонена",
        "535 assinatura inválida",
    ],
)
def test_but_not_where_a_key_is_the_servers_or_another_word_may_be_the_reason(reply):
    assert judged("auth", reply) is not Code.AUTHENTICATION_FAILED


OF_THE_LOGIN = [
    "Your API key is wrong",
    "the access token is invalid",
    "Ihr Token ist ungültig",
    "Votre jeton est invalide",
    "Su token no es válido",
    "Il token non è valido",
    "Uw sleutel is ongeldig",
    "Неверный токен",
    "トークンが間違っています",
    "no such user",
    "the specified user name is not known to this server",
    "Utilisateur inconnu ou mot de passe incorrect",
    "user not found. Please contact support",
    "Die Zugangsdaten sind uns nicht bekannt",
    "Das eingegebene Passwort passt nicht zur E-Mail-Adresse",
    "Diesen Benutzer gibt es bei uns nicht",
    "Passwort leider falsch",
    "Ce compte n'existe pas",
    "Cette boîte n'existe pas",
    "Le mot de passe ne correspond pas à cet utilisateur",
    "No coinciden usuario y contraseña",
    "No existe ese usuario",
    "No se encontró la cuenta",
    "L'utente non esiste",
    "Questo account non esiste",
    "Usuário e senha não coincidem",
    "Conta não encontrada",
    "Gebruikersnaam en wachtwoord komen niet overeen",
    "Account niet gevonden",
    "Hasło nie pasuje do tej skrzynki",
    "Takie konto nie istnieje",
    "Пароль не подходит",
    "Такой учетной записи не существует",
    "没有这个用户",
    "密码不匹配",
    "該当するアカウントがありません",
    "パスワードが一致しません",
    "No account with that name exists on this system",
    "account could not be found",
    "The password you typed does not belong to this address",
]
OF_SOMETHING_ELSE = [
    "service token has expired",
    "key not valid for this domain",
    "unix token not accepted",
    "invalid key exchange",
    "unknown token issuer",
    "lock token unknown",
    "key not found in HSM",
    "key not enabled, contact sales",
    "signature rejected, clock skew",
    "client secret expired in portal",
    "access tokens rejected",
    "Token für IMAP nicht gültig",
    "Token abgelehnt, Wartung",
    "jeton refusé par le proxy",
    "token de sesión inválido",
    "clave del servidor no válida",
    "il token del dispositivo non è valido",
    "token urządzenia odrzucony",
    "ключ сервера отклонен",
    "设备令牌无效",
    "nobody by that name may relay",
    "no user with relay rights",
    "no such user database",
    "user not found: directory unavailable",
    "account not registered for smtp",
    "account does not exist in this region",
    "cannot find your account plan",
    "domain lookup failed",
    "Benutzer unbekannt für diesen Tarif",
    "utilisateur inconnu du service imap",
    "usuario no existe en este plan",
    "utente inesistente nel gruppo smtp",
    "пользователь не найден в группе smtp",
    "contraseña no válida para imap",
    "password file invalid",
    "credentials not valid for this service",
    "Ce compte n'existe pas dans cette offre",
    "La cuenta no existe en este plan",
    "Account niet gevonden in de directory",
    "Konto nie istnieje w tej domenie",
    "Такой учетной записи не существует на этом тарифе",
    "该邮箱不存在于此套餐",
    "Domain existiert nicht",
    "El dominio no existe",
    "Zertifikat stimmt nicht überein",
    "La licencia no coincide",
    "Lizenz passt nicht",
    "Absender passt nicht zum Benutzer",
    "Het certificaat komt niet overeen",
    "Licencja nie pasuje",
    "Сертификат не подходит",
    "证书不匹配",
    "Account server could not be found",
    "Veuillez vérifier votre compte",
    "Le compte ne correspond pas à l'expéditeur",
]
HEADS = ["535", "535 5.7.8", "NO", "NO [AUTHENTICATIONFAILED]"]


@pytest.mark.parametrize("words", OF_THE_LOGIN)
@pytest.mark.parametrize("head", HEADS)
def test_a_key_or_a_user_that_is_refused_is_the_logins_where_all_words_say_so(head, words):
    assert judged("auth", f"{head} {words}") is Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize("words", OF_SOMETHING_ELSE)
@pytest.mark.parametrize("head", HEADS)
def test_but_not_where_one_more_noun_may_say_whose_key_it_is_or_to_what_unknown(head, words):
    assert judged("auth", f"{head} {words}") is not Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    ("phase", "reply"),
    [
        ("mailbox", "NO Select command failed: user is not logged in"),
        ("mailbox", "NO EXAMINE error: you are not signed in"),
        ("mailbox", "NO EXAMINE fehlgeschlagen: nicht angemeldet"),
        ("mailbox", "NO SELECT refusé : non authentifié"),
        ("mailbox", "NO Failed to open INBOX: not logged in"),
        ("mailbox", "NO 选择失败, 未登录"),
        ("sender", "553 Senders from example.org have to authenticate"),
        ("sender", "550 Mail from example.org requires login"),
        ("sender", "550 Sie müssen sich anmelden, um von example.org zu senden"),
        ("sender", "550 Vous devez vous authentifier pour envoyer depuis example.org"),
        ("sender", "550 Debe iniciar sesión para enviar desde example.org"),
    ],
)
def test_a_command_that_failed_for_want_of_a_login_proves_that_there_was_none(phase, reply):
    assert judged(phase, reply) is Code.AUTH_UNPROVEN


@pytest.mark.parametrize(
    ("phase", "reply"),
    [
        ("mailbox", "NO SELECT failed: not logged in to backend"),
        ("mailbox", "NO EXAMINE failed: proxy not authenticated to storage"),
        ("mailbox", "NO SELECT failed: not authorized"),
        ("mailbox", "NO EXAMINE failed: log in to webmail first"),
        ("mailbox", "NO SELECT failed: could not authenticate"),
        ("sender", "550 You must log in as owner to send mail from example.org"),
        ("sender", "550 You must log in to the portal to send mail from example.org"),
        ("sender", "550 from domain must be authenticated"),
        ("sender", "550 unauthenticated mail from example.org refused"),
        ("sender", "550 Access from this network requires authentication"),
    ],
)
def test_but_not_where_something_else_failed_to_log_in_or_is_asked_for(phase, reply):
    assert judged(phase, reply) is not Code.AUTH_UNPROVEN


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("550 This domain may not be relayed", Code.SENDER_REJECTED),
        ("553 Your domain is not authorised for relaying", Code.SENDER_REJECTED),
        ("550 relaying not allowed for this domain", Code.SENDER_REJECTED),
        ("550 relay not permitted from domain example.org", Code.SENDER_REJECTED),
        ("550 We do not relay mail for that domain", Code.SENDER_REJECTED),
        ("550 relaying denied", Code.SENDER_INCONCLUSIVE),
        ("550 your host is not allowed to relay", Code.SENDER_INCONCLUSIVE),
        ("550 IP not allowed to relay domain", Code.SENDER_INCONCLUSIVE),
        ("550 You are not on our whitelist", Code.SENDER_INCONCLUSIVE),
        ("550 You're not in the list of permitted hosts", Code.SENDER_INCONCLUSIVE),
        ("550 You were not found in any allowlist", Code.SENDER_INCONCLUSIVE),
        ("550 Your domain is not on our access list", Code.SENDER_REJECTED),
        ("550 you are not allowed to use this address", Code.SENDER_REJECTED),
    ],
)
def test_a_domain_that_is_not_relayed_is_the_senders_a_list_that_lacks_you_is_of_hosts(reply, code):
    assert judged("sender", reply) is code


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("535 expected a challenge", Code.PROTOCOL_ERROR),
        ("535 missing nonce", Code.PROTOCOL_ERROR),
        ("535 NTLM message truncated", Code.PROTOCOL_ERROR),
        ("535 Unexpected client-final message", Code.PROTOCOL_ERROR),
        ("NO missing gs2-header", Code.PROTOCOL_ERROR),
        ("535 client response missing", Code.PROTOCOL_ERROR),
        ("535 no challenge-response mechanism", Code.NO_COMMON_MECHANISM),
        ("535 unknown auth type 1", Code.NO_COMMON_MECHANISM),
        ("535 NTLM login incorrect", Code.AUTHENTICATION_FAILED),
        ("535 nonce mismatch", Code.AUTHENTICATION_AMBIGUOUS),
        ("535 incorrect response to challenge", Code.AUTHENTICATION_AMBIGUOUS),
    ],
)
def test_a_message_of_the_exchange_that_lacks_or_is_malformed_is_no_password(reply, code):
    assert judged("auth", reply) is code


@pytest.mark.parametrize(
    "reply",
    [
        "535 Invalid app password",
        "NO [AUTHENTICATIONFAILED] Application password is incorrect",
        "NO app password does not match",
        "535 App-Passwort falsch",
        "535 Mot de passe d'application incorrect",
        "535 Contraseña de aplicación no válida",
        "535 hasło aplikacji nieprawidłowe",
        "535 授权码不正确",
        "535 アプリパスワードが違います",
    ],
)
def test_an_app_password_that_is_wrong_is_not_one_that_is_missing(reply):
    assert judged("auth", reply) is Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "reply",
    [
        "535 Invalid password. Please use an app password",
        "535 password incorrect, app password needed",
        "535 app password rejected by policy",
        "535 Bitte App-Passwort verwenden, Passwort ungültig",
        "535 密码错误, 请使用授权码",
        "535 Account password rejected - use app password",
        "535 Bad password: application-specific password",
        "535 Invalid credentials (app password?)",
    ],
)
def test_and_where_any_more_is_said_it_is_the_kind_of_password_that_is_asked_for(reply):
    assert judged("auth", reply) is Code.APP_PASSWORD_REQUIRED


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("535 Zugriff auf diesen Server verweigert", Code.AUTHENTICATION_AMBIGUOUS),
        ("535 Acceso denegado a smtp.example.net", Code.AUTHENTICATION_AMBIGUOUS),
        ("535 Toegang tot smtp.example.net geweigerd", Code.AUTHENTICATION_AMBIGUOUS),
        ("535 Zugang verweigert", Code.AUTHENTICATION_FAILED),
        ("535 Zugriff auf IMAP gesperrt", Code.PROTOCOL_DISABLED),
        ("502 AUTH SSL not supported", Code.AUTH_NOT_OFFERED),
        ("502 AUTH TLS required", Code.AUTH_REQUIRES_TLS),
    ],
)
def test_a_server_to_which_access_is_denied_has_judged_no_password(reply, code):
    assert judged("auth", reply) is code


TOLD = {
    "AUTH_REQUIRES_TLS": [
        "Anmeldung fehlgeschlagen: Verbindung unverschlüsselt",
        "Échec : connexion non chiffrée",
        "Acceso denegado: la conexión no está cifrada",
        "Błąd logowania: połączenie nieszyfrowane",
        "登录失败: 连接未加密",
    ],
    "PASSWORD_EXPIRED": [
        "Anmeldung nicht möglich: Startpasswort noch nicht geändert",
        "Mot de passe initial pas changé",
        "Accesso negato: password iniziale non cambiata",
        "Вход не выполнен: начальный пароль не изменён",
    ],
    "APP_PASSWORD_REQUIRED": [
        "Für Mailprogramme bitte ein eigenes Passwort verwenden",
        "Inicio fallido: necesita otra contraseña para el programa de correo",
        "Aanmelden mislukt: voor mailprogramma's is een apart wachtwoord nodig",
    ],
    "WEB_LOGIN_REQUIRED": [
        "Login abgelehnt: Einwilligung fehlt",
        "Connexion refusée : consentement manquant",
        "Ошибка: нет согласия",
    ],
    "CLIENT_BLOCKED": [
        "Anmeldung aus einem anderen Land",
        "Inicio de sesión fallido: acceso desde otro país",
        "Autenticazione fallita: accesso da un altro paese",
        "登录失败: 来自其他国家的登录",
    ],
    "PROTOCOL_DISABLED": [
        "Anmeldung fehlgeschlagen: kein Recht für IMAP",
        "Connexion refusée : vous n'avez pas droit à IMAP",
        "Error: no tiene permiso para IMAP",
        "Błąd logowania: brak uprawnień do SMTP",
        "登录失败: 没有IMAP权限",
        "IMAPの権限がありません",
    ],
    "ACCOUNT_LOCKED": [
        "Login failed: invoice not paid",
        "Error de inicio de sesión: cuenta impagada",
        "Logowanie nieudane: usługa nieopłacona",
        "Anmeldung verweigert: Rechnung nicht bezahlt",
        "Accès refusé : facture impayée",
        "Autenticazione fallita: fattura non pagata",
        "Ошибка авторизации: счёт не оплачен",
        "登录失败: 账单未支付",
    ],
    "AUTHENTICATION_TEMPORARY": [
        "Anmeldung fehlgeschlagen: Verzeichnisdienst antwortet nicht",
        "Error de autenticación: el directorio no responde",
        "Inloggen mislukt: postvak wordt verhuisd",
        "Błąd logowania: katalog nie odpowiada",
        "認証に失敗しました: サーバーが応答しません",
    ],
}


@pytest.mark.parametrize(("code", "words"), [(code, one) for code in TOLD for one in TOLD[code]])
@pytest.mark.parametrize("head", HEADS)
def test_a_usual_reason_behind_a_failed_login_is_understood_in_the_usual_languages(
    head, code, words
):
    assert judged("auth", f"{head} {words}") == code
