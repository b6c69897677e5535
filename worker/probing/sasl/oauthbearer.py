"""OAUTHBEARER (RFC 7628)."""

from worker.probing.sasl.bearer import Bearer
from worker.probing.target import Credential


class OAuthBearer(Bearer):
    """A GS2 header with the user, then key-value pairs, each ended by ^A (section 3.1)."""

    def __init__(self, credential: Credential, *, host: str, port: int) -> None:
        user = credential.user.replace("=", "=3D").replace(",", "=2C")
        token = credential.secret.get_secret_value()
        fields = (f"n,a={user},", f"host={host}", f"port={port}", f"auth=Bearer {token}", "", "")
        # The dummy response to an error is section 3.2.3's.
        super().__init__("OAUTHBEARER", "\x01".join(fields).encode(), dummy=b"\x01")
