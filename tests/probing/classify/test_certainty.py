"""What a certain verdict needs, above all a wrong password: and what takes certainty away."""

from dataclasses import replace

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from tests.support.replies import Case, cases, refusal
from worker.probing.classify import providers
from worker.probing.classify.refusals import classify_refusal
from worker.probing.classify.verdict import Verdict
from worker.probing.classify.words import TABLE


def auth(reply: str, *own_words: str) -> Verdict:
    protocol = "smtp" if reply[0].isdecimal() else "imap"
    return classify_refusal(refusal(protocol, "auth", reply), None, own_words)


@pytest.mark.parametrize(
    "reply",
    [
        "535 Contact administrator",
        "535 Please contact support",
        "NO [AUTHENTICATIONFAILED] Please contact support",
        "535 Login refused by administrator",
        "535 You cannot log in here",
        "503 5.5.1 You cannot AUTH here",
        "535 Login requires administrator access",
        "535 Access unavailable",
        "535 Server is closing connection",
        "535 Service closing",
        "535 mailbox unavailable",
        "535 Mail service is not valid for your account",
        "535 Kerberos required",
        "535 verification code required",
        "535 session invalid",
        "535 token required",
        "535 authentication rejected: token required",
        "535 External login refused",
        "535 smtp access refused",
        "535 PLAIN mechanism rejected",
        "535 E1002_MAILBOX_MOVED",
        "535 5.7.8 ERROR_535: account-migrated-2024",
    ],
)
def test_words_that_do_not_say_so_make_no_certain_wrong_password(reply):
    assert auth(reply).code is not Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("535 SMTP sending is not enabled for this mailbox", Code.PROTOCOL_DISABLED),
        ("535 Outgoing SMTP is not included in your plan", Code.PROTOCOL_DISABLED),
        ("NO Service not available for your account type", Code.PROTOCOL_DISABLED),
        ("NO Subscriber is inactive", Code.ACCOUNT_LOCKED),
        ("535 Access for this user has been revoked", Code.ACCOUNT_LOCKED),
        ("535 Server refused connection from your address", Code.CLIENT_BLOCKED),
        ("NO Foreign logins are blocked", Code.CLIENT_BLOCKED),
        ("535 Only clients in the local network may log in", Code.CLIENT_BLOCKED),
        ("NO Connections per user exceeded", Code.TOO_MANY_CONNECTIONS),
        ("535 External programs need their own password", Code.APP_PASSWORD_REQUIRED),
        ("NO As credenciais estão incorretas", Code.AUTHENTICATION_FAILED),
        ("535 Podane hasło jest nieprawidłowe", Code.AUTHENTICATION_FAILED),
        ("535 Authentication database is offline", Code.AUTHENTICATION_TEMPORARY),
        ("535 auth daemon not running", Code.AUTHENTICATION_TEMPORARY),
        ("NO Log in at https://mail.example.org to unlock your account", Code.WEB_LOGIN_REQUIRED),
        ("535 Account verification required", Code.WEB_LOGIN_REQUIRED),
        ("535 Use the client password instead of your password", Code.APP_PASSWORD_REQUIRED),
        ("535 Single sign-on is enforced here", Code.PASSWORD_LOGIN_DISABLED),
        ("535 Your free trial credits are exhausted", Code.QUOTA_EXCEEDED),
        ("535 mechanism refused", Code.NO_COMMON_MECHANISM),
        ("535 tls session required", Code.AUTH_REQUIRES_TLS),
        ("535 Your account password cannot be used here", Code.APP_PASSWORD_REQUIRED),
        ("535 The customer's mailbox has not yet been activated", Code.ACCOUNT_LOCKED),
    ],
)
def test_what_no_phrase_explains_is_read_by_subject_and_state(reply, code):
    assert auth(reply).code is code


