"""The shape of a scenario's TOML, as pydantic models.

Shapes only: types, ranges, patterns, required and unknown keys. What needs more than one key to
decide (unknown names, paths that do not exist, a plan without cells) is checked by the modules
beside this one. Each key's description and example here is what messages and editors show.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from anyclue.model.scenario import Limits, Sensitivity

_LIMITS = Limits()
_SENSITIVITY = Sensitivity()
MAX_OPTIONS = 1024

NAME = r"^[a-z0-9][a-z0-9_-]{0,31}$"
DEBIAN = r"^[0-9]+\.[0-9]+(([.~][0-9A-Za-z]+)*-[0-9][0-9A-Za-z.+~]*)?$"
RAM = r"^[0-9]{1,9}(\.[0-9]{1,9})? ?(MiB|GiB)$"
SOURCE_PATH = r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*(/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*/?$"
GIT = r"^.+@.+$"
ORIGINS = ("debian", "image", "build", "git")
FSTYP = r"^[a-z0-9]{1,16}$"
DURATION = r"^[0-9]{1,9}(\.[0-9]{1,9})?[smhdw]?$"
FUNCTION = r"^[A-Za-z_][A-Za-z0-9_]*$"
COMMIT = r"^[A-Za-z0-9][A-Za-z0-9._/~^-]{0,127}$"
ABOUTS = ("factor", "commit", "function", "subsystem", "resource", "arch")

_SCALAR_SCHEMA = {"type": ["boolean", "number", "string"]}
_CLOSED = {"additionalProperties": False}  # pydantic leaves names that break the pattern open


Name: TypeAlias = Annotated[str, StringConstraints(pattern=NAME)]
Options: TypeAlias = Annotated[str, StringConstraints(max_length=MAX_OPTIONS)]
Release: TypeAlias = Literal["bookworm", "trixie", "forky", "sid"]
Suite: TypeAlias = Literal[
    "bookworm",
    "bookworm-updates",
    "bookworm-security",
    "bookworm-backports",
    "trixie",
    "trixie-updates",
    "trixie-security",
    "trixie-backports",
    "forky",
    "forky-updates",
    "forky-security",
    "forky-backports",
    "sid",
]
FileSystemName: TypeAlias = Literal["btrfs", "ext4", "xfs", "f2fs", "exfat"]
ResourceName: TypeAlias = Literal[
    "kmap", "page-references", "raw-pages", "slab", "vmalloc", "page-cache"
]


def _scalar(value: object) -> object:
    if isinstance(value, bool | int | float | str):
        return value
    raise PydanticCustomError("scalar", "must be text, a number, true or false")


def _not_bool(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("literal_error", "must be 1", {"expected": "1"})
    return value


def _one_as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


SourcePath: TypeAlias = Annotated[str, StringConstraints(pattern=SOURCE_PATH)]
Modules: TypeAlias = Annotated[
    list[Annotated[str, StringConstraints(min_length=1)]],
    BeforeValidator(
        _one_as_list,
        json_schema_input_type=Annotated[str, StringConstraints(min_length=1)]
        | Annotated[list[SourcePath], Field(min_length=1, json_schema_extra={"uniqueItems": True})],
    ),
    Field(min_length=1),
]
Parameter: TypeAlias = Annotated[Any, AfterValidator(_scalar), WithJsonSchema(_SCALAR_SCHEMA)]
Names: TypeAlias = Annotated[
    list[Name],
    BeforeValidator(
        _one_as_list,
        json_schema_input_type=Name
        | Annotated[list[Name], Field(min_length=1, json_schema_extra={"uniqueItems": True})],
    ),
    Field(min_length=1),
]

Resources: TypeAlias = Annotated[
    list[ResourceName],
    BeforeValidator(
        _one_as_list,
        json_schema_input_type=ResourceName
        | Annotated[
            list[ResourceName], Field(min_length=1, json_schema_extra={"uniqueItems": True})
        ],
    ),
    Field(min_length=1),
]


class Table(BaseModel):
    """A table with a fixed set of keys: unknown ones are errors, values are never converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class EditTable(Table):
    """One change of the source, by text, made before the module is built."""

    file: Annotated[str, StringConstraints(pattern=SOURCE_PATH)] = Field(
        description="The source file, as a path in the kernel tree, inside the module's directory.",
        examples=["fs/btrfs/lzo.c"],
    )
    function: Annotated[str, StringConstraints(pattern=FUNCTION)] | None = Field(
        default=None,
        description="Look only in the body of this function; without it, in the whole file.",
        examples=["lzo_compress_pages"],
    )
    find: Annotated[str, StringConstraints(min_length=1)] = Field(
        description="The text to replace. Any run of white space in it matches any white space.",
        examples=["if (page_in) put_page(page_in);"],
    )
    replace: str = Field(
        description='What to put in its place; "" removes it.', examples=["put_page(page_in);"]
    )
    times: int = Field(
        default=1, ge=1, le=1000, description="How often `find` must occur, exactly.", examples=[1]
    )


