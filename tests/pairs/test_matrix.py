"""Every pair of a source and an ERP: what flows between them, or what is missing, by name."""

from typing import Final

import pytest

from connectors.base.capabilities import MasterChangeSource, PostingTarget
from runtime.flows import FLOWS, Side, flow_of, limits_of, missing_for
from runtime.registry import comes_from, has_capability, system_named, system_names

# What a source's documents become at each ERP. A pair that is not here does not flow, and says why.
FLOWING: Final = {
    ("concur", "business_central"): "expenses",
    ("concur", "flatfile_export"): "expenses",
    ("concur", "tryton"): "expenses",
    ("concur", "xero"): "expenses",
    ("flatfile", "business_central"): "invoices",
    ("flatfile", "flatfile_export"): "invoices",
    ("flatfile", "tryton"): "invoices",
    ("flatfile", "xero"): "invoices",
    ("flatfile_expenses", "business_central"): "expenses",
    ("flatfile_expenses", "flatfile_export"): "expenses",
    ("flatfile_expenses", "tryton"): "expenses",
    ("flatfile_expenses", "xero"): "expenses",
    ("flatfile_time", "business_central"): "time",
    ("flatfile_time", "flatfile_export"): "time",
    ("flatfile_time", "tryton"): "time",
    ("flatfile_time", "xero"): "time",
    ("fyle", "business_central"): "expenses",
    ("fyle", "flatfile_export"): "expenses",
    ("fyle", "tryton"): "expenses",
    ("fyle", "xero"): "expenses",
    ("harvest", "business_central"): "time",
    ("harvest", "flatfile_export"): "time",
    ("harvest", "tryton"): "time",
    ("harvest", "xero"): "time",
}
# Pairs that flow, and in which nobody hears of payments: a folder does not know them.
UNTOLD_OF_PAYMENTS: Final = {
    pair for pair, kind in FLOWING.items() if pair[1] == "flatfile_export" and kind != "time"
}
_SOURCES: Final = {flow.source for flow in FLOWS}
# Systems that keep master data and nothing else: no pair of theirs flows.
MASTERS_ALONE: Final = {"bamboohr", "salesforce"}
# Systems of this repository; entry points may add others to an installation.
OURS: Final = sorted({name for pair in FLOWING for name in pair} | MASTERS_ALONE)
PAIRS: Final = [(source, target) for source in OURS for target in OURS]


def _side(name: str) -> Side:
    manifest = system_named(name).manifest
    assert manifest is not None, f"{name} does not say what it can do before it is connected"
    return Side(name, manifest)


def test_the_matrix_has_every_system_that_is_registered() -> None:
    ours = [name for name in system_names() if comes_from(name) == "ledgerway"]
    assert ours == OURS
    for name in system_names():
        fills = [role for role in (*_SOURCES, PostingTarget) if has_capability(name, role)]
        alone = has_capability(name, MasterChangeSource) and name in MASTERS_ALONE
        assert bool(fills) is not alone, f"{name} is neither a source nor an ERP"


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=str)
def test_a_pair_flows_or_names_what_is_missing(source: str, target: str) -> None:
    ours, theirs = _side(source), _side(target)
    missing = list(missing_for(ours, theirs))
    if (source, target) in FLOWING:
        flow = flow_of(ours)
        assert missing == []
        assert flow is not None
        assert flow.name == FLOWING[source, target]
        limits = list(limits_of(ours, theirs))
        assert bool(limits) == ((source, target) in UNTOLD_OF_PAYMENTS), limits
        return
    # A role is named by the word that stands in code, so that whoever reads it finds it there.
    named = [one for one in missing if "PostingTarget" in one or "TimeEntrySource" in one]
    assert named, missing


def test_an_erp_is_no_source_and_a_source_no_erp() -> None:
    for source, target in PAIRS:
        said = " ".join(missing_for(_side(source), _side(target)))
        if not any(has_capability(source, role) for role in _SOURCES):
            assert "none of ExpenseReportSource, TimeEntrySource, ContractSource" in said
        elif not has_capability(target, PostingTarget):
            assert "takes no postings (PostingTarget)" in said
