"""What docs/files.md says of the network file is what the code does."""

from typing import Literal

from docs.tools.schema import PAGE, example, tables, written
from sw.network import file as schema
from sw.network.encodings import base


def test_the_page_is_as_the_models_and_the_example_are():
    text = PAGE.read_text()
    assert text == written(text), "write it again: python -m docs.tools.schema"


def test_a_new_field_or_layer_would_show(monkeypatch):
    class Residual(schema.LayerRecord):
        kind: Literal["residual"] = "residual"
        shift: int

    assert "residual" not in tables()
    grown = schema.Annotated[schema.AnyLayer.__args__[0] | Residual, None]
    monkeypatch.setattr(schema, "AnyLayer", grown)
    assert "| `residual` | `shift`: whole number |" in tables()


def test_the_example_has_every_array_of_the_file():
    text = example()
    for name in ("dense1.packed", "dense1.shape", "dense1_act.invert", "encode.thresholds", "scores.bias"):
        assert f"| `{name}` |" in text


def test_every_encoding_and_layer_has_its_place_on_the_page():
    text = PAGE.read_text()
    for kind in base._kinds:
        assert f"`{kind}`" in text
    for record in schema.AnyLayer.__args__[0].__args__:
        assert f"`{record.model_fields['kind'].default}`" in text
