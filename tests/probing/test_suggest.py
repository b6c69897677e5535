import asyncio
from dataclasses import dataclass, field

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security, Suggestion
from worker.probing.classify.providers import load
from worker.probing.errors import NetworkFault, ProbeFault, ProtocolFault
from worker.probing.suggest import discover, is_worth_a_look, look_at_siblings
from worker.probing.target import Protocol, Target

SMTP_465 = Target("smtp.example.org", 465, Security.IMPLICIT_TLS)
TIMED_OUT = NetworkFault(Code.CONNECTION_TIMED_OUT, "no answer")
REFUSED = NetworkFault(Code.CONNECTION_REFUSED, "nobody listens")


@dataclass
class FakeLook:
    """Ports that greet, ports that fail in their own way; any other is silent."""

    greets: set[int] = field(default_factory=set)
    faults: dict[int, ProbeFault] = field(default_factory=dict)
    allowed: set[int] | None = None
    seen: list[Target] = field(default_factory=list)
    given_seconds: float = 0.0

    def allows(self, port):
        return self.allowed is None or port in self.allowed

    async def greeted(self, protocol, target, seconds):
        self.seen.append(target)
        self.given_seconds = seconds
        if target.port in self.faults:
            raise self.faults[target.port]
        if target.port not in self.greets:
            await asyncio.sleep(seconds * 10)


async def look(fake, target=SMTP_465, code=Code.CONNECTION_TIMED_OUT, protocol=Protocol.SMTP):
    return await look_at_siblings(protocol, target, code, fake, seconds_left=0.2)


async def test_a_sibling_that_greets_is_suggested():
    scan = await look(FakeLook(greets={587}))
    assert scan.suggestion == Suggestion(
        host="smtp.example.org", port=587, security=Security.STARTTLS
    )
    assert not scan.ports_blocked


async def test_of_two_siblings_the_preferred_one_is_suggested():
    target = Target("smtp.example.org", 25, Security.STARTTLS)
    scan = await look(FakeLook(greets={465, 587, 2525}), target)
    assert scan.suggestion.port == 465


async def test_only_the_siblings_are_looked_at_side_by_side():
    fake = FakeLook()
    started = asyncio.get_running_loop().time()
    await look(fake)
    assert [(one.host, one.port) for one in fake.seen] == [
        ("smtp.example.org", 587),
        ("smtp.example.org", 2525),
    ]
    assert asyncio.get_running_loop().time() - started < 5


async def test_the_same_port_in_its_other_mode_is_a_sibling():
    target = Target("imap.example.org", 993, Security.STARTTLS)
    scan = await look(
        FakeLook(greets={993}), target, Code.TLS_MODE_MISMATCH, protocol=Protocol.IMAP
    )
    assert scan.suggestion.security is Security.IMPLICIT_TLS


async def test_ports_outside_the_policy_are_not_looked_at():
    fake = FakeLook(greets={587, 2525}, allowed={465, 587})
    await look(fake)
    assert [one.port for one in fake.seen] == [587]


async def test_silence_everywhere_means_that_our_ports_are_blocked():
    scan = await look(FakeLook(faults={587: TIMED_OUT}))
    assert scan.ports_blocked
    assert scan.suggestion is None


async def test_a_refused_connection_shows_that_the_way_out_is_open():
    assert not (await look(FakeLook(faults={587: REFUSED}))).ports_blocked


async def test_a_server_of_another_kind_is_no_suggestion_but_the_way_out_is_open():
    wrong = ProtocolFault(Code.WRONG_SERVICE, "a web server")
    scan = await look(FakeLook(faults={587: wrong, 2525: wrong}))
    assert scan.suggestion is None
    assert not scan.ports_blocked


async def test_with_no_sibling_allowed_nothing_is_said():
    scan = await look(FakeLook(allowed=set()))
    assert scan.suggestion is None
    assert not scan.ports_blocked


async def test_no_time_left_is_no_error():
    scan = await look_at_siblings(
        Protocol.SMTP, SMTP_465, Code.CONNECTION_TIMED_OUT, FakeLook(), seconds_left=0
    )
    assert scan.suggestion is None


