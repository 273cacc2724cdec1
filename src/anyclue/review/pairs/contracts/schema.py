"""The shape of a table of contracts, as pydantic models; what needs two keys is checked later."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from anyclue.review.pairs.contracts.model import Template

CALL = r"^[A-Za-z_][A-Za-z0-9_]*$"
NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"
MODE = r"^([A-Za-z_][A-Za-z0-9_-]*|\$[0-9])$"
WORD = r"^[A-Za-z_][A-Za-z0-9_-]*$"
VERSION = r"^[0-9]+\.[0-9]+(\.[0-9]+)?$"


def _template(text: str) -> str:
    try:
        Template.parse(text)
    except ValueError as error:
        raise PydanticCustomError("template", "{reason}", {"reason": str(error)}) from error
    return text


def _taken(text: str) -> str:
    if Template.parse(text).base == "ret":
        raise PydanticCustomError(
            "template", "{reason}", {"reason": "must be an argument: nothing is returned yet"}
        )
    return text


def _line(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError(
            "line", "{reason}", {"reason": "must be one line of visible characters"}
        )
    return text


Call: TypeAlias = Annotated[str, StringConstraints(pattern=CALL)]
CallTransfer: TypeAlias = list[Call]
Name: TypeAlias = Annotated[str, StringConstraints(pattern=NAME)]
Mode: TypeAlias = Annotated[str, StringConstraints(pattern=MODE)]
Word: TypeAlias = Annotated[str, StringConstraints(pattern=WORD)]
Version: TypeAlias = Annotated[str, StringConstraints(pattern=VERSION)]
Line: TypeAlias = Annotated[str, AfterValidator(_line)]
Title: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=80), AfterValidator(_line)
]
Holds: TypeAlias = Annotated[str, AfterValidator(_template)]
Takes: TypeAlias = Annotated[str, AfterValidator(_template), AfterValidator(_taken)]
FailsWord: TypeAlias = Literal[
    "never", "null", "error", "null-or-error", "zero", "nonzero", "negative"
]
KindWord: TypeAlias = Literal["lock", "reference", "memory", "mapping", "handle", "access", "count"]


class ContractTable(BaseModel):
    """A table with a fixed set of keys: unknown ones are errors, values are never converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class VersionedTable(ContractTable):
    """What only some kernels have."""

    since: Version | None = None
    until: Version | None = None
    exact: bool = Field(default=False, examples=[True])


class AcquireTable(VersionedTable):
    """A call that acquires."""

    call: Call = Field(examples=["find_get_page"])
    holds: Holds = Field(examples=["$ret"])
    fails: FailsWord = Field(default="never", examples=["null"])
    mode: Mode | None = Field(default=None, examples=["read"])


class ReleaseTable(VersionedTable):
    """A call that releases."""

    call: Call = Field(examples=["put_page"])
    takes: Takes = Field(examples=["$0"])
    mode: Mode | None = Field(default=None, examples=["read"])


class ConsumeTable(VersionedTable):
    """A call that takes over the duty to release."""

    call: Call = Field(examples=["submit_bio"])
    takes: Takes = Field(examples=["$0"])
    fails: FailsWord = Field(default="never", examples=["nonzero"])


class DowngradeTable(VersionedTable):
    """A call that changes the mode."""

    call: Call = Field(examples=["downgrade_write"])
    takes: Takes = Field(examples=["$0"])
    from_mode: Word = Field(alias="from", examples=["write"])
    to_mode: Word = Field(alias="to", examples=["read"])


class PairTable(VersionedTable):
    """A pair."""

    name: Name = Field(examples=["page-reference"])
    title: Title = Field(examples=["page reference"])
    kind: KindWord = Field(examples=["reference"])
    subsystem: Line = ""
    doc: Line = ""
    null_safe: bool = Field(default=False, examples=[True])
    error_safe: bool = Field(default=False, examples=[True])
    order: Literal["lifo"] | None = Field(default=None, examples=["lifo"])
    handover: bool = Field(default=False, examples=[True])
    use_after_release: bool = Field(default=False, examples=[True])
    acquire: Annotated[list[AcquireTable], Field(min_length=1)] = Field(
        examples=[[{"call": "find_get_page", "holds": "$ret", "fails": "null"}]]
    )
    release: Annotated[list[ReleaseTable], Field(min_length=1)] = Field(
        examples=[[{"call": "put_page", "takes": "$0"}]]
    )
    consume: list[ConsumeTable] = []
    embedded: CallTransfer = Field(default=[], examples=[["vfs_inode"]])
    borrow: CallTransfer = []
    downgrade: list[DowngradeTable] = []
    good: str = ""
    bad: str = ""


class GuardTable(ContractTable):
    """A lock or class that ends with its scope."""

    name: Call = Field(examples=["mutex"])
    pair: Name = Field(examples=["mutex"])
    holds: Holds = Field(examples=["$0"])
    mode: Word | None = Field(default=None, examples=["read"])
    fails: FailsWord = Field(default="never", examples=["null"])


class FreeTable(ContractTable):
    """A release that runs where its variable's scope ends."""

    name: Call = Field(examples=["kfree"])
    pair: Name = Field(examples=["slab-memory"])


class ZeroTestTable(ContractTable):
    """A call that is true exactly where something is 0 when it is called."""

    call: Call = Field(examples=["xchk_process_error"])
    of: Takes = Field(examples=["*$3"])


class FunctionsTable(ContractTable):
    """Facts about calls that are in no pair."""

    noreturn: CallTransfer = []
    borrow: CallTransfer = []
    escape: CallTransfer = []
    nonnull: CallTransfer = []
    negative: CallTransfer = []
    identity: CallTransfer = []
    zero_tests: list[ZeroTestTable] = []


class ContractsDocument(ContractTable):
    """A file of contracts; its pairs, guards and frees are checked one by one."""

    pair: list[object] = []
    functions: object = {}
    guard: list[object] = []
    free: list[object] = []