_REBUILT: dict[str, Any] = {"anyOf": [{"required": ["module"]}, {"required": ["modules"]}]}


class KernelTable(Table):
    """A kernel to test: Debian's, one that you built (`image`, `build`), or a commit's (`git`)."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [origin]} for origin in ORIGINS],
            "dependentRequired": {
                "suite": ["debian"],
                "module": ["debian"],
                "config": ["git"],
                "debug": ["git"],
            },
            "dependentSchemas": {
                "modules": {
                    "oneOf": [
                        {"required": ["image"], "properties": {"modules": {"type": "string"}}},
                        {"required": ["debian"], "properties": {"modules": {"type": "array"}}},
                    ],
                    "not": {"required": ["module"]},
                },
                **dict.fromkeys(("tree", "edits", "patches"), _REBUILT),
            },
        }
    )

    debian: Annotated[str, StringConstraints(pattern=DEBIAN)] | None = Field(
        default=None,
        description=(
            "A kernel from Debian's packages: a series (its newest version is looked up when the "
            "hunt starts) or one exact package version."
        ),
        examples=["6.1", "6.1.176-1"],
    )
    suite: Suite | None = Field(
        default=None,
        description="The suite of Debian's that `debian` is looked up in; without it, in all.",
        examples=["trixie-backports"],
    )
    image: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None,
        description="A kernel image that you built; relative to the scenario file.",
        examples=["arch/x86/boot/bzImage"],
    )
    modules: Modules | None = Field(
        default=None,
        description=(
            "With `image`: the directory lib/modules/RELEASE that belongs to it, relative to the "
            "scenario file; leave it out when all that the guest needs is built in. With `debian`: "
            "a list of directories to rebuild, as `module` is for one."
        ),
        examples=["mods/lib/modules/6.12.0", ["fs/jbd2", "fs/ext4"]],
    )
    build: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None,
        description=(
            "A finished build of yours: its O= directory, or the kernel tree; relative to the "
            "scenario file."
        ),
        examples=["../linux/build"],
    )
    git: Annotated[str, StringConstraints(pattern=GIT)] | None = Field(
        default=None,
        description=(
            "A commit to build: REPOSITORY@REVISION, the repository relative to the scenario file."
        ),
        examples=["~/linux@v6.1"],
    )
    config: list[Annotated[str, StringConstraints(min_length=1)]] = Field(
        default=[],
        description=(
            "Configuration for `git`: a complete .config first, or fragments over tinyconfig; "
            "relative to the scenario file."
        ),
        examples=[["my.config"]],
    )
    debug: list[Literal["page_owner", "kmemleak", "page_ref", "kasan", "lockdep"]] = Field(
        default=[],
        description="What to build into the kernel of `git` beside, so that it watches itself.",
        examples=[["page_owner", "kmemleak"]],
    )
    module: SourcePath | None = Field(
        default=None,
        description="Rebuild the module in this directory from the source that matches `debian`.",
        examples=["fs/btrfs"],
    )
    tree: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None,
        description=(
            "A kernel tree of yours: take the directory `module` from it, not from Debian's "
            "source; relative to the scenario file."
        ),
        examples=["~/linux"],
    )
    edits: list[EditTable] = Field(
        default=[], description="Changes to make before `module` is built, in order."
    )
    patches: list[Annotated[str, StringConstraints(min_length=1)]] = Field(
        default=[],
        description=(
            "Patch files to apply before the edits, in order; relative to the scenario file."
        ),
        examples=[["revert.patch"]],
    )


class MachineTable(Table):
    """A virtual machine."""

    arch: Literal["i386", "x86_64"] = Field(
        description="The guest's architecture.", examples=["i386"]
    )
    ram: Annotated[str, StringConstraints(pattern=RAM)] = Field(
        description="The guest's memory, in MiB or GiB: at least 128 MiB.", examples=["2 GiB"]
    )
    cpus: int = Field(default=1, ge=1, le=64, description="Virtual CPUs.", examples=[1])


class WorkloadTable(BaseModel):
    """A workload with its parameters: every other key sets the parameter of that name."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    __pydantic_extra__: dict[str, Parameter]

    use: str = Field(description="The built-in workload to run.", examples=["enospc-small-files"])