@pytest.mark.parametrize(
    ("code", "phase", "worth"),
    [
        (Code.CONNECTION_REFUSED, PhaseName.CONNECT, True),
        (Code.CONNECTION_TIMED_OUT, PhaseName.CONNECT, True),
        (Code.TLS_MODE_MISMATCH, PhaseName.TLS, True),
        (Code.STARTTLS_NOT_OFFERED, PhaseName.STARTTLS, True),
        (Code.DEADLINE_EXCEEDED, PhaseName.GREETING, True),
        (Code.DEADLINE_EXCEEDED, PhaseName.AUTH, False),
        (Code.CONNECTION_CLOSED, PhaseName.CONNECT, True),
        (Code.CONNECTION_CLOSED, PhaseName.AUTH, False),
        (Code.AUTHENTICATION_FAILED, PhaseName.AUTH, False),
        (Code.TARGET_NOT_ALLOWED, None, False),
        (Code.CERTIFICATE_EXPIRED, PhaseName.TLS, False),
    ],
)
def test_only_what_another_port_may_cure_is_worth_a_look(code, phase, worth):
    assert is_worth_a_look(code, phase) is worth


@dataclass
class Names:
    """A resolver that knows MX and SRV only."""

    exchangers: list[str] = field(default_factory=list)
    services: dict[str, list[tuple[int, int, int, str]]] = field(default_factory=dict)
    fault: ProbeFault | None = None
    asked: list[str] = field(default_factory=list)

    async def addresses(self, host):
        raise AssertionError(host)

    async def mx(self, domain):
        self.asked.append(domain)
        if self.fault:
            raise self.fault
        return self.exchangers

    async def srv(self, name):
        return self.services.get(name, [])


async def find(domain, names, fake=None, protocol=Protocol.IMAP, seconds_left=0.2):
    fake = fake or FakeLook(greets={465, 587, 993, 143, 1993})
    return await discover(domain, protocol, load(), fake, names, seconds_left=seconds_left)


async def test_a_known_domain_needs_no_dns():
    found = await find("gmail.com", Names(fault=TIMED_OUT))
    assert (found.host, found.port) == ("imap.gmail.com", 993)


async def test_the_exchanger_tells_the_provider():
    found = await find("dealer.example", Names(["alt1.aspmx.l.google.com"]), protocol=Protocol.SMTP)
    assert (found.host, found.port) == ("smtp.gmail.com", 465)


class SlowNames(Names):
    async def mx(self, domain):
        await asyncio.sleep(0.05)
        return await super().mx(domain)


async def test_what_the_name_servers_took_is_not_spent_again_on_looks():
    fake = FakeLook(greets={465})
    names = SlowNames(["aspmx.l.google.com"])
    await find("dealer.example", names, fake, Protocol.SMTP, seconds_left=3)
    assert fake.seen
    assert fake.given_seconds <= 3 - 0.05


async def test_the_exchanger_tells_the_region():
    found = await find("dealer.example", Names(["mx.zoho.eu", "mx2.zoho.eu"]))
    assert found.host == "imap.zoho.eu"


async def test_a_provider_whose_region_nothing_tells_is_not_guessed_at():
    assert await find("zoho.com", Names(["mx.other.example"])) is None


async def test_else_the_service_records_tell():
    services = {"_imaps._tcp.dealer.example": [(0, 1, 1993, "mail.dealer.example")]}
    found = await find("dealer.example", Names(services=services))
    assert found == Suggestion(
        host="mail.dealer.example", port=1993, security=Security.IMPLICIT_TLS
    )


@pytest.mark.parametrize(
    ("domain", "asked"), [("straße.example", "xn--strae-oqa.example"), ("M.Example.", "m.example")]
)
async def test_the_domain_that_was_given_is_asked_for_and_not_one_that_looks_like_it(domain, asked):
    services = {
        f"_imaps._tcp.{name}": [(0, 1, 1993, f"mail.{name}")] for name in (asked, "strasse.example")
    }
    found = await find(domain, Names(services=services))
    assert found.host == f"mail.{asked}"


@pytest.mark.parametrize("domain", ["a b", "é." * 200, "x" * 300, "[", "-", ".", "\0", "127.1"])
async def test_what_is_no_domain_is_asked_for_nowhere(domain):
    names = Names(services={})
    assert await find(domain, names) is None
    assert names.asked == []


async def test_a_service_on_a_port_outside_the_policy_is_not_looked_at():
    services = {"_imaps._tcp.dealer.example": [(0, 1, 22, "mail.dealer.example")]}
    fake = FakeLook(greets={22}, allowed={993})
    assert await find("dealer.example", Names(services=services), fake) is None
    assert fake.seen == []


async def test_what_does_not_greet_is_not_suggested():
    assert await find("gmail.com", Names(), FakeLook()) is None


async def test_dns_in_trouble_is_no_error():
    assert await find("dealer.example", Names(fault=TIMED_OUT)) is None
    assert await find("dealer.example", Names()) is None