@pytest.mark.parametrize(
    "reply",
    [
        "535 Username and password are correct, but login is denied",
        "535 Password accepted, login refused",
        "535 Password OK, authorization failed",
        "535 Authentication succeeded, but authorization failed",
        "NO Authenticated, but not authorized to log in",
        "NO [AUTHENTICATIONFAILED] Password matched, but access denied",
        "BAD Password accepted, but login refused",
        "535 Although the password is correct, login failed",
        "535 Passwort korrekt, Anmeldung verweigert",
        "535 Das Passwort ist richtig, aber die Anmeldung ist fehlgeschlagen",
        "535 Mot de passe correct, connexion refusée",
        "535 Contraseña correcta, autenticación fallida",
        "535 Password corretta, accesso fallito",
        "535 Senha correta, login recusado",
        "535 Wachtwoord juist, aanmelding geweigerd",
        "535 Hasło poprawne, logowanie odrzucone",
        "535 Пароль верный, вход отклонен",
        "535 密码正确 登录失败",
    ],
)
def test_a_password_that_is_called_right_is_not_called_wrong(reply):
    assert auth(reply).code is Code.AUTHENTICATION_AMBIGUOUS


@pytest.mark.parametrize(
    "reply",
    [
        "NO see https://status.example.net/",
        "NO [AUTHENTICATIONFAILED] See https://status.example.net/incident/42",
        "535 5.7.8 https://status.example.net/",
    ],
)
def test_a_reply_that_only_points_to_a_page_tells_nothing_of_the_password(reply):
    assert auth(reply).code is Code.AUTHENTICATION_AMBIGUOUS


@pytest.mark.parametrize("reply", ["535 country blocked", "535 blocked country"])
def test_what_is_spoken_of_may_stand_before_or_after_what_is_said_of_it(reply):
    assert auth(reply).code is Code.CLIENT_BLOCKED


@pytest.mark.parametrize(
    "reply",
    ["BAD Command is missing password.", "500 no username", "501 Password expected"],
)
def test_a_command_that_lacks_a_password_is_no_wrong_password(reply):
    assert auth(reply).code is Code.PROTOCOL_ERROR


@pytest.mark.parametrize(
    "reply",
    [
        "421 4.7.0 Troppi tentativi falliti, la connessione viene chiusa",
        "421 Zu viele Fehlversuche, Verbindung wird geschlossen",
    ],
)
def test_that_the_connection_is_closed_makes_no_limit_of_connections(reply):
    assert auth(reply).code is Code.RATE_LIMITED


def test_no_wrong_password_is_ever_read_out_of_what_is_said_in_general():
    rows = TABLE.in_general(PhaseName.AUTH).rows
    assert Code.AUTHENTICATION_FAILED not in {row.code for row in rows}


