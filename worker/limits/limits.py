"""What is allowed: connections of a host, refused logins of an account, and for how long."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings of docs/CONTRACT.md section 8; 0 = no limit.

    `hold_seconds`: longer than any probe may last; a place held beyond it was lost on the way.
    `life_seconds`: a process that has not been heard of for so long has lost its places.
    """

    host_concurrency: int = 50
    login_failure_limit: int = 5
    login_failure_window_seconds: int = 900
    hold_seconds: float = 120.0
    life_seconds: float = 15.0

    @property
    def window_ms(self) -> int:
        return self.login_failure_window_seconds * 1000

    @property
    def hold_ms(self) -> int:
        return round(self.hold_seconds * 1000)

    @property
    def life_ms(self) -> int:
        return round(self.life_seconds * 1000)
