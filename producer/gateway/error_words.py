"""What a page says to a person beside an error's own sentence."""

from http import HTTPStatus
from typing import Final

from producer.gateway.refusals import HttpError, Reason

TITLES: Final = {
    Reason.NO_CREDENTIAL: "Please log in",
    Reason.WRONG_CREDENTIAL: "This login is not known",
    Reason.UNAUTHORIZED: "This login is not known",
    Reason.NO_OPERATOR: "For operators only",
    Reason.NOT_FOUND: "There is nothing here",
    Reason.NO_SUCH_JOB: "No such job",
    Reason.TOO_MANY: "Too many tests at once",
    Reason.NO_REDIS: "Out of order for a moment",
}
"""What heads the page of an error; of all others the status' own words."""

_LOGIN: Final = "Load this page again and log in. Whoever runs this gateway gives out the logins."
REMEDIES: Final = {
    Reason.NO_CREDENTIAL: _LOGIN,
    Reason.WRONG_CREDENTIAL: _LOGIN,
    Reason.UNAUTHORIZED: _LOGIN,
    Reason.CROSS_ORIGIN: "Fill in the form on this gateway's own page.",
    Reason.NO_SUCH_JOB: "Results are kept for a day and shown to who sent the test: send it again.",
    Reason.TOO_LARGE: "Split the batch and send its parts one after the other.",
}


def heading_of(error: HttpError) -> str:
    return TITLES.get(error.reason) or HTTPStatus(error.reason.status).phrase


def remedy_of(error: HttpError) -> str:
    """Say what a person can do; "" where we do not know."""
    if error.reason in REMEDIES:
        return REMEDIES[error.reason]
    seconds = error.headers.get("Retry-After")
    return f"Wait {seconds} seconds, then load this page again." if seconds else ""
