"""A batch from its request to its answer, with an engine that is a table."""

import asyncio

from producer.contract.codes import Code
from producer.contract.report import Probe, Security, Suggestion
from worker.jobs.credential_test import BatchRules, Engine, run_batch
from worker.probing.result import ProbeResult

RULES = BatchRules(max_items=50, allow_cleartext=True)


def account(host, **fields):
    return {
        "smtpHost": host,
        "smtpUserID": "u@mail.test",
        "smtpPassword": "hunter2-Canary",
    } | fields


class Network:
    """Answers when it is told to, with OK."""

    def __init__(self, *hosts):
        self.gates = {host: asyncio.Event() for host in hosts}

    async def probe(self, plan, _fields):
        await self.gates[plan.target.host].wait()
        return ProbeResult(plan.protocol, Probe(code=Code.OK, retryable=False))

    async def discover(self, _domain, _protocol):
        return None

    @property
    def engine(self):
        return Engine(self.probe, self.discover, lambda *_: None)


async def test_each_ended_item_is_told_in_the_order_of_their_ends():
    network, heard = Network("a.test", "b.test"), asyncio.Queue()
    items = [account("a.test"), account("b.test"), "no object at all"]

    def progress(done, total):
        heard.put_nowait(
            (done, total, [host for host in network.gates if network.gates[host].is_set()])
        )

    batch = asyncio.ensure_future(run_batch(items, RULES, network.engine, progress))
    assert await heard.get() == (1, 3, [])
    network.gates["b.test"].set()
    assert await heard.get() == (2, 3, ["b.test"])
    network.gates["a.test"].set()
    await batch
    assert heard.get_nowait() == (3, 3, ["a.test", "b.test"])
    assert heard.empty()


async def test_the_last_progress_and_the_end_of_the_batch_are_one_moment():
    network, turned = Network("a.test"), []
    network.gates["a.test"].set()

    def progress(_done, _total):
        asyncio.get_running_loop().call_soon(turned.append, "turned")

    await run_batch([account("a.test")], RULES, network.engine, progress)
    assert not turned  # nothing else ran in between, so both leave in one exchange with Redis


class Broken(Network):
    """As `Network`, with bugs of ours."""

    async def probe(self, plan, fields):
        if plan.target.host == "bug.test":
            raise ValueError("a bug that quotes hunter2-Canary")
        return await super().probe(plan, fields)

    async def discover(self, _domain, _protocol):
        raise ValueError("another bug")


async def test_a_bug_costs_one_protocol_of_one_item_and_its_id_is_handed_on_for_the_log():
    network = Broken("good.test")
    network.gates["good.test"].set()
    items = [
        account("bug.test", imapHost="good.test", imapUserID="u", imapPassword="p2"),
        account("good.test"),
        {"dealerEmail": "no@server.test"},
    ]

    outcome = await run_batch(items, RULES, network.engine, lambda _done, _total: None)

    broken, good, lost = outcome.response.emailCredentialsResponses
    assert [entry.errorCode for entry in broken.errors] == ["SMTP_INTERNAL_SERVER_ERROR"]
    assert (good.outcome, good.errors) == ("SUCCESS", ())
    assert [entry.errorCode for entry in lost.errors] == ["INTERNAL_SERVER_ERROR"]
    assert outcome.items[0].smtp.retryable
    assert outcome.items[0].imap.code is Code.OK
    ids = {entry.errorUID for entry in (*broken.errors, *lost.errors)}
    assert {bug.error_id for bug in outcome.bugs} == ids
    assert "hunter2" not in outcome.response.model_dump_json()


async def test_each_probe_is_told_the_passwords_of_its_batch_mates_with_the_same_login():
    told = {}

    class Listening(Network):
        async def probe(self, plan, fields):
            told[plan.credential.secret.get_secret_value()] = set(plan.all_secrets)
            return await super().probe(plan, fields)

    network = Listening("a.test")
    network.gates["a.test"].set()
    items = [account("a.test", smtpPassword=f"secret-{n}") for n in range(3)]

    await run_batch(items, RULES, network.engine, lambda _done, _total: None)

    assert set(map(frozenset, told.values())) == {frozenset(told)}


async def test_servers_are_looked_for_of_the_protocols_alone_that_were_asked_for():
    """The suggestion is taken over into a request whose `credentialsType` leaves the other out."""
    looked = []

    async def discover(domain, protocol):
        looked.append((domain, protocol))
        return Suggestion(host=f"{protocol}.shop.test", port=993, security=Security.IMPLICIT_TLS)

    item = {"dealerEmail": "a@shop.test", "password": "x", "credentialsType": "Imap"}
    engine = Engine(None, discover, lambda *_: None)
    found = await run_batch([item], RULES, engine, lambda *_: None)

    assert looked == [("shop.test", "imap")]
    assert found.items[0].smtp is None
    assert (found.items[0].imap.field, found.items[0].imap.suggestion.host) == (
        "imapHost",
        "imap.shop.test",
    )


async def test_a_login_in_clear_that_we_do_not_send_is_not_laid_to_the_server():
    clear = {"smtpUseSSLOrTLS": "false", "smtpEnableStartTLS": "false"}
    rules = BatchRules(max_items=50, allow_cleartext=False)

    found = await run_batch([account("a.test", **clear)], rules, Network().engine, lambda *_: None)

    (error,) = found.response.emailCredentialsResponses[0].errors
    assert error.errorCode == "SMTP_AUTH_REQUIRES_TLS"
    assert error.errorDescription.startswith("This service sends no login without encryption; ")
