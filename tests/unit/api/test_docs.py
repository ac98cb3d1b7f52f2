from __future__ import annotations

import pytest

from service.api.docs import page, type_of


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "#/components/schemas/Account"}, "Account"),
        ({"type": "integer"}, "integer"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "array", "items": {"type": "string"}}, "list of string"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"enum": ["accepted"]}, '"accepted"'),
        ({}, "anything"),
    ],
)
def test_a_schema_is_said_in_a_few_words(schema, words):
    assert type_of(schema) == words


def test_what_a_description_says_cannot_become_markup():
    document = {
        "info": {"version": "<script>", "description": "<b>1</b>"},
        "paths": {},
        "components": {"parameters": {}, "schemas": {}},
    }
    assert "<script" not in page(document)
    assert "<b>1" not in page(document)
