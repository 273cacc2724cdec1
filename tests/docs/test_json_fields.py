"""Every field of every JSON document is documented, on the page that names the document."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

import anyclue
from anyclue.report.json_document import DocumentModel

if TYPE_CHECKING:
    from tests.docs.conftest import Docs


def documents() -> list[type[DocumentModel]]:
    """Every document of anyclue with a schema's name, wherever it is defined."""
    for module in pkgutil.walk_packages(anyclue.__path__, "anyclue."):
        if module.name.endswith("json_document") or ".render." in module.name:
            importlib.import_module(module.name)
    own = [one for one in subclasses(DocumentModel) if one.__module__.startswith("anyclue.")]
    return [one for one in own if "schema_" in one.model_fields]


def subclasses(model: type[DocumentModel]) -> Iterator[type[DocumentModel]]:
    for one in model.__subclasses__():
        yield one
        yield from subclasses(one)


def fields(schema: Any) -> Iterator[str]:  # noqa: ANN401 - a JSON value
    """The names of all fields in a schema, those of its parts included."""
    if isinstance(schema, list):
        schema = dict(enumerate(schema))
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "properties":
                yield from value
            yield from fields(value)


DOCUMENTS = documents()


def test_documents_are_found() -> None:
    assert {one.__name__ for one in DOCUMENTS} >= {"VerdictsDocument", "CluesDocument"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_field_is_documented(docs: Docs, document: type[DocumentModel]) -> None:
    schema = document.model_json_schema(mode="serialization")
    name = f"`{schema['properties']['schema']['const']}`"
    texts = [one.text for one in docs.pages if name in one.text and one.path.parent.name == "docs"]
    words = {word for text in texts for word in re.findall(r"`([\w./-]+)`", text)}
    assert set(fields(schema)) - words == set()
