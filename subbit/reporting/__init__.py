"""One page that shows a network, its design and the evidence for it."""

from subbit.reporting.report import Report, report

__all__ = ["Report", "report"]