@pytest.mark.parametrize(
    "reply",
    [
        "535 Unable to authenticate: no connection",
        "535 Authentication failed: no connection to server",
        "NO Login failed: no server",
        "NO login failed: mailbox error",
        "NO login refused: no mailbox",
        "535 Login failed for this account: mailbox not valid",
        "535 5.7.8 Login failed: no response",
        "535 Authentication failed: bad format of response",
        "535 Authentication has failed: key mismatch for server",
        "535 no password login for this user",
        "535 user has no password",
        "NO no login",
        "535 password not accepted via SMTP",
        "535 Authentication with password refused",
        "535 5.7.8 password authentication not accepted",
        "535 5.7.8 AUTH PLAIN is not accepted",
        "535 Authentication failed, code sent to your email address",
        "NO Sign in refused. Was this you? See your email.",
        "535 Login and password are known, login denied",
        "NO login failed: service not valid for user",
        "535 Authentication failed: connection failure",
        "NO Authentication failed: no mechanism",
        "535 login via mail not accepted",
        "535 Login failed: no such service",
        "535 invalid LOGIN command",
        "535 LOGIN command is wrong",
        "NO [AUTHENTICATIONFAILED] Bad login request",
        "535 5.7.8 Incorrect authentication exchange",
        "NO wrong login type",
        "535 unknown authentication server",
        "NO Invalid PLAIN data",
        "535 Invalid credentials format",
        "535 wrong password encoding",
        "535 bad password hash type",
        "NO password format not recognized",
        "535 invalid data",
        "535 bad password server",
        "NO wrong user service",
        "535 password file missing",
        "535 user system error",
        "535 Kein Zugriff für diesen Benutzer",
        "535 Verbindung zum Server fehlgeschlagen",
        "535 Der Server konnte die Anmeldung nicht verarbeiten",
        "535 Benutzer gesperrt",
        "535 Anmeldung nur mit App-Passwort",
        "535 Anmeldung von dieser Adresse nicht möglich",
        "NO Zugang für Benutzer nicht freigegeben",
        "535 Passwort abgelaufen",
        "535 Ihr Passwort muss geändert werden",
        "535 Utilisateur non autorisé",
        "535 Accès interdit",
        "535 Connexion impossible",
        "535 Connexion au serveur impossible",
        "535 Serveur d'authentification indisponible",
        "535 Servidor de autenticación no responde",
        "535 No se pudo conectar con el servidor",
        "535 Acceso no permitido desde esta dirección",
        "535 Usuario no autorizado para SMTP",
        "535 Errore del server",
        "535 Accesso non consentito",
        "535 Utente disabilitato",
        "535 Erro no servidor",
        "535 Não foi possível conectar ao servidor",
        "535 Fout op de server",
        "535 Geen toegang voor deze gebruiker",
        "535 Błąd serwera",
        "535 Brak dostępu",
        "535 Ошибка сервера",
        "535 Нет доступа",
        "535 Почта отключена",
        "535 Доступ по паролю отключен",
        "535 Korisnički račun je zaključan",
        "535 Korisnik nije aktivan",
        "535 Akun Anda diblokir",
        "535 Tài khoản bị khóa",
        "535 Račun onemogočen",
        "535 Paskyra užblokuota",
        "535 Compte d'usuari bloquejat",
        "535 Användaren är spärrad",
        "535 Brugeren er deaktiveret",
        "535 Uživatel je zablokován",
        "535 A felhasználó zárolva van",
        "535 Cont suspendat",
        "535 Felaktig server",
        "535 Feil med serveren",
        "535 passord må endres",
        "535 heslo vypršelo",
        "535 šifra je istekla",
        "535 lozinka je istekla",
        "535 Nalog ne postoji",
        "535 Login via webmail",
    ],
)
def test_a_refusal_of_something_else_is_no_certain_wrong_password(reply):
    assert auth(reply).code is not Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize("failed", ["535 Login failed: ", "NO [AUTHENTICATIONFAILED] "])
@pytest.mark.parametrize("what", ["connection", "line", "record", "file", "process", "mechanism"])
@pytest.mark.parametrize("state", ["missing", "is lost", "not authorized", "was denied", "empty"])
def test_a_login_that_failed_for_what_is_no_credential_is_no_wrong_password(failed, what, state):
    assert auth(f"{failed}{what} {state}").code is not Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "asked",
    [
        "Authentication with TLS required",
        "Two-factor authentication required",
        "You must authenticate as the owner of this address",
        "Sender domain must be authenticated",
        "DKIM authentication required",
        "Please log in to the portal and verify your domain",
        "OAuth authentication required",
        "authentication required; your session has expired",
        "Authentication required. Free plan users must upgrade",
    ],
)
def test_a_login_had_no_yes_only_where_a_login_is_asked_for_and_nothing_else(asked):
    said = refusal("smtp", "sender", f"530 5.7.0 {asked}")
    assert classify_refusal(said, None).code is not Code.AUTH_UNPROVEN


