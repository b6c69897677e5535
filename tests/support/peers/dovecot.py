"""Dovecot: IMAP, submission, and SASL for Postfix."""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import OctKey

from tests.support.peers import (
    ACCOUNTS,
    DOVECOT,
    Peer,
    directory,
    running,
    write_certificate,
)
from tests.support.ports import free_ports

NOT_SECURE_HOST = "127.0.0.5"
"""Dovecot takes a client with the server's own address for secure; at this one it does not."""

_MAIL_USER = 65534  # nobody

_CONFIGURATION = """
protocols = imap submission
base_dir = {path}/run
state_dir = {path}/state
log_path = {log_file}
listen = 127.0.0.1, {not_secure_host}
ssl = yes
ssl_cert = <{chain}
ssl_key = <{key}
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 xoauth2 oauthbearer
auth_username_chars =
auth_verbose = yes
auth_failure_delay = 0
first_valid_gid = 1
first_valid_uid = 1
last_valid_uid = 0
mail_location = maildir:~/Maildir
submission_relay_host = 127.0.0.1
submission_relay_port = 1
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {path}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
  args = scheme=PLAIN {path}/users
}}
userdb {{
  driver = static
  args = uid={mail_user} gid={mail_user} home={path}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {ports[imap]}
  }}
  inet_listener imaps {{
    port = {ports[imaps]}
    ssl = yes
  }}
}}
service submission-login {{
  inet_listener submission {{
    port = {ports[submission]}
  }}
  inet_listener submissions {{
    port = {ports[submissions]}
    ssl = yes
  }}
}}
service auth {{
  inet_listener {{
    port = {ports[sasl]}
  }}
}}
service anvil {{
  # No penalty for refused logins: the next test comes from the same address.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""

_OAUTH2 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={path}/keys/
username_attribute = email
"""


@contextmanager
def dovecot() -> Iterator[Peer]:
    """Start Dovecot; `settings["token_key"]` signs the tokens that it accepts."""
    ports = free_ports("imap", "imaps", "submission", "submissions", "sasl")
    with directory() as path:
        token_key = os.urandom(32)
        peer = Peer(path, ports, path / "dovecot.log", {"token_key": OctKey.import_key(token_key)})
        _write(path, peer, token_key)
        command = [str(DOVECOT), "-F", "-c", str(path / "dovecot.conf")]
        with running(command, ports, peer.log_file):
            yield peer


def token(peer: Peer, user: str, *, lifetime_seconds: int, now: int) -> str:
    """Make a bearer token that Dovecot checks by itself (a JWT with HS256)."""
    claims = {"email": user, "sub": user, "iat": now - 60, "exp": now + lifetime_seconds}
    header = {"alg": "HS256", "typ": "JWT", "kid": "default"}
    return jwt.encode(header, claims, peer.settings["token_key"])


def _write(path: Path, peer: Peer, token_key: bytes) -> None:
    chain, key = write_certificate(path)
    mail = path / "mail"
    mail.mkdir()
    os.chown(mail, _MAIL_USER, _MAIL_USER)
    users = "".join(f"{user}:{{PLAIN}}{password}\n" for user, password in ACCOUNTS.items())
    (path / "users").write_text(users, "utf-8")
    keys = path / "keys" / "default" / "HS256"
    keys.mkdir(parents=True)
    (keys / "default").write_bytes(base64.b64encode(token_key))
    (path / "oauth2.conf").write_text(_OAUTH2.format(path=path))
    (path / "dovecot.conf").write_text(
        _CONFIGURATION.format(
            path=path,
            log_file=peer.log_file,
            chain=chain,
            key=key,
            ports=peer.ports,
            mail_user=_MAIL_USER,
            not_secure_host=NOT_SECURE_HOST,
        )
    )
