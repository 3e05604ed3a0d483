"""Fyle (Sage Expense Management), a source of expense reports. Its simulator is not imported."""

from connectors.base.system import System
from connectors.fyle.connector import Fyle, connect
from connectors.fyle.manifest import MANIFEST
from connectors.fyle.mapping import reports_on
from connectors.fyle.options import FyleOptions

SYSTEM = System(
    "fyle",
    FyleOptions,
    connect,
    MANIFEST.rate_limits,
    MANIFEST.capabilities,
    read_page=lambda options, page: reports_on(page, options.setting),
    manifest=MANIFEST,
    suites=("tests.connectors.fyle.test_conformance",),
)

__all__ = ["MANIFEST", "SYSTEM", "Fyle", "FyleOptions", "connect"]
