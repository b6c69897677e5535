"""Postfix as a submission server; Dovecot checks its passwords."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.peers import (
    POSTFIX_MASTER,
    USER,
    Peer,
    directory,
    running,
    write_certificate,
)
from tests.support.ports import free_ports

_MAIN = """
compatibility_level = 3.6
queue_directory = {path}/queue
data_directory = {path}/data
maillog_file = {log_file}
maillog_file_prefixes = {path}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
mydestination =
myhostname = mail.test
alias_maps =
alias_database =
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{sasl_port}
smtpd_tls_cert_file = {chain}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
# The sender is judged at MAIL FROM, and tim owns his own address only.
smtpd_delay_reject = no
smtpd_sender_login_maps = inline:{{ {{ {user} = {user} }}, {{ boss@mail.test = boss@mail.test }} }}
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_recipient_restrictions = reject
"""

_MASTER = """
127.0.0.1:{ports[submission]} inet n - n - - smtpd
127.0.0.1:{ports[submissions]} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
127.0.0.1:{ports[clear]} inet n - n - - smtpd
  -o smtpd_tls_security_level=none
  -o smtpd_tls_auth_only=no
127.0.0.1:{ports[no_auth]} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=no
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


@contextmanager
def postfix(sasl_port: int) -> Iterator[Peer]:
    ports = free_ports("submission", "submissions", "clear", "no_auth")
    with directory() as path:
        peer = Peer(path, ports, path / "postfix.log")
        configuration = _write(path, peer, sasl_port)
        # Makes the queue's directories; complains about nothing that matters here.
        subprocess.run(["/usr/sbin/postfix", "-c", configuration, "check"], check=True, timeout=60)
        with running([str(POSTFIX_MASTER), "-c", configuration, "-d"], ports, peer.log_file):
            yield peer


def _write(path: Path, peer: Peer, sasl_port: int) -> str:
    chain, key = write_certificate(path)
    for name in ("queue", "data", "configuration"):
        (path / name).mkdir()
    shutil.chown(path / "data", "postfix")
    configuration = path / "configuration"
    (configuration / "main.cf").write_text(
        _MAIN.format(
            path=path,
            log_file=peer.log_file,
            sasl_port=sasl_port,
            chain=chain,
            key=key,
            user=USER,
        )
    )
    (configuration / "master.cf").write_text(_MASTER.format(ports=peer.ports))
    return str(configuration)
