"""Visits as a probe makes them, with what matters to the test in sight."""

from pydantic import SecretStr

from producer.contract.report import Security
from worker.probing.gate import Visit
from worker.probing.target import Credential, ProbePlan, Protocol, Target


def visit(
    job_id="job", user="amy", secret="wrong", *, host="mail.test", protocol=Protocol.SMTP, port=465
):
    """`user` None: a probe without a login."""
    credential = None if user is None else Credential(user, SecretStr(secret))
    target = Target(host, port, Security.IMPLICIT_TLS)
    return Visit(job_id, ProbePlan(protocol, target, credential))
