"""One check for every component with a stream in and a stream out: Verilog in the simulators equals the reference."""

import json
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sim import simulators as engines

__all__ = ["CASE", "check"]

#: Environment variable that names the file with the case.
CASE = "SUBBIT_COMPONENT_CASE"


def check(
    component: Any,
    inputs: Iterable[int],
    expected: Iterable[int],
    *,
    input_last: Sequence[bool] | None = None,
    expected_last: Sequence[bool] | None = None,
    ports: tuple[str, str] = ("i", "o"),
    simulators: Sequence[str] | None = None,
    gaps: float = 0.3,
    stalls: float = 0.3,
    seed: int = 1,
    patience: int = 10_000,
    build_dir: Path | str | None = None,
    name: str | None = None,
) -> list[engines.Result]:
    """Feed payloads ``inputs`` into port ``i`` and compare what comes out of ``o`` with ``expected``, both as unsigned
    integers.

    ``component`` is an Amaranth component, or a path to Verilog whose module is called ``name``. Each simulator of
    ``simulators`` (default: all that are there) runs four times from reset: with and without source gaps, with and
    without sink stalls, the stream rules watched at both ports. ``ports`` may name AXI4-Streams, such as ("s_axis",
    "m_axis").

    Raises SimulationFailure which names the pattern and the first beat that differs, or the rule that was broken and
    the cycle; SubbitError where a simulator is missing.
    """
    with tempfile.TemporaryDirectory(prefix="subbit-") as scratch:
        folder = Path(scratch) if build_dir is None else Path(build_dir)
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(component, str | Path):
            source, top = Path(component), name or Path(component).stem
        else:
            top = name or re.sub(r"\W", "_", type(component).__name__).lower()
            source = _emitted(component, top, folder)
        case = folder / f"{top}.case.json"
        fields = {
            "inputs": [int(payload) for payload in inputs],
            "expected": [int(payload) for payload in expected],
            "input_last": None if input_last is None else [bool(last) for last in input_last],
            "expected_last": None if expected_last is None else [bool(last) for last in expected_last],
            "source": ports[0],
            "sink": ports[1],
            "gaps": gaps,
            "stalls": stalls,
            "seed": seed,
            "patience": patience,
        }
        case.write_text(json.dumps(fields))
        return [
            engines.run(
                "sim.component_bench",
                sources=[source],
                top=top,
                simulator=simulator,
                build_dir=folder,
                environment_variables={CASE: str(case.resolve())},
                seed=seed,
            )
            for simulator in (engines.available() if simulators is None else simulators)
        ]


def _emitted(component: Any, top: str, folder: Path) -> Path:
    from hw.verilog import emit

    source = folder / f"{top}.sv"
    source.write_text(emit(component, top))
    return source
