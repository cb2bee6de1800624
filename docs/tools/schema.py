"""What docs/files.md has of the network file: tables from the models that check it, and an example.

``python -m docs.tools.schema`` writes them anew between their marks; a test says when that is due.
"""

import json
import tempfile
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from safetensors import safe_open

from docs.tools.marks import filled
from docs.tools.pages import ROOT
from docs.tools.timing.scenes import small_network
from sw.network import file as schema

__all__ = ["PAGE", "example", "main", "tables", "written"]

PAGE = ROOT / "docs" / "files.md"


def tables() -> str:
    """Markdown of the manifest: its fields, the image's, and those of each kind of layer."""
    records = typing.get_args(typing.get_args(schema.AnyLayer)[0])
    common = set(schema.LayerRecord.model_fields)
    parts = [
        f"Schema {schema.SCHEMA}, format `{schema.FORMAT}`.\n",
        "| field of the manifest | type |\n|---|---|",
        *rows(schema.Manifest),
        "\n| field of `input` | type |\n|---|---|",
        *rows(schema.InputRecord),
        "\n| field of every layer | type |\n|---|---|",
        *rows(schema.LayerRecord),
        "\n| `kind` of a layer | its own fields |\n|---|---|",
    ]
    for record in records:
        own = [name for name in record.model_fields if name not in common and name != "kind"]
        told = ", ".join(f"`{name}`: {kind(record.model_fields[name].annotation)}" for name in own) or "none"
        parts.append(f"| `{record.model_fields['kind'].default}` | {told} |")
    return "\n".join(parts)


def rows(record: type[schema.Record]) -> Iterator[str]:
    """A row for each field of a record."""
    for name, field in record.model_fields.items():
        yield f"| `{name}` | {kind(field.annotation)} |"


def kind(annotation: Any) -> str:
    """A type in words."""
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return kind(inside[0])
    if origin is Literal:
        return " or ".join(f'"{value}"' for value in inside)
    if origin is list:
        return f"list of {plural(inside[0])}"
    if inside and inside[-1] is type(None):
        return f"{kind(inside[0])}, or left out"
    if origin is not None:
        return "a layer"
    names = {int: "whole number", str: "text", float: "number", schema.InputRecord: "the image, below"}
    return names[annotation]


def plural(annotation: Any) -> str:
    """Several of a type."""
    return {int: "whole numbers", str: "texts"}.get(annotation, "layers")


def example() -> str:
    """Markdown of a small network's file: the manifest, and every array."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "four-pixels.safetensors"
        schema.save(small_network(), path)
        with safe_open(path, framework="np") as file:
            manifest = json.loads(file.metadata()["manifest"])
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
    layers = ",\n".join(f"    {json.dumps(layer)}" for layer in manifest.pop("layers"))
    fields = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in manifest.items())
    listed = "\n".join(
        f"| `{name}` | {array.dtype} | {shape(array.shape)} | `{json.dumps(array.tolist())}` |"
        for name, array in arrays.items()
    )
    return (
        f'```json\n{{\n{fields},\n  "layers": [\n{layers}\n  ]\n}}\n```\n\n'
        f"| array | type | shape | contents |\n|---|---|---|---|\n{listed}"
    )


def shape(sizes: tuple[int, ...]) -> str:
    """A shape as it is written in the pages."""
    return f"({', '.join(map(str, sizes))})"


def written(page: str) -> str:
    """The page with both parts as they should be."""
    for name, text in (("schema", tables()), ("example", example())):
        page = filled(page, name, text)
    return page


def main() -> None:
    """Write both parts into the page."""
    PAGE.write_text(written(PAGE.read_text()))


if __name__ == "__main__":
    main()
