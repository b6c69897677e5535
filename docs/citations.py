"""Every citation leads somewhere: `python -m docs.citations`, part of `make check`.

A comment that names a rule must let the reader open it. So a path is that of a file here, a dotted
name that of a module, `docs/CONTRACT.md section N` a heading of that page, an RFC has a number and
its sections stand behind the word; and no text cites a document that the repository does not have.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
TEXT: Final = frozenset(
    {".py", ".md", ".toml", ".lua", ".sh", ".mjs", ".yaml", ".yml", ".conf", ".in", ".service"}
)
FOLDERS: Final = "producer|worker|tests|docs|deploy|bench|examples|requirements"

_PATH: Final = re.compile(rf"(?<![\w./{{}}~-])(?:{FOLDERS})/[\w./-]*\w/?(?![\w*{{<$])")
_MODULE: Final = re.compile(r"`((?:producer|worker|tests|docs|bench)(?:\.\w+)+)`")
_FILE_NAME: Final = re.compile(r"(?<![\w./%-])\w+\.(?:py|lua|md)\b(?!/)")
_LINK: Final = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
_CONTRACT: Final = re.compile(r"CONTRACT\.md,? sections? (\d+)")
_HEADING: Final = re.compile(r"(?m)^#+ (.+)$")
_RFC: Final = re.compile(r"\bRFC-?\d+|\bRFC (?:\d{5,}|\d+,? \d+\.[\d.]+)")
_NOWHERE: Final = re.compile(
    r"(?i)\b(?:the (?:study|issue|brief)\b|issue \d|contract,? \(?section|contract \(section"
    r"|rules? [A-Z]\d+\b|sections? [\d to]+ of the catalogue)"
)

MADE: Final = ("deploy/.secrets", "deploy/redis/users.acl", "deploy/mailvouch-")
"""Written by deploy/redis/make_users.py on the machine that deploys; the last: kubectl's."""
NO_FILES: Final = frozenset({"redis.py", "worker.py", "contract.py", "soak.md", "gateway.md"})
"""Examples of what others may call theirs, and what a bench or a test is about to write."""

OWN: Final = ("docs/citations.py", "tests/docs/test_citations.py")
"""Hold examples of what is broken."""

Check = Callable[[Path, str], Iterator[str]]


@cache
def _tracked() -> tuple[str, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(listed.stdout.splitlines())


@cache
def _names() -> frozenset[str]:
    return frozenset(Path(name).name for name in _tracked())


def paths(_file: Path, text: str) -> Iterator[str]:
    """Paths from the root of the repository."""
    for match in _PATH.finditer(text):
        path = match.group().rstrip("/")
        if not (ROOT / path).exists() and not path.startswith(MADE):
            yield f"no file {match.group()}"


def modules(_file: Path, text: str) -> Iterator[str]:
    """Dotted names: a module, or a name that the module's text has."""
    for name in _MODULE.findall(text):
        path = ROOT / name.replace(".", "/")
        if path.is_dir() or path.with_suffix(".py").is_file() or name in NO_FILES:
            continue
        owner = path.parent.with_suffix(".py")
        owner = owner if owner.is_file() else path.parent / "__init__.py"
        if not (owner.is_file() and re.search(rf"\b{path.name}\b", owner.read_text())):
            yield f"no module {name}"


def file_names(_file: Path, text: str) -> Iterator[str]:
    """Bare names of source files and pages."""
    for match in _FILE_NAME.finditer(text):
        if match.group() not in _names() | NO_FILES:
            yield f"no file named {match.group()}"


def links(file: Path, text: str) -> Iterator[str]:
    """Links of a Markdown page, with the heading that they jump to."""
    if file.suffix != ".md":
        return
    for target, anchor in _LINK.findall(text):
        aim = file.parent / target if target else file
        if not aim.exists():
            yield f"no file {target}"
        elif anchor and aim.suffix == ".md" and anchor not in _anchors(aim):
            yield f"no heading #{anchor} in {target or file.name}"


def _anchors(page: Path) -> set[str]:
    text = page.read_text(encoding="utf-8")
    made = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in _titles(text)}
    return made | set(re.findall(r'(?:id|name)="([^"]+)"', text))


def _titles(text: str) -> list[str]:
    return _HEADING.findall(text)


def contract_sections(_file: Path, text: str) -> Iterator[str]:
    """Sections of the contract."""
    contract = (ROOT / "docs/CONTRACT.md").read_text(encoding="utf-8")
    known = {title.partition(".")[0] for title in _titles(contract)}
    for number in _CONTRACT.findall(text):
        if number not in known:
            yield f"docs/CONTRACT.md has no section {number}"


def rfcs(_file: Path, text: str) -> Iterator[str]:
    """RFCs: "RFC 5321" or "RFC 5321, section 4.2"."""
    for match in _RFC.finditer(text):
        yield f"{match.group()!r}: write RFC 5321 or RFC 5321, section 4.2"


def nowhere(_file: Path, text: str) -> Iterator[str]:
    """Documents that a reader cannot open."""
    for match in _NOWHERE.finditer(text):
        yield f"{match.group()!r} is no document here: cite docs/CONTRACT.md, an RFC or a test"


CHECKS: Final[tuple[Check, ...]] = (
    paths, modules, file_names, links, contract_sections, rfcs, nowhere,
)  # fmt: skip


def broken(file: Path) -> Iterator[str]:
    """What a file cites and nobody can open, each with its place."""
    text = file.read_text(encoding="utf-8", errors="replace")
    for check in CHECKS:
        yield from (f"{file.relative_to(ROOT)}: {problem}" for problem in check(file, text))


def main() -> int:
    """Print what is broken; 1 where something is."""
    files = [ROOT / name for name in _tracked() if Path(name).suffix in TEXT and name not in OWN]
    problems = sorted({line for file in files if file.is_file() for line in broken(file)})
    print("\n".join(problems) or f"citations: {len(files)} files, every one leads somewhere")  # noqa: T201
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