@pytest.mark.parametrize(
    "reply",
    [
        "535 Login failed. Please check that your password is correct",
        "535 Login failed. Make sure the user name and password are valid and try again",
        "535 Password is not correct",
        "535 Username and password not accepted",
        "535 The credentials were not accepted by the server",
        "535 Login was not successful",
        "535 Either the user name or the password is not right",
        "535 Das Passwort ist nicht korrekt",
        "535 Le mot de passe n'est pas correct",
        "535 La contraseña no es correcta",
        "535 密码不正确",
        "535 PLAIN authentication failed",
        "535 La contraseña no es correcta, inténtelo de nuevo",
        "535 Das eingegebene Passwort ist nicht richtig",
        "535 Adresse e-mail ou mot de passe invalide",
        "535 The user's password isn't right",
        "BYE Invalid password",
    ],
)
def test_a_password_that_is_called_not_right_is_wrong(reply):
    assert auth(reply).code is Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "reply",
    [
        "535 Authentication failed. If IMAP is disabled, enable it in the settings",
        "535 Authentication failed. Make sure that your account is not blocked",
        "NO [AUTHENTICATIONFAILED] Login failed. Contact support if your account is locked.",
        "NO Login failed. 2 attempts left before your account is locked",
        "535 5.7.8 Authentication failed. Your account is not locked.",
        "535 5.7.8 The account is not suspended, the password is wrong",
    ],
)
def test_what_is_only_supposed_or_denied_is_not_said(reply):
    assert auth(reply).code is Code.AUTHENTICATION_AMBIGUOUS


@pytest.mark.parametrize(
    "reply",
    [
        "535 Échec de l'authentification. Si l'accès IMAP est désactivé, activez-le",
        "535 Anmeldung fehlgeschlagen. Prüfen Sie, ob Ihr Konto gesperrt ist",
        "535 Autenticación fallida. Compruebe si la cuenta está bloqueada",
        "535 Autenticazione fallita. Verificare che l'account non sia bloccato",
        "535 Inloggen mislukt. Controleer of uw account is geblokkeerd",
        "535 Błąd logowania. Sprawdź, czy konto nie jest zablokowane",
        "535 Ошибка входа. Проверьте, не заблокирован ли аккаунт",
        "535 登录失败 请检查账号是否被锁定",
        "535 Login failed. Your account may be locked",
        "535 Login failed; maybe IMAP is disabled",
        "535 Login failed: wrong password or account disabled",
        "535 Wrong password, or you need an app password",
        "535 Bad credentials or IP not allowed",
        "NO Username or password incorrect, or IMAP not enabled",
        "535 Authentication failed. Possible reasons: wrong password, account locked, IP blocked",
        "535 Authentication failed, two more failures and your account will be locked",
        "535 Login failed. Repeated failures will lead to your IP being blocked",
        "535 Benutzername oder Passwort falsch oder Konto gesperrt",
        "535 Mot de passe incorrect ou compte bloqué",
        "535 Contraseña incorrecta o cuenta bloqueada",
        "535 密码错误或账号被锁定",
        "535 Account locked or wrong password",
        "535 Wrong password or user locked",
        "NO Contraseña incorrecta o usuario bloqueado",
        "NO Mot de passe incorrect ou utilisateur bloqué",
        "NO Wrong user name or password expired",
    ],
)
def test_what_may_be_is_no_reason_in_any_language(reply):
    """Neither a condition, a guess, a threat, nor one of two reasons."""
    assert auth(reply).code in (Code.AUTHENTICATION_AMBIGUOUS, Code.AUTHENTICATION_FAILED)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("535 Your account is locked. Wrong user name or wrong password", Code.ACCOUNT_LOCKED),
        ("535 Wrong user name or password, account locked", Code.ACCOUNT_LOCKED),
        ("535 Wrong password or user name. Your account is locked", Code.ACCOUNT_LOCKED),
        ("535 Your account is locked or suspended", Code.ACCOUNT_LOCKED),
        ("535 User unknown or password incorrect", Code.AUTHENTICATION_FAILED),
        ("535 Si è verificato un errore interno", Code.AUTHENTICATION_TEMPORARY),
        ("535 No se pudo iniciar sesión: cuenta bloqueada", Code.ACCOUNT_LOCKED),
        ("535 This user may not use IMAP", Code.PROTOCOL_DISABLED),
    ],
)
def test_what_only_looks_like_a_guess_is_said(reply, code):
    assert auth(reply).code is code