class FstestsTable(Table):
    """Tests of upstream fstests: another kind of value of the workload axis."""

    tests: Annotated[list[Annotated[str, StringConstraints(min_length=1)]], Field(min_length=1)] = (
        Field(
            description=(
                "What to run: tests, patterns, and options of check with their values: "
                "-g -x -X -E -e -i -I -L -R."
            ),
            examples=[["generic/001", "btrfs/02*", "-g quick"]],
        )
    )
    exclude: list[Annotated[str, StringConstraints(min_length=1)]] = Field(
        default=[],
        description="What to leave out: tests, and -x, -X, -E, -e with their values.",
        examples=[["generic/475", "-x dangerous"]],
    )
    tree: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None,
        description=(
            "A checkout of upstream fstests, relative to the scenario file; --fstests wins."
        ),
        examples=["~/xfstests"],
    )
    fstyp: Annotated[str, StringConstraints(pattern=FSTYP)] | None = Field(
        default=None,
        description="The file system, as mkfs calls it; without it, `filesystem`.",
        examples=["ext4"],
    )
    config: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None,
        description=(
            "A local.config, taken as it is but for its devices; relative to the scenario file. "
            "Options of the mkfs and mount axes win over it."
        ),
        examples=["local.config"],
    )
    sections: list[Annotated[str, StringConstraints(min_length=1)]] = Field(
        default=[],
        description="Sections of `config` to run; without it, all.",
        examples=[["compress", "none"]],
    )
    soak_duration: Annotated[str, StringConstraints(pattern=DURATION)] | None = Field(
        default=None, description="SOAK_DURATION, as check takes it.", examples=["5m"]
    )
    time_factor: int | None = Field(
        default=None, ge=1, le=1000, description="TIME_FACTOR.", examples=[2]
    )
    load_factor: int | None = Field(
        default=None, ge=1, le=1000, description="LOAD_FACTOR.", examples=[2]
    )
    known_failures: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None,
        description="A list of failures that are no news; relative to the scenario file.",
        examples=["known-failures.toml"],
    )
    repeats: int = Field(
        default=5,
        ge=3,
        le=1000,
        description="Runs of a test whose memory is in doubt, alone in a fresh guest.",
    )
    seconds: float = Field(
        default=1800.0,
        ge=1,
        le=86400,
        description="A test that takes longer is ended: hung if nothing moves, else lost.",
    )


