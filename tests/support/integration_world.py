"""A store with two brands and a small catalogue, and jobs run against it without a queue."""

import asyncio
import json
from typing import Any

import redis

from producer.contract.codes import Code
from producer.contract.envelope import IntegrationEnvelope, parse_envelope
from producer.contract.integrations import CatalogueEntry, IntegrationStatus
from producer.contract.names import Kind
from producer.contract.report import Probe
from producer.records.store import Record, StoreKeys, auth_key_digest, new_auth_key
from producer.sealing.at_rest import PasswordVault
from worker.jobs.integrations.service import Integrations, Outcome, Policy
from worker.jobs.integrations.store import IntegrationStore
from worker.probing.result import ProbeResult
from worker.probing.target import ProbePlan, Protocol
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link, Script
from worker.redis_link.pipe import Word

NAMESPACE = "mv-test"
BRAND, OTHER_BRAND = "shop.example", "rival.example"
NOW_MS = 1_700_000_000_000

BODY: dict[str, Any] = {
    "appIntegrationId": "gmail",
    "name": "SMTP Integration",
    "host": "smtp.gmail.com",
    "port": 587,
    "username": "office@shop.example",
    "password": "correct horse",
    "useTls": True,
    "isDefault": True,
    "description": "SMTP Integration Description",
    "status": "1 - Active",
}

GMAIL = CatalogueEntry(
    type="SMTP",
    name="Gmail",
    domain="https://gmail.com",
    description="Gmail",
    status=IntegrationStatus.ACTIVE,
    id="gmail",
)
STRIPE = CatalogueEntry(type="PaymentGateway", name="Stripe", id="stripe")


def found(code: Code, sentence: str = "") -> ProbeResult:
    return ProbeResult(Protocol.SMTP, Probe(code=code, retryable=False), sentence)


class FakeEngine:
    """Answers every probe with `result` and remembers what it was asked to try."""

    def __init__(self) -> None:
        self.result = found(Code.OK)
        self.plans: list[ProbePlan] = []
        self.fault: Exception | None = None

    async def verify(self, job_id: str, plan: ProbePlan) -> ProbeResult:
        assert job_id
        self.plans.append(plan)
        await asyncio.sleep(0)
        if self.fault:
            raise self.fault
        return self.result


class NotedLink(Link):
    """A link that remembers which scripts and commands it was asked for."""

    def __init__(self, url: str) -> None:
        super().__init__(async_pool(url))
        self.calls: list[str] = []

    async def call(self, script: Script, *args: Any, **options: Any) -> Any:
        self.calls.append(script.name)
        return await super().call(script, *args, **options)

    async def execute(self, *command: Word, retry: bool = True) -> Any:
        self.calls.append(str(command[0]))
        return await super().execute(*command, retry=retry)


class World:
    """Everything a test needs, on a real server."""

    def __init__(self, sync: redis.Redis, link: NotedLink) -> None:
        self.redis = sync
        self.keys = StoreKeys(NAMESPACE)
        self.vault = PasswordVault([("k1", b"1" * 32)])
        self.engine = FakeEngine()
        self.link = link
        self.store = IntegrationStore(link, NAMESPACE)
        self.auth_keys = {brand: self._add_brand(brand) for brand in (BRAND, OTHER_BRAND)}
        for entry in (GMAIL, STRIPE):
            sync.hset(self.keys.catalogue, entry.id, entry.model_dump_json(by_alias=True))
        self._job_number = 0

    def _add_brand(self, brand: str) -> str:
        key = new_auth_key()
        self.redis.hset(self.keys.auth_keys(brand), "current", auth_key_digest(brand, key))
        return key

    def service(self, **policy: Any) -> Integrations:
        return Integrations(self.store, self.vault, self.engine.verify, Policy(**policy))

    async def run(
        self,
        kind: Kind,
        body: Any = None,
        *,
        record_id: str = "",
        brand: str = BRAND,
        auth_key: str | None = None,
        job_id: str | None = None,
        submitted_ms: int = NOW_MS,
        **policy: Any,
    ) -> Outcome:
        self._job_number += 1
        return await self.service(**policy).run(
            self.envelope(kind, body, record_id=record_id, brand=brand, auth_key=auth_key),
            job_id=job_id or f"job-{self._job_number}",
            submitted_ms=submitted_ms,
        )

    def envelope(
        self, kind: Kind, body: Any, *, record_id: str, brand: str, auth_key: str | None
    ) -> IntegrationEnvelope:
        key = self.auth_keys.get(brand, "") if auth_key is None else auth_key
        document = {"version": 1, "kind": kind, "id": record_id, "brandUrl": brand}
        envelope = parse_envelope(json.dumps({**document, "authKey": key, "body": body}))
        assert isinstance(envelope, IntegrationEnvelope)
        return envelope

    async def create(self, *, brand: str = BRAND, **changes: Any) -> str:
        outcome = await self.run(Kind.INTEGRATION_CREATE, {**BODY, **changes}, brand=brand)
        data = json.loads(outcome.result.to_bytes())["data"]
        assert data, outcome.result
        self.engine.plans.clear()
        return str(data["id"])

    async def update(self, record_id: str, **changes: Any) -> Outcome:
        options = ("brand", "auth_key", "job_id", "submitted_ms", "verification", "allow_cleartext")
        chosen = {name: changes.pop(name) for name in options if name in changes}
        body = {name: value for name, value in {**BODY, **changes}.items() if value is not ...}
        return await self.run(Kind.INTEGRATION_UPDATE, body, record_id=record_id, **chosen)

    def record(self, record_id: str, brand: str = BRAND) -> Record | None:
        text = self.redis.hget(self.keys.records(brand), record_id)
        return Record.model_validate_json(text) if text else None

    def password(self, record_id: str, brand: str = BRAND) -> str:
        record = self.record(record_id, brand)
        assert record is not None
        sealed = record.password
        return self.vault.open(sealed, brand=brand, record_id=record_id).get_secret_value()

    def default(self, brand: str = BRAND) -> str | None:
        stored = self.redis.get(self.keys.default(brand))
        return stored.decode() if stored else None
