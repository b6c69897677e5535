"""XOAUTH2 (Google's and Microsoft's, before RFC 7628)."""

from worker.probing.sasl.bearer import Bearer
from worker.probing.target import Credential


class XOAuth2(Bearer):
    """`user=U ^A auth=Bearer T ^A ^A`."""

    def __init__(self, credential: Credential) -> None:
        token = credential.secret.get_secret_value()
        response = f"user={credential.user}\x01auth=Bearer {token}\x01\x01"
        super().__init__("XOAUTH2", response.encode(), dummy=b"")
