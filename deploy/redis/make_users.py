"""Make Redis' users, and the key for stored passwords.

    python deploy/redis/make_users.py OUT_DIR [--host redis:6379] [--tls [--ca FILE]]
                                      [--producer NAME ...] [--namespace mailvouch]
                                      [--cluster] [--shards N]

--ca: where the authority of Redis' own certificate lies on the clients' machines, if it is not one
that everybody trusts. (Not by SSL_CERT_FILE: mail servers would be judged by it too.)

Writes three files into OUT_DIR (0700), and never overwrites one:
  users.acl       what Redis loads; hashes of random 256-bit passwords, so any user may read it
  passwords.env   0600: MAILVOUCH_REDIS_URL for each user, one a line, as `<USER>_REDIS_URL=...`
  store.jwk       the key for stored passwords, the same for every worker (MAILVOUCH_STORE_KEYS)
and with --cluster
  replication.conf  0600: `include` it in the redis.conf of every node, whose replicas log in by it

The users, what for, and what they may do (the rules are in users.acl.in):
  worker    mailvouch-worker run                  the queue, limits, results and records
  producer  systems that only submit              write requests and messages, read nothing
  poller    systems that only fetch results       read results and reports, see that a job waits
  client    systems that do both, `mailvouch`     the two together; count the workers that live
  gateway   mailvouch gateway                     as client; knows brands and subscribers by hash
  exporter  mailvouch-worker exporter             count and look at the heads of the queues
  operator  brands, catalogue, dead, top, doctor  for people; reads no request

With --producer NAME there is one more, a client whose job ids all begin with "NAME:": it sees and
touches no other's requests and results. Give each system one where they do not trust each other.

--cluster: for the nodes of a Redis Cluster, all with the same users.acl; --host h1:6379,h2:6379.
--shards N: where MAILVOUCH_SHARDS is more than 1; the rules are the same for every such number.
"""

import argparse
import hashlib
import json
import os
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

USERS: Final = ("worker", "producer", "poller", "client", "gateway", "exporter", "operator")
RULES: Final = Path(__file__).with_name("users.acl.in")