class CellsTable(Table):
    """Some of the cells: those that have, on each axis named here, one of the values given."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    kernel: Names | None = Field(default=None, description="Names from [kernels].")
    machine: Names | None = Field(default=None, description="Names from [machines].")
    mkfs: Names | None = Field(default=None, description="Names from [mkfs].")
    mount: Names | None = Field(default=None, description="Names from [mount].")
    workload: Names | None = Field(
        default=None, description="Names from [workloads] and [fstests]."
    )


class PlanTable(Table):
    """Which cells to run, of all the combinations of the axes, and what to compare them with."""

    reference: CellsTable | None = Field(
        default=None,
        description=(
            "The cells known to be good: every other cell is compared with the nearest of them."
        ),
        examples=[{"kernel": "good"}],
    )
    include: Annotated[list[CellsTable], Field(min_length=1)] | None = Field(
        default=None,
        description="Run the cells that match one of these. Without it, every combination.",
        examples=[[{"kernel": "bad", "mount": ["lzo", "zlib"]}]],
    )
    exclude: list[CellsTable] = Field(
        default=[],
        description="Of those, leave out the cells that match one of these.",
        examples=[[{"machine": "i386-2g", "mount": "zstd"}]],
    )


class FactorTable(Table):
    """A value of one axis."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    kernel: Name | None = Field(default=None, description="A name from [kernels].")
    machine: Name | None = Field(default=None, description="A name from [machines].")
    mkfs: Name | None = Field(default=None, description="A name from [mkfs].")
    mount: Name | None = Field(default=None, description="A name from [mount].")
    workload: Name | None = Field(default=None, description="A name from [workloads].")


