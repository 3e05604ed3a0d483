"""Takes the pictures of Temporal's UI in this folder, and resolves a case there as a person would.

    make demo && .venv/bin/ledgerway up && make pictures

Needs the extra `pictures` and a Chromium (`CHROMIUM`, or found on the PATH). It fails if the case
that it resolves by clicking does not end with all its lines posted.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Frame, Page, sync_playwright

HERE = Path(__file__).parent
WORLD = Path(os.environ.get("LEDGERWAY_HOME", "var")) / "demo" / "world" / "world.json"
COLUMNS = (
    "Status", "LwCause", "LwSubject", "LwLegalEntity", "LwLines", "LwAmountMinor", "LwState",
    "LwDeadline", "Workflow ID",
)  # fmt: skip
CAUSE = "closed_period"
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
WAIT_MS = 60_000


def main() -> int:
    """Take all pictures; 1 if resolving the case in the UI did not post its lines."""
    base = json.loads(WORLD.read_text())["addresses"]["Temporal UI"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(QUIET))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(WAIT_MS)
        # Where the UI keeps its columns, which people choose by "Configure Columns".
        columns = json.dumps({"ledgerway": [{"label": label} for label in COLUMNS]})
        page.add_init_script(
            f"localStorage.setItem('namespace-workflow-table-columns', {json.dumps(columns)})"
        )
        list_of_reports(page, base)
        list_of_cases(page, base)
        case_id = one_case(page, base)
        resolve_it(page)
        browser.close()
    return 0 if is_resolved(case_id) else 1


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
    details(page).get_by_text("To resolve it").wait_for()
    page.set_viewport_size({"width": 1440, "height": 1250})
    page.screenshot(path=HERE / "case.png")
    return page.url.partition("exception-case%2F")[2].partition("/")[0]


def details(page: Page) -> Frame:
    """The current details, which the UI shows in a frame of their own."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while time.monotonic() < deadline:
        for frame in page.frames:
            if frame.get_by_text("To resolve it").count():
                return frame
        page.wait_for_timeout(100)
    raise SystemExit("the case shows no details")


def resolve_it(page: Page) -> None:
    """Paste the input that the case itself offers, and submit it."""
    offered = details(page).locator("pre").filter(has_text="post_to_period").inner_text()
    page.get_by_role("button", name="More Actions").click()
    page.get_by_role("menu").get_by_text("Send an Update").last.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_test_id("update-select-button").click()
    dialog.locator("[role=option]").filter(has_text="resolve_exception").click()
    editor = dialog.locator(".cm-content")
    editor.click()
    page.keyboard.insert_text(offered.replace("your name", "ana"))
    page.set_viewport_size({"width": 1440, "height": 900})
    page.screenshot(path=HERE / "resolve.png")
    dialog.locator("button[type=submit]").click()


def is_resolved(case_id: str) -> bool:
    """Whether the platform says that nothing waits for the case any more, within a minute."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while time.monotonic() < deadline:
        shown = ledgerway("cases", "show", case_id, "--json")
        if shown["state"] == "RESOLVED" and not shown["lines"]:
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