@pytest.mark.parametrize(
    "reply",
    [
        "535 user lookup failed",
        "535 5.7.8 lookup failed",
        "535 invalid response from authentication server",
        "NO unexpected reply from the directory",
    ],
)
def test_a_look_up_that_failed_and_an_answer_nobody_can_read_are_the_server_s_trouble(reply):
    verdict = auth(reply)
    assert (verdict.code, verdict.retryable) == (Code.AUTHENTICATION_TEMPORARY, True)


def test_what_does_not_pass_is_not_worth_another_try():
    failed_often = "after too many failed logins"
    assert auth(f"535 Account locked {failed_often}").retryable
    assert not auth(f"535 Account permanently locked {failed_often}").retryable
    assert auth("535 Account locked, it will be unlocked in 15 minutes").retryable
    assert not auth("535 Account locked until it is paid for").retryable
    assert auth(f"535 Your IP is blocked {failed_often}").retryable
    assert not auth(f"535 Your IP is permanently blocked {failed_often}").retryable


@pytest.mark.parametrize("name", ["locked", "blocked", "webmail", "oauth", "rate-limit"])
def test_the_name_of_a_user_is_never_taken_for_a_reason(name):
    own = ("mail.example.org", f"{name}@example.org")
    for reply in (f"535 Login failed for user {name}", f"NO Login failed: {name}"):
        assert auth(reply, *own).code in (Code.AUTHENTICATION_FAILED, Code.AUTHENTICATION_AMBIGUOUS)
    assert auth("535 Your account is locked", *own).code is Code.ACCOUNT_LOCKED


def test_the_name_of_a_user_does_not_make_a_wrong_password_doubtful():
    own = ("mail.example.org", "rosenzweig@example.org")
    assert auth("535 Login failed for user rosenzweig", *own).code is Code.AUTHENTICATION_FAILED
    assert auth("NO rosenzweig: wrong password", *own).code is Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "disguise",
    [
        "<html><body><b>{}</b></body></html>",
        "<span class='error'>{}</span>",
        "{} 2026-11-21 19:00:00 UTC",
        "\ufeff{}",
        "{}\r",
        "({})",
    ],
)
def test_markup_and_dates_change_no_verdict(disguise):
    for case in cases("sample.jsonl"):
        assert _verdict(case, disguise.format(case.refusal.text)) == _verdict(
            case, case.refusal.text
        )


def _verdict(case: Case, text: str) -> tuple[Code, bool]:
    provider = providers.load().find(case.host)
    verdict = classify_refusal(replace(case.refusal, text=text), provider, [case.host])
    return verdict.code, verdict.retryable


def test_characters_without_a_width_do_not_end_a_word():
    assert auth("535 Your acc\u00adount is lo\u200dcked").code is Code.ACCOUNT_LOCKED
    assert auth("535 \U0001d400ccount suspended").code is Code.ACCOUNT_LOCKED


def test_of_two_codes_that_contradict_each_other_the_reply_code_decides():
    assert auth("454 5.7.8 Authentication failed").code is Code.AUTHENTICATION_TEMPORARY
    passing = auth("535 4.7.8 Authentication failed")
    assert (passing.code, passing.retryable) == (Code.AUTHENTICATION_AMBIGUOUS, True)


@pytest.mark.parametrize("code", ["000", "250", "334", "600", "999"])
def test_a_code_that_is_no_refusal_is_none_whatever_the_words(code):
    assert auth(f"{code} authentication failed").code is Code.PROTOCOL_ERROR


