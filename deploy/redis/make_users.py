"""Make Redis' users.

    python deploy/redis/make_users.py OUT_DIR [--host redis:6379] [--tls [--ca FILE]]

--ca: where the authority of Redis' own certificate lies on the clients' machines, if it is not one
that everybody trusts. (Not by SSL_CERT_FILE: mail servers would be judged by it too.)

Writes two files, and never overwrites one:
  users.acl       what Redis loads; hashes of random 256-bit passwords, so any user may read it
  passwords.env   0600: MAILVOUCH_REDIS_URL for each user, one a line, as `<USER>_REDIS_URL=...`

The users, what for, and what they may do in the namespace `mailvouch`:
  worker    mailvouch-worker run                  all keys of the namespace, no administration
  producer  systems that only submit              write requests and messages, read nothing
  poller    systems that only fetch results       read results and reports, see that a job waits
  client    systems that do both, `mailvouch`     the two together
  exporter  mailvouch-worker exporter             count and look at the heads of the queues
  operator  brands, catalogue, dead, top, doctor  as the worker; for people
"""

import argparse
import hashlib
import os
import secrets
from pathlib import Path
from urllib.parse import quote

USERS = ("worker", "producer", "poller", "client", "exporter", "operator")
RULES = Path(__file__).with_name("users.acl.in")


def main() -> None:
    """Make both files."""
    parser = argparse.ArgumentParser(description="Make Redis' users.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--host", default="redis:6379")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--ca", type=Path)
    options = parser.parse_args()
    scheme = "rediss" if options.tls else "redis"
    trust = f"?ssl_ca_certs={quote(str(options.ca))}" if options.ca else ""
    passwords = {user: secrets.token_urlsafe(32) for user in USERS}
    hashes = {
        user: f"#{hashlib.sha256(word.encode()).hexdigest()}" for user, word in passwords.items()
    }
    options.out.mkdir(parents=True, exist_ok=True)
    write(options.out / "users.acl", RULES.read_text(encoding="utf-8").format(**hashes), 0o644)
    lines = (
        f"{user.upper()}_REDIS_URL={scheme}://{user}:{word}@{options.host}/0{trust}\n"
        for user, word in passwords.items()
    )
    write(options.out / "passwords.env", "".join(lines), 0o600)


def write(path: Path, text: str, mode: int) -> None:
    """Exclusive: passwords that are in use must not be lost."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
