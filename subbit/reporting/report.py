"""From a network file or the folder of a design to a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subbit.extras import require
from subbit.images import test_set
from sw.errors import SubbitError
from sw.files import atomic_write

if TYPE_CHECKING:
    from hw.plan.plan import Plan
    from subbit.planning import PlanReport
    from subbit.reporting.contents import Contents

__all__ = ["Report", "report"]

Name = str | PathLike[str]


@dataclass(frozen=True)
class Report:
    """A report: its ``contents``, and the ``page`` as HTML that was written to ``path``."""

    path: Path
    contents: "Contents"
    page: str

    def as_dict(self) -> dict[str, Any]:
        """The page's figures, plain values for JSON."""
        return {"report": str(self.path), "bytes": len(self.page.encode()), **self.contents.as_dict()}


def report(
    subject: Name,
    output: Name,
    *,
    others: Sequence[Name] = (),
    plan: "Plan | PlanReport | None" = None,
    data: str | None = None,
    data_dir: Name | None = None,
    limit: int | None = None,
    slices: Mapping[str, Any] | None = None,
    title: str | None = None,
) -> Report:
    """Write one self-contained HTML page on ``subject``, a network file or the folder of a design, to ``output``.

    ``others``: further design folders of the same network, whose simulations are shown too. ``plan`` is for a network
    file alone. ``data`` names a data set as for training, whose test images, or the first ``limit`` of them, are
    classified; ``data_dir`` has its original files. ``slices`` is the "choice" of a training's slices.json. ``title``
    is by default the network's name.

    Raises SubbitError where something is missing, damaged, or does not belong together.
    """
    require("report", "the report")
    from subbit.planning import PlanReport
    from subbit.reporting.contents import gathered
    from subbit.reporting.page import page
    from subbit.reporting.subject import read_subject

    target, found = Path(output), read_subject(Path(subject), [Path(other) for other in others])
    if plan is not None and found.plan is not None:
        raise SubbitError(f"{subject} has a plan of its own: leave the plan out, or name the network file.")
    chosen = plan.plan if isinstance(plan, PlanReport) else plan
    labelled = None if data is None else test_set(data, None if data_dir is None else str(data_dir), found.network)
    contents = gathered(found, chosen, labelled, limit, slices, title)
    text = page(contents)
    with atomic_write(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Report(target, contents, text)