@pytest.mark.parametrize(
    "reply",
    [
        "NO No se pudo comprobar la contraseña",
        "535 No se puede validar el usuario",
        "535 Impossibile verificare la password",
        "NO [AUTHENTICATIONFAILED] Impossibile verificare le credenziali, riprovare",
        "535 Nie można sprawdzić hasła",
        "NO Kan wachtwoord niet controleren",
    ],
)
def test_what_could_not_be_checked_is_not_wrong(reply):
    assert auth(reply).code is not Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "reply",
    [
        "535 Authentication failed: password could not be checked",
        "NO Login failed, we were unable to check the credentials",
        "535 Das Passwort konnte nicht überprüft werden",
        "535 Échec : impossible de contrôler l'identifiant",
        "NO Ошибка авторизации: невозможно проверить пароль",
        "NO Nie udało się sprawdzić hasła",
        "535 Wachtwoord kon niet worden gecontroleerd",
        "535 5.7.8 认证失败 无法校验密码",
        "NO パスワードを照合できません",
    ],
)
def test_a_check_that_could_not_be_made_is_the_trouble_of_the_server(reply):
    assert auth(reply).code is Code.AUTHENTICATION_TEMPORARY


@pytest.mark.parametrize("verb", ["verified", "validated"])
def test_but_what_could_not_be_found_right_is_wrong(verb):
    assert auth(f"NO Your password could not be {verb}").code is Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "reply",
    [
        "535 5.7.8 Authentifizierungsfehler: Benutzer wurde gelöscht",
        "NO Échec d'authentification : contrat résilié",
        "535 Error de autenticación: dominio vencido",
        "535 5.7.8 Inicio de sesión fallido: usuario eliminado",
        "NO Autenticazione fallita: contratto scaduto",
        "535 Aanmelden mislukt: abonnement verlopen",
        "535 Błąd logowania: domena wygasła",
        "NO Falha de autenticação: contrato encerrado",
        "535 Вход не выполнен: договор расторгнут",
        "535 5.7.8 登录失败 域名已过期",
        "535 5.7.8 認証に失敗しました ドメインの有効期限が切れています",
    ],
)
def test_an_account_or_a_contract_that_ended_is_no_wrong_password(reply):
    assert auth(reply).code is Code.ACCOUNT_LOCKED


@pytest.mark.parametrize(
    "reply",
    ["535 Das Passwort dieses Kontos ist abgelaufen", "NO Le mot de passe du compte a expiré"],
)
def test_and_a_password_that_expired_is_no_ended_account(reply):
    assert auth(reply).code is Code.PASSWORD_EXPIRED


def test_a_user_who_was_deleted_is_no_login_that_failed_in_russian():
    assert auth("NO Ошибка авторизации: пользователь удалён").code is Code.ACCOUNT_LOCKED
    assert auth("535 Авторизация не удалась").code is Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("80090308: LdapErr: comment: AcceptSecurityContext error, data 52e, v3839", "FAILED"),
        ("80090308: LdapErr: comment: AcceptSecurityContext error, data 525, v1db1", "FAILED"),
        ("Invalid Credentials", "FAILED"),
        ("80090308: LdapErr: comment: AcceptSecurityContext error, data 775, v1db1", "LOCKED"),
        ("80090308: LdapErr: comment: AcceptSecurityContext error, data 532, v1db1", "EXPIRED"),
    ],
)
def test_what_a_directory_says_of_a_login_in_the_form_of_java_is_no_trouble_of_it(said, code):
    assert auth(f"535 [LDAP: error code 49 - {said}]").code.endswith(code)


def test_but_other_errors_of_a_directory_are():
    verdict = auth("535 [LDAP: error code 52 - Unavailable]")
    assert verdict.code is Code.AUTHENTICATION_TEMPORARY
