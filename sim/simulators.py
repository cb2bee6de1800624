"""Runs a cocotb bench in any simulator.

The bench is an ordinary cocotb module. ``run`` builds the design once for each content of its sources and arguments,
runs every test of the module, and returns or raises according to the results file, inside pytest and outside.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from sim.tools import SIMULATORS, SimulationFailure, available, environment, patched_environment, require

__all__ = ["SIMULATORS", "Result", "SimulationFailure", "available", "require", "run"]

# Without the second one pytest rewrites every module that a bench imports, NumPy's too, for its assertions' sake: two
# thirds of the time of a short run.
COCOTB = {"COCOTB_LOG_LEVEL": "INFO", "COCOTB_REWRITE_ASSERTION_FILES": ""}


@dataclass(frozen=True)
class Result:
    """What a run of a bench gave: number of tests, seconds spent to build and to run, and where its files are.

    ``reused`` says that the design had been built before; ``log`` is the simulator's whole output.
    """

    simulator: str
    tests: int
    build_seconds: float
    seconds: float
    reused: bool
    folder: Path
    log: Path


def run(
    bench_module: str,
    *,
    sources: Sequence[Path | str],
    top: str,
    simulator: str,
    build_dir: Path | str,
    run_dir: Path | str | None = None,
    parameters: Mapping[str, object] | None = None,
    defines: Mapping[str, object] | None = None,
    includes: Sequence[Path | str] = (),
    plusargs: Sequence[str] = (),
    environment_variables: Mapping[str, str] | None = None,
    build_arguments: Sequence[str] = (),
    public: Mapping[str, Sequence[str]] | None = None,
    testcase: str | Sequence[str] | None = None,
    seed: int = 1,
    waves: Path | str | None = None,
) -> Result:
    """Build ``top`` of ``sources`` and run the cocotb tests of ``bench_module`` (a dotted module name) in
    ``simulator``.

    ``public`` gives the signals, by module, that the bench may reach in Verilator; Icarus shows all. Without it every
    port of ``top`` and nothing else. The build is kept in ``build_dir`` and used again while sources and arguments stay
    the same. The simulation runs in ``run_dir`` (default: ``build_dir``), where relative file names of the design are
    looked up. ``waves`` names a file for the waveform: .fst in Icarus, .vcd in Verilator. An assertion of the bench
    should carry its message; COCOTB_REWRITE_ASSERTION_FILES among ``environment_variables`` has pytest explain it.

    Raises SubbitError where the simulator is missing, SimulationFailure with the first failure's message where a test
    failed, the design did not build, or the simulator ended without a result.
    """
    require(simulator)
    from cocotb_tools.runner import get_runner

    from sim.build import Build, ports

    build_dir = Path(build_dir).resolve()
    run_dir = build_dir if run_dir is None else Path(run_dir).resolve()
    run_dir.mkdir(parents=True, exist_ok=True)
    build = Build(
        simulator=simulator,
        sources=tuple(Path(source).resolve() for source in sources),
        top=top,
        parameters=dict(parameters or {}),
        defines=dict(defines or {}),
        includes=tuple(Path(folder).resolve() for folder in includes),
        arguments=tuple(build_arguments),
        public={top: ports(top, sources)} if public is None else {key: tuple(names) for key, names in public.items()},
        waves=waves is not None,
    )
    started = time.perf_counter()
    folder, reused = build.made_in(build_dir)
    built = time.perf_counter()

    results, log = run_dir / "results.xml", run_dir / f"{simulator}.log"
    with patched_environment(environment(simulator)):
        runner = get_runner(simulator)
        try:
            runner.test(
                test_module=bench_module,
                hdl_toplevel=top,
                hdl_toplevel_lang="verilog",
                testcase=testcase,
                seed=seed,
                build_dir=folder,
                test_dir=run_dir,
                results_xml=str(results),
                plusargs=[*plusargs, *_wave_arguments(simulator, waves)],
                test_args=["--trace", "--trace-file", str(waves)] if waves and simulator == "verilator" else [],
                extra_env={**COCOTB, "NO_COLOR": "1", **(environment_variables or {})},
                waves=waves is not None,
                log_file=str(log),
            )
            stopped = ""
        except (SystemExit, RuntimeError) as error:
            stopped = str(error)
    seconds = time.perf_counter() - built
    return Result(simulator, _passed(results, log, stopped), built - started, seconds, reused, folder, log)


def _wave_arguments(simulator: str, waves: Path | str | None) -> list[str]:
    return [f"+dumpfile_path={Path(waves).resolve()}"] if waves is not None and simulator == "icarus" else []


def _passed(results: Path, log: Path, stopped: str) -> int:
    """Number of tests that passed. Raises SimulationFailure with the first failure otherwise."""
    from cocotb_tools.check_results import get_results

    try:
        tests, failed = get_results(results)
    except (RuntimeError, ElementTree.ParseError):
        tail = log.read_text(errors="replace").strip().splitlines()[-1:] if log.is_file() else []
        raise SimulationFailure(f"the simulator ended without a result: {' '.join(tail) or stopped}") from None
    if failed:
        root = ElementTree.parse(results).getroot()
        for case in root.iter("testcase"):
            for failure in (*case.findall("failure"), *case.findall("error")):
                raise SimulationFailure(f"{case.get('name')}: {failure.get('message')}")
        raise SimulationFailure(f"{failed} of {tests} tests failed, see {log}")
    if tests == 0:
        raise SimulationFailure(f"the bench has no tests, see {log}")
    return tests
