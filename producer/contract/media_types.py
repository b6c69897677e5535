"""What the bodies over HTTP are (docs/CONTRACT.md section 10)."""

from typing import Final

JSON: Final = "application/json"

PROBLEM: Final = "application/problem+json"
"""RFC 9457."""
