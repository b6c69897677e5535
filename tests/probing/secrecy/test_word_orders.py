"""A secret that is echoed piece by piece, with other words between the pieces."""

import json
from itertools import cycle, islice

import pytest

from tests.support.replies import CORPUS
from worker.probing.secrecy.needles import Needles
from worker.probing.target import Protocol
from worker.probing.transcript import Transcript

SECRETS = ["Hunter2-battery!", "correcthorse", "zq8#Wk2pLm", "пароль-тайна-99"]
FILLERS = [
    "alpha",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliet",
    "kilo",
    "lima",
]


def cut(secret, size):
    return [secret[start : start + size] for start in range(0, len(secret), size)]


def beside(parts):
    return zip(parts, islice(cycle(FILLERS), len(parts)), strict=True)


WAYS = {
    "first word of a line": lambda parts: [f"{part} {word} x" for part, word in beside(parts)],
    "second word": lambda parts: [f"{word}: {part} {word}s" for part, word in beside(parts)],
    "last word": lambda parts: [f"no {word} for {part}" for part, word in beside(parts)],
    "last but one": lambda parts: [f"a b c d e f {part} {word}" for part, word in beside(parts)],
    "after the same words": lambda parts: [
        f"as far as I can see there is a piece {part} in what you sent to me" for part in parts
    ],
    "numbered": lambda parts: [f"{number}:{part}" for number, part in enumerate(parts, 1)],
    "in quotes": lambda parts: [
        f'{word * (number % 5 + 1)} it "{part}" {"so " * number}'
        for number, (part, word) in enumerate(beside(parts))
    ],
    "in brackets": lambda parts: [
        f"{word} {'so ' * number}[{part}]{word * number}"
        for number, (part, word) in enumerate(beside(parts))
    ],
    "every other word": lambda parts: [" ".join(f"{part} {word}" for part, word in beside(parts))],
    "every third word": lambda parts: [
        " ".join(f"a {part} {word}" for part, word in beside(parts))
    ],
    "letters between digits": lambda parts: [
        "".join(f"{part}{number}" for number, part in enumerate(parts))
    ],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("secret", SECRETS)
def test_pieces_of_a_secret_are_found_among_other_words(secret, way):
    if way == "letters between digits" and secret != "correcthorse":
        return  # its own digits are lost with the others: a cipher, not an echo
    needles = Needles([secret])
    texts = {size: "\n".join(WAYS[way](cut(secret, size))) for size in range(1, 6)}
    assert [size for size, text in texts.items() if not needles.found_in(text.encode())] == []


@pytest.mark.parametrize("filler", ["x", "7", "-x"])
def test_letters_are_found_with_one_between_each_two(filler):
    text = filler.join("correcthorse")
    assert Needles(["correcthorse"]).found_in(f"no: {text}".encode())


@pytest.mark.parametrize("protocol", Protocol)
def test_no_line_of_a_transcript_shows_a_piece_where_replies_together_tell_the_secret(protocol):
    transcript = Transcript(protocol, ["Hunter2-battery!"])
    pieces = ["Hunt", "er2-", "batt", "ery!"]
    for number, piece in enumerate(pieces):
        head = f"25{number}" if protocol is Protocol.SMTP else "* OK"
        transcript.server([f"{head} see: {piece} {FILLERS[number]}".encode()])
    shown = "\n".join(transcript.lines())
    assert not [piece for piece in pieces if piece in shown]
    assert "withheld" in shown


def test_what_servers_usually_say_is_not_taken_for_pieces_of_usual_passwords():
    usual = [
        "Summer2024!",
        "Password123!",
        "letmein-now",
        "Welcome2Mail",
        "qwertyuiop",
        "Liverpool-09",
    ]
    needles = Needles(usual, ("mail.test", "amy@mail.test"))
    lines = (CORPUS / "gathered.jsonl").read_text().splitlines()
    texts = [json.loads(line)["reply"] for line in lines]
    whole = ["\n".join(texts[start : start + 6]) for start in range(len(texts))]
    assert len(texts) > 100
    assert not [text for text in whole if needles.found_in(text.encode()[:3000])]
