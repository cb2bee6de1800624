"""Every check of the project, one session each; `nox -l` lists them."""

import os
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["demo", "tests"]

CONSTRAINTS = ("-c", "constraints.txt")


def install(session: nox.Session, extras: str) -> None:
    """Installs the checkout itself with the named extras, at the pinned versions."""
    session.install("-e", f".[{extras}]", *CONSTRAINTS)


@nox.session
def demo(session: nox.Session) -> None:
    """Shows the main path on real digits: train, plan, generate, prove every test image, and report, in minutes."""
    session.install(".[train,sim,fpga,report]", *CONSTRAINTS)
    session.run("subbit", "demo", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Runs every quick test, one worker a core, because a change must be judged within ten minutes."""
    install(session, "train,sim,fpga,interop,report,dev")
    workers = str(min(os.cpu_count() or 1, 8))
    session.run(
        "pytest", "-m", "not slow", "-n", workers, "--dist", "loadscope", *session.posargs, env={"OMP_NUM_THREADS": "1"}
    )


@nox.session
def lint(session: nox.Session) -> None:
    """Checks format, lint rules and types, so that a review can speak of the substance."""
    install(session, "train,sim,fpga,interop,report,dev")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("pyright")


@nox.session
def docs(session: nox.Session) -> None:
    """Builds the site and checks every link in it; `-- external` asks for the links to elsewhere too."""
    install(session, "docs")
    session.run("python", "-m", "docs.tools.links")
    session.run("python", "-m", "sphinx", "-W", "--keep-going", "-b", "html", "docs", "build/docs")
    if "external" in session.posargs:
        session.run("python", "-m", "sphinx", "-b", "linkcheck", "docs", "build/links")


@nox.session
def regression(session: nox.Session) -> None:
    """Runs every test, the long simulations too, because the quick ones sample what these cover."""
    install(session, "train,sim,fpga,interop,report,dev")
    session.run("pytest", *session.posargs, env={"OMP_NUM_THREADS": "1"})


@nox.session
def formal(session: nox.Session) -> None:
    """Proves the processing elements equal to plain specifications for every input, which simulation samples."""
    install(session, "dev")
    session.run("python", "-m", "tests.formal", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """Breaks the hardware on purpose, a place at a time, because a proof that finds no fault proves nothing."""
    install(session, "dev")
    session.run("python", "-m", "tests.formal.faults")


@nox.session
def brevitas(session: nox.Session) -> None:
    """Exports the test networks again with Brevitas, which has versions of its own: it needs an older setuptools."""
    pins = [line for line in Path("constraints.txt").read_text().splitlines() if not line.startswith("setuptools==")]
    constraints = Path(session.create_tmp()) / "constraints.txt"
    constraints.write_text("\n".join([*pins, "setuptools==80.9.0", ""]))
    tools = ("brevitas==0.13.4", "onnxoptimizer==0.4.2", "onnxscript==0.7.2", "scikit-learn", "torch")
    session.install("-e", ".[interop,dev]", *tools, "-c", str(constraints))
    # Brevitas warns of its own modules when it is imported.
    session.run("pytest", "-W", "ignore", "tests/sw/interop/test_brevitas_export.py", *session.posargs)


@nox.session
def mutation(session: nox.Session) -> None:
    """Puts faults into the generated Verilog by the hundred, because a bench that misses them proves little."""
    install(session, "sim,dev")
    session.run("python", "-m", "tests.mutation", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measures again every figure that the README and docs/ quote."""
    install(session, "train,sim,fpga,report,interop")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def compaction(session: nox.Session) -> None:
    """Trains every row of the compaction tables, a night of work that goes on where it was cut off."""
    session.install(".[train,report]", *CONSTRAINTS)
    session.run("python", "-m", "benchmarks.compact.table", *session.posargs)
    session.run("python", "-m", "benchmarks.compact.summary")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Damages every file that subbit reads for as long as there is time; the quick tests try a dozen of each."""
    install(session, "train,sim,fpga,interop,report,dev")
    session.run("python", "-m", "tests.fuzz", *session.posargs, env={"OMP_NUM_THREADS": "1"})