CONNECT: Final = "-@all +ping +hello +select +client|setname +multi +exec +discard"
CLUSTER: Final = " +cluster|slots +cluster|info"
SUBMIT: Final = (
    "(+set %W~{ns}:request:{ids}*) (+set +get ~{ns}:owner:{ids}*) "
    "(+exists %R~{ns}:request:{ids}* %R~{ns}:result:{ids}*) "
    "(+hset %W~{ns}:credential-tests.msgs %W~{ns}:integration-updates.msgs) "
    "(+rpush %W~{ns}:credential-tests %W~{ns}:integration-updates)"
)
POLL: Final = (
    "(+get +mget +exists %R~{ns}:result:{ids}* %R~{ns}:report:{ids}* %R~{ns}:owner:{ids}*) "
    "(+exists %R~{ns}:request:{ids}* %R~{ns}:result:{ids}*)"
)
LIVING: Final = "+time (+zcount %R~{ns}:__heartbeats__)"
OWN_IDS: Final = (
    "user {name} on {hash} resetchannels &{ns}:done:{ids}* &{ns}:progress:{ids}* "
    "{connect} +subscribe +unsubscribe {living} {submit} {poll}"
)
REPLICA: Final = "user replica on {hash} -@all +psync +replconf +ping"
NAMESPACE: Final = re.compile(r"((?:%\w+)?~|&)\{ns\}([^\s)]*)")
"""A pattern of a rule, for keys or for channels: it is written once for each namespace."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


def main() -> None:
    """Make all files."""
    options = _options()
    scheme = ("rediss" if options.tls else "redis") + ("+cluster" if options.cluster else "")
    database = "" if options.cluster else "/0"
    trust = f"?ssl_ca_certs={quote(str(options.ca))}" if options.ca else ""
    names = (*USERS, *options.producer, *(("replica",) if options.cluster else ()))
    passwords = {name: secrets.token_urlsafe(32) for name in names}
    hashes = {name: f"#{_sha256(word)}" for name, word in passwords.items()}
    options.out.mkdir(mode=0o700, parents=True, exist_ok=True)
    spaces = namespaces(options.namespace, cluster=options.cluster, shards=options.shards)
    rules = "".join(f"{line}\n" for line in users(hashes, spaces, options.producer))
    write(options.out / "users.acl", rules, 0o644)
    lines = (
        f"{_variable(name)}_REDIS_URL={scheme}://{name}:{word}@{options.host}{database}{trust}\n"
        for name, word in passwords.items()
        if name != "replica"
    )
    write(options.out / "passwords.env", "".join(lines), 0o600)
    if options.cluster:
        login = f"masteruser replica\nmasterauth {passwords['replica']}\n"
        write(options.out / "replication.conf", login, 0o600)
    # Read in the container by a user that does not exist here: the folder's mode protects it.
    write(options.out / "store.jwk", store_key(), 0o644)


def namespaces(name: str, *, cluster: bool = False, shards: int = 1) -> Sequence[str]:
    """Where keys may be (docs/CONTRACT.md section 12): what matches the namespace of any shard."""
    records = f"{{{name}}}" if cluster else name
    if shards == 1:
        return (records,)
    return (records, f"{{{name}-[0-9]-}}", f"{{{name}-[0-9][0-9]-}}")


def users(
    passwords: Mapping[str, str],
    spaces: Sequence[str] = ("mailvouch",),
    producers: Sequence[str] = (),
) -> Iterator[str]:
    """Yield the ACL line of each user; `passwords` are what ACL SETUSER takes, #hash or >word."""
    joined = re.sub(r"\n[ ]+", " ", re.sub(r"(?m)^#.*\n", "", RULES.read_text(encoding="utf-8")))
    for line in filter(None, joined.splitlines()):
        yield _filled(line, line.split()[1], passwords, spaces, "")
    for name in producers:
        yield _filled(OWN_IDS, name, passwords, spaces, f"{name}:")
    if "replica" in passwords:
        yield REPLICA.format(hash=passwords["replica"])


def _filled(
    line: str, name: str, passwords: Mapping[str, str], spaces: Sequence[str], own_ids: str
) -> str:
    words = {"ns": "{ns}", "ids": own_ids}
    cluster = spaces[0].startswith("{")
    rules = line.format(
        **words,
        name=name,
        hash=passwords.get(name, ""),
        connect=CONNECT + (CLUSTER if cluster else ""),
        cluster=CLUSTER if cluster else "",
        submit=SUBMIT.format(**words),
        poll=POLL.format(**words),
        living=LIVING.format(**words),
    )
    return NAMESPACE.sub(
        lambda found: " ".join(f"{found[1]}{space}{found[2]}" for space in spaces), rules
    )


def store_key() -> str:
    """Make what `mailvouch keygen store` makes: a JWK of 256 random bits."""
    octets = urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    jwk = {"kty": "oct", "k": octets, "kid": secrets.token_hex(8), "use": "enc", "alg": "A256GCM"}
    return f"{json.dumps(jwk)}\n"


def write(path: Path, text: str, mode: int) -> None:
    """Exclusive: passwords that are in use must not be lost."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise SystemExit(f"make_users.py: {path}: {error.strerror}; name another folder") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make Redis' users.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--host", default="redis:6379")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--ca", type=Path)
    parser.add_argument("--producer", action="append", default=[], type=_producer_name)
    parser.add_argument("--namespace", default="mailvouch", type=_namespace)
    parser.add_argument("--cluster", action="store_true")
    parser.add_argument("--shards", default=1, type=int)
    return parser.parse_args()


def _producer_name(text: str) -> str:
    if not _NAME.match(text) or text in (*USERS, "default", "replica"):
        raise argparse.ArgumentTypeError("a producer's name is 1 to 64 of A-Z a-z 0-9 _ -, its own")
    return text


def _namespace(text: str) -> str:
    if not re.match(r"[A-Za-z0-9_.-]{1,64}\Z", text):
        raise argparse.ArgumentTypeError("a namespace is 1 to 64 of A-Z a-z 0-9 _ . -")
    return text


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
