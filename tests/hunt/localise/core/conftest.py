"""A module of a hundred functions, evidence on them, and a case to rank them for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from anyclue.hunt.localise.core.model import FunctionSource, ModuleSource, Symptoms
from anyclue.model.verdict import Signature
from anyclue.review.pairs.model import Confidence, Finding, FindingKind, PathStep, StepKind

CHANGED = 20


def function(name: str, path: str = "fs/x/a.c", **known: Any) -> FunctionSource:  # noqa: ANN401
    return FunctionSource(path=path, name=name, **{"line": 10, "last_line": 20, **known})


def finding(name: str, **known: Any) -> Finding:  # noqa: ANN401
    given = {
        "kind": FindingKind.LEAK,
        "pair": "page-reference",
        "resource": "page",
        "path": "fs/x/a.c",
        "line": 18,
        "column": 2,
        "acquired_line": 12,
        "acquired_by": "find_get_page",
        "release": ("put_page",),
        "message": "page is not released",
        "steps": (PathStep(line=18, kind=StepKind.RETURN, text="return ret;"),),
        "confidence": Confidence.HIGH,
        "reason": "",
    }
    return Finding(function=name, **{**given, **known})


def module(functions: Iterable[FunctionSource], **known: Any) -> ModuleSource:  # noqa: ANN401
    others = [function(f"f{n}", changed=n < CHANGED) for n in range(100)]
    kinds = {"page-reference": "reference", "slab-memory": "memory", "mutex": "lock"}
    given = {"compared": True, "alone": True, "kinds": kinds}
    return ModuleSource(functions=(*functions, *others), **{**given, **known})


def some_symptoms(**known: Any) -> Symptoms:  # noqa: ANN401
    given = {"signature": Signature.PAGE_CACHE_REFERENCE, "regression": True}
    return Symptoms(**{**given, **known})


@pytest.fixture
def make_function() -> Callable[..., FunctionSource]:
    return function


@pytest.fixture
def make_finding() -> Callable[..., Finding]:
    return finding


@pytest.fixture
def make_module() -> Callable[..., ModuleSource]:
    return module


@pytest.fixture
def make_symptoms() -> Callable[..., Symptoms]:
    return some_symptoms
