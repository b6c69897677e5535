"""A server's words clause by clause, without names: what denies a yes stands beside it.

No more is read than `MAX_JUDGED_CHARACTERS`, in no more than `MAX_CLAUSES` clauses.
"""

from typing import Final

MAX_JUDGED_CHARACTERS: Final = 512
MAX_CLAUSES: Final = 64

_CLAUSE_ENDS: Final = str.maketrans(dict.fromkeys(".,;:!?()|\u3002\uff0c\uff01\uff1b", "\n"))
_AROUND_NAMES: Final = "<>()[]'\",.;:"


def without_addresses(text: str, user: str = "") -> str:
    """Return the words in lower case, without addresses and what `user` is called."""
    words = text[:MAX_JUDGED_CHARACTERS].encode("utf-8", "replace").decode().strip().lower()
    name = user.lower()
    own = {name, name.partition("@")[0]}
    parts = words.replace("\n", " \n ").split(" ")
    return " ".join(one for one in parts if "@" not in one and one.strip(_AROUND_NAMES) not in own)


def clauses(words: str) -> list[str]:
    """Cut words at the ends of sentences, lines and their parts."""
    return words.translate(_CLAUSE_ENDS).split("\n", MAX_CLAUSES)