class SuspectTable(Table):
    """A theory of yours, and what it is about: exactly one of the keys below `theory`."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [about]} for about in ABOUTS]}
    )

    theory: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="Your words; reports show them.", examples=["something in MM"]
    )
    factor: FactorTable | None = Field(
        default=None, description="A value of an axis.", examples=[{"mount": "lzo"}]
    )
    commit: Annotated[str, StringConstraints(pattern=COMMIT)] | None = Field(
        default=None, description="A commit or a merge.", examples=["037c50bfbeb3"]
    )
    function: Annotated[str, StringConstraints(pattern=FUNCTION)] | None = Field(
        default=None,
        description="A function of the module under test.",
        examples=["lzo_compress_pages"],
    )
    subsystem: Annotated[str, StringConstraints(pattern=SOURCE_PATH)] | None = Field(
        default=None,
        description="A file or a directory of the kernel's tree.",
        examples=["fs/btrfs/lzo.c"],
    )
    resource: Resources | None = Field(
        default=None, description="A class of resource, or several.", examples=["kmap"]
    )
    arch: Literal["i386", "x86_64"] | None = Field(
        default=None, description="An architecture.", examples=["i386"]
    )


class LimitsTable(Table):
    """How often and how long; seconds are of real time."""

    rounds: int = Field(
        default=_LIMITS.rounds,
        ge=3,
        le=1000,
        description="Repetitions of the workload in one guest.",
    )
    trials: int = Field(
        default=_LIMITS.trials, ge=1, le=100, description="Fresh guests for each cell."
    )
    extra_trials: int = Field(
        default=_LIMITS.extra_trials,
        ge=0,
        le=100,
        description="At most so many more for a cell whose rounds prove nothing yet.",
    )
    follow_up_guests: int = Field(
        default=_LIMITS.follow_up_guests,
        ge=0,
        le=1000,
        description="At most so many follow up each fault, probes among them.",
    )
    round_seconds: float = Field(
        default=_LIMITS.round_seconds,
        ge=1,
        le=86400,
        description="A round that takes longer is ended: hung if nothing moves, else lost.",
    )
    boot_seconds: float = Field(
        default=_LIMITS.boot_seconds,
        ge=1,
        le=86400,
        description="A guest that takes longer to boot ends the hunt with an error.",
    )
    sample_hz: float = Field(
        default=_LIMITS.sample_hz,
        ge=0.1,
        le=50,
        description="Memory readings per second.",
    )


class SensitivityTable(Table):
    """What size of effect matters to you."""

    leak_kib_per_round: float = Field(
        default=_SENSITIVITY.leak_kib_per_round,
        gt=0,
        le=2**30,
        description="A cell is called clean only when a leak of this size is ruled out.",
    )
    surge_percent: float = Field(
        default=_SENSITIVITY.surge_percent,
        gt=0,
        le=100,
        description="A peak this far above the reference's, in percent of RAM, is a surge.",
    )


class Document(Table):
    """A scenario of anyclue: what to test, in which combinations, and how long."""

    schema_: Annotated[Literal[1], BeforeValidator(_not_bool)] = Field(
        alias="schema", description="The version of this format.", examples=[1]
    )
    title: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="What this hunt is about; the report's headline.",
        examples=["Memory climbs under compress=lzo"],
    )
    kernels: Annotated[dict[Name, KernelTable], Field(min_length=1, json_schema_extra=_CLOSED)] = (
        Field(description="The kernels to test, by a name of your choice.")
    )
    machines: Annotated[
        dict[Name, MachineTable], Field(min_length=1, json_schema_extra=_CLOSED)
    ] = Field(description="The virtual machines to test them in, by a name of your choice.")
    mkfs: Annotated[dict[Name, Options], Field(min_length=1, json_schema_extra=_CLOSED)] = Field(
        default={"default": ""},
        description="Options of mkfs, by a name of your choice; without it, none.",
    )
    mount: Annotated[dict[Name, Options], Field(min_length=1, json_schema_extra=_CLOSED)] = Field(
        default={"default": ""},
        description="Mount options (what follows -o), by a name of your choice; without it, none.",
    )
    workloads: Annotated[
        dict[Name, WorkloadTable], Field(min_length=1, json_schema_extra=_CLOSED)
    ] = Field(default={}, description="What runs in each round, by a name of your choice.")
    fstests: Annotated[dict[Name, FstestsTable], Field(min_length=1, json_schema_extra=_CLOSED)] = (
        Field(
            default={},
            description="Tests of upstream fstests: more values of the workload axis.",
        )
    )
    userspace: Release | None = Field(
        default=None,
        description=(
            "The release of Debian that the guests' programs (mkfs and the like) are from, for all "
            "kernels; without it, that of the kernels, the oldest where they are of several."
        ),
        examples=["bookworm"],
    )
    filesystem: FileSystemName = Field(
        default="btrfs",
        description="The file system that all workloads run on, and tests of fstests.",
        examples=["ext4"],
    )
    plan: PlanTable = Field(default_factory=PlanTable, description="Which combinations to run.")
    limits: LimitsTable = Field(default_factory=LimitsTable, description="How often and how long.")
    sensitivity: SensitivityTable = Field(
        default_factory=SensitivityTable, description="What size of effect matters."
    )
    suspects: Annotated[dict[Name, SuspectTable], Field(json_schema_extra=_CLOSED)] = Field(
        default={},
        description="Your theories, each with what it is about, by names of your choice.",
    )


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario, as docs/scenario.schema.json has it."""
    schema = Document.model_json_schema(by_alias=True, mode="validation")
    schema = _without_none(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "anyclue scenario",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def json_schema_text() -> str:
    """Return ``json_schema()`` as the text of the published file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _without_none(node: Any) -> Any:  # noqa: ANN401  (a JSON value)
    """Return a JSON Schema without null (TOML has none) and without generated titles."""
    if isinstance(node, list):
        return [_without_none(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {
        key: _without_none(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
        and not (key == "default" and value is None)
    }
    options = [option for option in node.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        node = {**{key: value for key, value in node.items() if key != "anyOf"}, **options[0]}
    elif options:
        node["anyOf"] = options
    return node
