"""The HTTP gateway, as far as its settings tell whether passwords cross a network in clear text.

The worker knows nothing of the gateway; one file of settings may serve both.
"""

from pathlib import Path

from producer.settings import PREFIX, Networks, ProducerSettings, SettingsError
from worker.commands.doctor.check import Check, ok, warn

LOOPBACK = ("127.", "::1", "localhost")


class GatewayAddress(ProducerSettings):
    """The three settings that decide (docs/CONTRACT.md section 10)."""

    gateway_host: str = "127.0.0.1"
    gateway_tls_cert: Path | None = None
    gateway_trusted_proxies: Networks = ()


def check_gateway_settings() -> Check:
    """Read them as the gateway does, which a bad one stops."""
    try:
        address = GatewayAddress.load()
    except SettingsError as error:
        return warn("gateway", f"'mailvouch gateway' will not start: {error}", "correct it")
    return check_gateway(address)


def check_gateway(address: GatewayAddress) -> Check:
    """A gateway beyond this machine needs TLS, its own or a proxy's."""
    host = address.gateway_host
    if address.gateway_tls_cert is not None:
        return ok("gateway", f"on {host}, with TLS of its own")
    if host.lower().startswith(LOOPBACK):
        return ok("gateway", f"on {host}, for this machine only")
    if address.gateway_trusted_proxies:
        return warn(
            "gateway",
            f"on {host} without TLS: between its proxies and it passwords are in clear text",
            f"make sure that the proxies speak TLS, or set {PREFIX}GATEWAY_TLS_CERT and _KEY",
        )
    return warn(
        "gateway",
        f"on {host} without TLS: 'mailvouch gateway' will not start",
        f"set {PREFIX}GATEWAY_TLS_CERT and _KEY, or {PREFIX}GATEWAY_TRUSTED_PROXIES",
    )
