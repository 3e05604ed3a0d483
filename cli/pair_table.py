"""Every source beside every ERP: whether documents go from one to the other, and if not, why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from connectors.base.capabilities import AcknowledgementSink, InvoiceStatusSink, PostingTarget
from connectors.base.system import System
from runtime.flows import Side, flow_of, limits_of, missing_for

BEGIN: Final = "<!-- Written by `ledgerway connectors pairs --markdown`. -->"
END: Final = "<!-- End of what is written. -->"


@dataclass(frozen=True, slots=True)
class Pair:
    """One source and one ERP, with what keeps documents from going their way."""

    source: str
    target: str
    flow: str
    missing: Sequence[str]
    # What it does without, though it works.
    limits: Sequence[str]

    @property
    def works(self) -> bool:
        """Whether configuration alone makes it run."""
        return not self.missing


def pairs_of(systems: Sequence[System]) -> Iterator[Pair]:
    """All pairs; a source that can be told nothing is asked to tell nobody, as one would."""
    sides = [Side(each.name, each.manifest) for each in systems if each.manifest is not None]
    told = next((each for each in sides if each.fills(InvoiceStatusSink)), None)
    for source in sides:
        flow = flow_of(source)
        if flow is None:
            continue
        for target in sides:
            if target.fills(PostingTarget):
                missing = missing_for(
                    source,
                    target,
                    acknowledge=source.fills(AcknowledgementSink),
                    told=None if source.fills(InvoiceStatusSink) else told,
                )
                limits = tuple(limits_of(source, target))
                yield Pair(source.name, target.name, flow.name, tuple(missing), limits)


def markdown_of(pairs: Sequence[Pair]) -> str:
    """A table of sources by ERPs, and below it what each pair lacks that cannot be."""
    targets = sorted({pair.target for pair in pairs})
    by_place = {(pair.source, pair.target): pair for pair in pairs}
    lines = [f"| source | {' | '.join(targets)} |", f"|---|{'---|' * len(targets)}"]
    for source in sorted({pair.source for pair in pairs}):
        row = [by_place[source, target] for target in targets]
        lines.append(f"| {source} | {' | '.join(map(_cell, row))} |")
    lacking = [
        f"- **{pair.source} to {pair.target}**: {each}"
        for pair in pairs
        for each in (*pair.missing, *pair.limits)
    ]
    return "\n".join([BEGIN, *lines, "", *lacking, END])


def _cell(pair: Pair) -> str:
    if not pair.works:
        return f"no {pair.flow}"
    return f"{pair.flow}, with a limit" if pair.limits else pair.flow
