"""What an operator can set for the gateway (docs/CONTRACT.md section 10)."""

import ssl
from ipaddress import ip_address

from pydantic import Field

from producer.contract.names import MAX_REQUEST_BYTES
from producer.gateway.intake import LONGEST_WAIT_SECONDS
from producer.gateway.open_files import BoundedContext
from producer.settings import (
    PREFIX,
    File,
    Names,
    Networks,
    ServiceSettings,
    SettingsError,
)


class GatewaySettings(ServiceSettings):
    """Read once, when the gateway starts."""

    gateway_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on. One that is not loopback needs `GATEWAY_TLS_CERT` or"
        " `GATEWAY_TRUSTED_PROXIES`.",
    )
    gateway_port: int = Field(
        default=8080, ge=0, le=65535, description="Port to listen on; 0 = any free one."
    )
    gateway_wait_seconds: float = Field(
        default=60.0,
        ge=0,
        le=LONGEST_WAIT_SECONDS,
        description="How long a submit waits for its result where the caller does not say.",
    )
    gateway_max_body_bytes: int = Field(
        default=1024 * 1024,
        ge=1,
        le=MAX_REQUEST_BYTES,
        description="Largest body of a request.",
    )
    gateway_read_seconds: float = Field(
        default=10.0,
        gt=0,
        le=3600,
        description="Time for a request's header to arrive, and again for its body.",
    )
    gateway_requests_per_minute: int = Field(
        default=600,
        ge=0,
        description="Submits of one subscriber or brand, over all gateways; 0 = no limit.",
    )
    gateway_tls_cert: File | None = Field(
        default=None, description="PEM file: certificate and its chain. TLS 1.2 and newer."
    )
    gateway_tls_key: File | None = Field(
        default=None, description="PEM file: the private key of `GATEWAY_TLS_CERT`."
    )
    gateway_trusted_proxies: Networks = Field(
        default=(),
        description="Networks of proxies whose `X-Forwarded-For` and `-Proto` are believed (CIDR).",
    )
    gateway_operators: Names = Field(
        default=(),
        description="Subscribers that may see `/operations`: queues, workers, recent failures and"
        " dead letters, read-only. None: there is no such page.",
    )
    shutdown_seconds: float = Field(
        default=30.0,
        ge=0,
        le=3600,
        description="After SIGTERM: time for requests that wait.",
    )

    def require_protection(self) -> None:
        """Raise SettingsError where passwords would cross a network in clear text."""
        if _is_loopback(self.gateway_host) or self.gateway_tls_cert or self.gateway_trusted_proxies:
            return
        line = (
            f"{PREFIX}GATEWAY_HOST: {self.gateway_host} is not loopback: set {PREFIX}"
            f"GATEWAY_TLS_CERT and {PREFIX}GATEWAY_TLS_KEY, or, where a proxy in front speaks "
            f"TLS, {PREFIX}GATEWAY_TRUSTED_PROXIES"
        )
        raise SettingsError([line])

    def tls_context(self) -> ssl.SSLContext | None:
        """Return the server's side of TLS; None where none is set. Raises SettingsError."""
        cert, key = self.gateway_tls_cert, self.gateway_tls_key
        if cert is None and key is None:
            return None
        if cert is None or key is None:
            missing = "CERT" if cert is None else "KEY"
            raise SettingsError([f"{PREFIX}GATEWAY_TLS_{missing}: certificate and key go together"])
        context = BoundedContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            # An encrypted key would be asked for on the terminal, where nobody may sit.
            context.load_cert_chain(cert, key, password=lambda: "")
        except (OSError, ValueError):
            line = (
                f"{PREFIX}GATEWAY_TLS_CERT: {cert} and {key} are no certificate and key in PEM "
                "that belong together"
            )
            raise SettingsError([line]) from None
        return context


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
