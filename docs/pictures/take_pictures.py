"""Takes the pictures of Temporal's UI in this folder, and decides there as people would.

    make demo && .venv/bin/ledgerway up && make pictures

Needs the extra `pictures` and a Chromium (`CHROMIUM`, or found on the PATH). It resolves the case
that holds an engagement's month up, and releases the month's invoice; it fails if the case does
not end with all its lines posted, or the invoice does not reach the ERP.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Frame, Page, sync_playwright

HERE = Path(__file__).parent
WORLD = Path(os.environ.get("LEDGERWAY_HOME", "var")) / "demo" / "world" / "world.json"
COLUMNS = (
    "Status", "LwCause", "LwSubject", "LwLegalEntity", "LwLines", "LwAmountMinor", "LwState",
    "LwDeadline", "Workflow ID",
)  # fmt: skip
MONTH_COLUMNS = (
    "Status", "LwSubject", "LwPeriod", "LwLegalEntity", "LwState", "LwAmountMinor", "LwLines",
    "Workflow ID",
)  # fmt: skip
# The case that holds up the engagement whose month is shown.
CAUSE = "over_24_hours"
ENGAGEMENT = "ENG-1002"
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
WAIT_MS = 60_000
LOOK_AGAIN_SECONDS = 5


def main() -> int:
    """Take all pictures; 1 if what was decided in the UI did not come to its end."""
    world = json.loads(WORLD.read_text())
    base, month = world["addresses"]["Temporal UI"], world["month"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(QUIET))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(WAIT_MS)
        show_columns(page, MONTH_COLUMNS)
        list_of_months(page, base, month)
        one_month(page, base, month, says="Not ready", picture="month.png")
        show_columns(page, COLUMNS)
        list_of_reports(page, base)
        list_of_cases(page, base)
        case_id = one_case(page, base)
        resolve_it(page)
        resolved = is_resolved(case_id)
        one_month(page, base, month, says="Release it")
        release_it(page)
        browser.close()
    return 0 if resolved and is_billed() else 1


def show_columns(page: Page, labels: tuple[str, ...]) -> None:
    """Choose the columns of lists, where the UI keeps what people choose."""
    columns = json.dumps({"ledgerway": [{"label": label} for label in labels]})
    page.add_init_script(
        f"localStorage.setItem('namespace-workflow-table-columns', {json.dumps(columns)})"
    )


def list_of_months(page: Page, base: str, month: str) -> None:
    """How far the month's engagements are: billed, ready, or held up."""
    page.goto(f"{base}?query=LwKind%3D%22billing%22%20and%20LwPeriod%3D%22{month}%22")
    page.get_by_text(ENGAGEMENT, exact=True).first.wait_for()
    page.screenshot(path=HERE / "months.png")


def one_month(page: Page, base: str, month: str, *, says: str, picture: str = "") -> None:
    """One engagement's month: what is ready, and what blocks the rest in money."""
    query = f"LwSubject%3D%22{ENGAGEMENT}%22%20and%20LwPeriod%3D%22{month}%22"
    page.goto(f"{base}?query=LwKind%3D%22billing%22%20and%20{query}")
    page.locator("a[href*='invoice-readiness']").first.click()
    page.get_by_text("User Metadata").click()
    details(page, says)
    if picture:
        page.screenshot(path=HERE / picture)


def list_of_reports(page: Page, base: str) -> None:
    """The month's expense reports: reimbursed, or waiting for somebody."""
    page.goto(f"{base}?query=LwKind%3D%22expense_report%22")
    page.get_by_text("expense-to-reimbursement").first.wait_for()
    page.screenshot(path=HERE / "reports.png")


def list_of_cases(page: Page, base: str) -> None:
    """The queue that people work."""
    page.goto(f"{base}?query=LwKind%3D%22case%22%20and%20ExecutionStatus%3D%22Running%22")
    page.get_by_text(CAUSE).first.wait_for()
    page.screenshot(path=HERE / "cases.png")


def one_case(page: Page, base: str) -> str:
    """One root cause: what is wrong, what it holds up, and what to paste."""
    query = f"LwCause%3D%22{CAUSE}%22%20and%20ExecutionStatus%3D%22Running%22"
    page.goto(f"{base}?query={query}")
    page.locator("a[href*='exception-case']").first.click()
    page.get_by_text("User Metadata").click()
    details(page, "To resolve it")
    page.set_viewport_size({"width": 1440, "height": 1250})
    page.screenshot(path=HERE / "case.png")
    return page.url.partition("exception-case%2F")[2].partition("/")[0]


def details(page: Page, says: str) -> Frame:
    """The current details, which the UI shows in a frame of their own, once they say something.

    The UI reads them once, and does not follow them.
    """
    deadline = time.monotonic() + WAIT_MS / 1000
    looked = time.monotonic()
    while time.monotonic() < deadline:
        for frame in page.frames:
            # The UI may take a frame away at any time, to show it anew.
            with suppress(Error):
                if frame.get_by_text(says).count():
                    return frame
        page.wait_for_timeout(100)
        if time.monotonic() > looked + LOOK_AGAIN_SECONDS:
            page.reload()
            looked = time.monotonic()
    raise SystemExit(f"the details do not say '{says}'")


def resolve_it(page: Page) -> None:
    """Paste the input that the case itself offers, and submit it."""
    offered = details(page, "To resolve it").locator("pre").filter(has_text="amend").inner_text()
    said = offered.replace("your name", "ana")
    said = said.replace("why, for the auditor", "on call for two days; the approver confirms it")
    send_update(page, "resolve_exception", said, "resolve.png")


def release_it(page: Page) -> None:
    """Paste the release that the month itself offers, and submit it."""
    offered = details(page, "Release it").locator("pre").inner_text()
    send_update(page, "decide", offered.replace("your name", "ana"), "release.png")


def send_update(page: Page, name: str, data: str, picture: str) -> None:
    """Send an update as people do, and show its form as it is filled."""
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="More Actions").click()
    page.get_by_role("menu").get_by_text("Send an Update").last.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_test_id("update-select-button").click()
    dialog.locator("[role=option]").filter(has_text=name).click()
    editor = dialog.locator(".cm-content")
    editor.click()
    page.keyboard.insert_text(data)
    page.screenshot(path=HERE / picture)
    dialog.locator("button[type=submit]").click()
    dialog.wait_for(state="hidden")


def is_resolved(case_id: str) -> bool:
    """Whether the platform says that nothing waits for the case any more, within a minute."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while time.monotonic() < deadline:
        shown = ledgerway("cases", "show", case_id, "--json")
        if shown["state"] == "RESOLVED" and not shown["lines"]:
            return True
        time.sleep(0.5)
    return False


def is_billed() -> bool:
    """Whether the platform says that the engagement's invoice is in the ERP, within a minute."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while time.monotonic() < deadline:
        invoices = ledgerway("invoices", "list", "--json")
        if any(one["engagement"] == ENGAGEMENT and one["erp_document_id"] for one in invoices):
            return True
        time.sleep(0.5)
    return False


def ledgerway(*arguments: str) -> Any:
    """Ask the command line."""
    command = [Path(sys.executable).parent / "ledgerway", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return json.loads(done.stdout)


def chromium() -> str:
    """Find a browser; SystemExit with what to do if there is none."""
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "google-chrome"):
        found = shutil.which(name) if name else None
        if found:
            return found
    raise SystemExit("no Chromium: install one, or name it in CHROMIUM")


if __name__ == "__main__":
    sys.exit(main())
