"""``python -m tests.sw.interop.brevitas_cases.export [NAME ...]`` writes the files of the Brevitas test networks again.

Needs Brevitas: `nox -s brevitas` has the versions that work together.
"""

import copy
import dataclasses
import json
import logging
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import onnx
import torch
from brevitas.export import export_qonnx
from torch import nn

from tests.sw.interop.brevitas_cases.case import Case
from tests.sw.interop.brevitas_cases.convolutions import CONVOLUTIONS
from tests.sw.interop.brevitas_cases.dense import DENSE
from tests.sw.interop.brevitas_cases.files import FOLDER, BrevitasFile, random_images, save_answers
from tests.sw.interop.brevitas_cases.parts import randomised
from tests.sw.interop.brevitas_cases.refused import REFUSED
from tests.sw.interop.brevitas_cases.variants import VARIANTS

__all__ = ["CASES", "entry", "export", "made", "main", "outputs"]

CASES = (*DENSE, *CONVOLUTIONS, *VARIANTS, *REFUSED)
"""Every network, in the order of the manifest."""


def entry(case: Case) -> BrevitasFile:
    """The manifest's entry of a network."""
    images = random_images(case.name, case.shape, case.bits)
    shared = [field.name for field in dataclasses.fields(BrevitasFile) if field.name != "images_crc"]
    return BrevitasFile(**{name: getattr(case, name) for name in shared}, images_crc=zlib.crc32(images.tobytes()))


def made(case: Case) -> nn.Module:
    """The network, with its random numbers or those of its training; on one thread, since two add in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return made_on_this_thread(case)
    finally:
        torch.set_num_threads(before)


def made_on_this_thread(case: Case) -> nn.Module:
    """The same, with as many threads as torch takes."""
    torch.manual_seed(zlib.crc32(case.name.encode()))
    model, file = case.make(), entry(case)
    if case.trained:
        from tests.sw.interop.brevitas_cases.training import trained

        return trained(case, model)
    images = torch.from_numpy(file.values(file.images[:256]))
    return randomised(model, images, file.images_crc, positive=case.positive)


def export(case: Case, model: nn.Module, path: Path) -> None:
    """Write ``model`` as QONNX with Brevitas' own exporter."""
    example = torch.from_numpy(entry(case).values(entry(case).images[: case.batch]))
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dynamo = case.exporter == "dynamo"
        quiet = {"verbose": False, "external_data": False} if dynamo else {}
        export_qonnx(copy.deepcopy(model), example, str(path), dynamo=dynamo, **quiet, **case.options)
    onnx.save(without_notes(onnx.load(path)), path)


def without_notes(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph without the exporter's notes of which line made a node: 20 kB of this machine's paths."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    return model


def outputs(case: Case, model: nn.Module, dtype: torch.dtype = torch.float32) -> np.ndarray:
    """What PyTorch answers for the random images, computed in ``dtype``."""
    file = entry(case)
    batch = torch.from_numpy(file.values(file.images))
    twin = copy.deepcopy(model).to(dtype)
    with torch.inference_mode():
        return twin(batch.to(dtype)).numpy()


def main(names: list[str]) -> None:
    """Write the named networks, or all, and the manifest."""
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        if names and case.name not in names:
            continue
        model = made(case)
        export(case, model, FOLDER / f"{case.name}.onnx")
        if not case.refusal:
            single = outputs(case, model)
            double = outputs(case, model, torch.float64).astype(single.dtype)
            save_answers(entry(case), single, double)
        print(case.name, flush=True)
    (FOLDER / "manifest.json").write_text(json.dumps([entry(case).row() for case in CASES], indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
