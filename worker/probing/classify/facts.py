"""What each code and each warning means and what helps, `facts.toml`: read once per process."""

import tomllib
from importlib.resources import files
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from producer.contract.codes import Code, WarningCode
from worker.probing.classify.verdict import FieldKind


class Fact(BaseModel):
    """One row; the head of the file says what each key is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    meaning: str = Field(min_length=1)
    remedy: str = Field(min_length=1)
    retryable: bool = False
    field: FieldKind | None = None


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    code: dict[Code, Fact]
    warning: dict[WarningCode, Fact]


_FILE: Final = _File.model_validate(
    tomllib.loads(files(__package__).joinpath("facts.toml").read_text(encoding="utf-8"))
)
FACTS: Final = _FILE.code
WARNINGS: Final = _FILE.warning
