"""All that a report says, gathered: figures of the network, its plan, its build, its proof and its answers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subbit.inspection import Inspection, LayerFacts, inspect_network
from subbit.pictures import convolution_words
from subbit.planning import PlanReport
from subbit.planning import report as price
from subbit.proof import Found, images_digest
from subbit.reporting.answers import Answers, answers_of
from subbit.reporting.planned import PlannedLayer, Step, planned_layers, steps
from subbit.reporting.subject import Subject
from sw.errors import SubbitError

if TYPE_CHECKING:
    from hw.plan.plan import Plan
    from sw.train.data import DataSet

__all__ = ["SECTIONS", "STAGES", "Contents", "Evidence", "gathered"]

#: What was simulated, by the name of the stage in a record, the one that says most about the chip last.
STAGES = {
    "accelerator": "accelerator, generated Verilog",
    "rtl": "whole board, Verilog",
    "synthesised": "whole board, synthesised netlist",
    "routed": "whole board, placed and routed netlist",
    "bitstream": "whole board, read back from the bitstream",
    "port": "what answered on a serial port",
}


#: The sections of the page, by their identifiers.
SECTIONS = {
    "topology": "Network",
    "layers": "Layers",
    "compaction": "Compaction",
    "plan": "Plan",
    "build": "Area and timing",
    "proof": "Proof",
    "accuracy": "Accuracy",
    "images": "Images and their answers",
}


@dataclass(frozen=True)
class Evidence:
    """A record of a simulation. ``data`` names its images where they are the report's own; ``here``: it is of the
    report's own design, and not of another one of the same network."""

    found: Found
    data: str | None = None
    here: bool = True

    @property
    def verdict(self) -> str:
        """holds, stale or failed."""
        if self.found.stale is not None:
            return "stale"
        return "holds" if self.found.run.passed else "failed"

    @property
    def what(self) -> str:
        """What was simulated."""
        return STAGES[self.found.run.stage] + ("" if self.here else ", of another design")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **self.found.run.model_dump(),
            "folder": str(self.found.folder),
            "verdict": self.verdict,
            "stale": self.found.stale,
            "images_of": self.data,
            "this_design": self.here,
        }


@dataclass(frozen=True)
class Contents:
    """What the page shows. Whatever was not given or is not there is None or empty.

    ``choice`` is what a training found of the input's slices.
    """

    title: str
    subject: Subject
    facts: Inspection
    plan: PlanReport | None = None
    steps: Sequence[Step] = ()
    layers: Sequence[PlannedLayer] = ()
    evidence: Sequence[Evidence] = ()
    answers: Answers | None = None
    choice: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def sections(self) -> dict[str, str]:
        """The sections that there is something to show in: their headings by identifier."""
        subject = self.subject
        there = {
            "compaction": self.choice is not None or self.compact or convolution_words(subject.network),
            "plan": self.plan,
            "build": subject.board,
            "proof": subject.plan or self.evidence,
            "accuracy": self.answers,
            "images": self.answers,
        }
        return {name: title for name, title in SECTIONS.items() if there.get(name, True)}

    @property
    def compact(self) -> list[LayerFacts]:
        """The layers whose weights are not stored as they are."""
        return [layer for layer in self.facts.layers if layer.encoding not in ("", "dense")]

    @property
    def holding(self) -> list[Evidence]:
        """The simulations that prove something."""
        return [each for each in self.evidence if each.here and each.verdict == "holds"]

    @property
    def failed(self) -> list[Evidence]:
        """The simulations of this very design that found it wrong."""
        return [each for each in self.evidence if each.here and each.verdict == "failed"]

    @property
    def frames_per_second(self) -> float | None:
        """Frames a second at the design's clock."""
        if self.subject.built is not None:
            return self.subject.built.frames_per_second
        return None if self.plan is None else self.plan.frames_per_second

    def as_dict(self) -> dict[str, Any]:
        """The page's figures, plain values for JSON."""
        built, plan = self.subject.built, self.plan
        return {
            "title": self.title,
            "subject": str(self.subject.path),
            "sections": list(self.sections),
            "network": self.facts.as_dict(),
            "plan": None if plan is None else plan.as_dict() | {"steps": [asdict(step) for step in self.steps]},
            "layers": [layer.as_dict() for layer in self.layers],
            "build": None if built is None else built.model_dump(),
            "proof": [each.as_dict() for each in self.evidence],
            "answers": None if self.answers is None else self.answers.as_dict(),
            "slices": None if self.choice is None else dict(self.choice),
        }


def gathered(
    subject: Subject,
    plan: "Plan | None" = None,
    data: "DataSet | None" = None,
    limit: int | None = None,
    choice: Mapping[str, Any] | None = None,
    title: str | None = None,
) -> Contents:
    """The contents of a report on ``subject``.

    ``plan`` is for a network that has no design. ``data``: labelled images, whose test split is classified, or the
    first ``limit`` of it. Raises SubbitError where data or plan do not fit the network.
    """
    network, plan = subject.network, subject.plan or plan
    try:
        priced = None if plan is None else price(network, plan)
    except ValueError as error:
        raise SubbitError(f"the plan does not fit the network {network.name}: {error}") from error
    evidence = [
        Evidence(each, _data_of(each, data), here)
        for here, runs in ((True, subject.runs), (False, subject.elsewhere))
        for each in runs
    ]
    return Contents(
        title=title or _title(network.name, subject.path),
        subject=subject,
        facts=inspect_network(network),
        plan=priced,
        steps=() if priced is None else steps(priced),
        layers=() if priced is None else planned_layers(network, priced, subject.built),
        evidence=sorted(evidence, key=lambda each: list(STAGES).index(each.found.run.stage)),
        answers=None if data is None else answers_of(network, data, limit),
        choice=choice,
    )


def _title(name: str, path: Path) -> str:
    """The network's name, or the file's where a network was trained from a topology in words and never named."""
    return path.resolve().name.removesuffix(".safetensors") if name == "custom" else name


def _data_of(found: Found, data: "DataSet | None") -> str | None:
    """The name of the data whose test images, or the first of them, a simulation ran."""
    if data is None:
        return None
    return data.name if images_digest(data.test_images[: found.run.images]) == found.run.data else None
