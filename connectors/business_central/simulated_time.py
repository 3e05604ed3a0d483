"""The journals and time entries of the simulated ERP; what its AL code does is in the docs."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from connectors.business_central.simulated_books import NO_DAY, NO_ID, Company, Kind
from connectors.business_central.simulated_query import Record, bad_request, refused

_FINAL: Final = frozenset({"Submitted", "Approved"})
_WINDOW_DAYS_MAX: Final = 70

JOURNAL: Final = Kind(
    "journal",
    {
        "code": 10,
        "displayName": 100,
        "templateDisplayName": 10,
        "balancingAccountId": None,
        "balancingAccountNumber": 20,
    },
    frozenset({"lastModifiedDateTime", "balancingAccountNumber", "templateDisplayName"}),
)
JOURNAL_LINE: Final = Kind(
    "journalLine",
    {
        "journalId": None,
        "journalDisplayName": 10,
        "lineNumber": None,
        "accountType": 30,
        "accountId": None,
        "accountNumber": 20,
        "postingDate": None,
        "documentNumber": 20,
        "externalDocumentNumber": 35,
        "amount": None,
        "description": 100,
        "comment": 250,
    },
    frozenset({"journalId", "journalDisplayName", "lastModifiedDateTime"}),
    parent="journalId",
)
TIME_ENTRY: Final = Kind(
    "timeRegistrationEntry",
    {
        "employeeId": None,
        "employeeNumber": 20,
        "jobId": None,
        "jobNumber": 20,
        "jobTaskNumber": 20,
        "absence": 10,
        "lineNumber": None,
        "date": None,
        "quantity": None,
        "status": None,
        "unitOfMeasureId": None,
        "unitOfMeasureCode": 10,
    },
    frozenset(
        {"absence", "lineNumber", "status", "unitOfMeasureId", "unitOfMeasureCode"}
        | {"lastModfiedDateTime"}
    ),
    # The vendor's own spelling.
    changed="lastModfiedDateTime",
)


def create_journal(company: Company, values: Record) -> Record:
    """A journal batch; its code is the key."""
    code = str(values.get("code", "")).upper()
    if not code:
        raise refused("Name must have a value.", "Application_FieldValidationException")
    if any(company.rows("journals", code=code)):
        raise refused("The Gen. Journal Batch already exists.", "Internal_EntityWithSameKeyExists")
    return company.insert("journals", {**values, "code": code, "templateDisplayName": "GENERAL"})


def create_journal_line(company: Company, journal: Record, values: Record) -> Record:
    """A line of a journal, behind the last one unless it says where."""
    lines = list(company.rows("journalLines", journalId=journal["id"]))
    number = values.get("lineNumber") or max((x["lineNumber"] for x in lines), default=0) + 10_000
    if any(line["lineNumber"] == number for line in lines):
        raise refused("The Gen. Journal Line already exists.", "Internal_EntityWithSameKeyExists")
    _settle_account(company, values)
    upper = {"externalDocumentNumber", "documentNumber"} & values.keys()
    return company.insert(
        "journalLines",
        {
            "accountType": "G/L Account",
            **values,
            **{name: values[name].upper() for name in upper},
            "lineNumber": number,
            "journalId": journal["id"],
            "journalDisplayName": journal["code"],
        },
    )


def _settle_account(company: Company, values: Record) -> None:
    if number := values.get("accountNumber"):
        message = 'The "accountNumber" does not match to an Account.'
        values["accountId"] = company.one("accounts", message, number=number)["id"]
    elif (given := values.get("accountId", NO_ID)) != NO_ID:
        message = 'The "accountId" does not match to an Account.'
        values["accountNumber"] = company.one("accounts", message, id=given)["number"]


def create_time_entry(company: Company, values: Record) -> Record:
    """One detail of a time sheet, on its first line that has nothing on that day."""
    employee = _employee(company, values)
    job = _job(company, values)
    task = str(values.get("jobTaskNumber", ""))
    day = values.get("date", NO_DAY)
    if day == NO_DAY:
        raise refused("Date must have a value.", "Application_FieldValidationException")
    if task and task not in company.facts["tasks"].get(job["number"] if job else "", ()):
        raise refused(
            f"The field Project Task No. of table Time Sheet Detail contains a value ({task})"
            f" that cannot be found in the related table (Project Task). Resource:"
            f" {employee['displayName']}.",
            "Internal_InvalidTableRelation",
        )
    quantity = values.get("quantity", 0)
    if isinstance(quantity, bool) or not isinstance(quantity, int | Decimal):
        raise bad_request("Unable to convert value to Decimal")
    taken = {
        row["lineNumber"]
        for row in company.rows("timeRegistrationEntries", employeeId=employee["id"], date=day)
    }
    line = next(n for n in range(10_000, 10_000_000, 10_000) if n not in taken)
    return company.insert(
        "timeRegistrationEntries",
        {
            "employeeId": employee["id"],
            "employeeNumber": employee["number"],
            "jobId": job["id"] if job else NO_ID,
            "jobNumber": job["number"] if job else "",
            "jobTaskNumber": task,
            "lineNumber": line,
            "date": day,
            "quantity": Decimal(quantity),
            "status": "Open",
            "unitOfMeasureCode": "HOUR",
        },
    )


def change_time_entry(company: Company, record: Record, values: Record) -> None:
    """Quantity, project and task may change as long as the line is open."""
    _require_open(record)
    if values.get("employeeId", record["employeeId"]) != record["employeeId"]:
        raise refused('The "employeeId" cannot be modified.')
    if values.get("date", record["date"]) != record["date"]:
        raise refused("The date cannot be modified.")
    record.update(values)
    company.touch("timeRegistrationEntries", record)


def delete_time_entry(company: Company, record: Record) -> None:
    """What was handed in cannot be deleted."""
    _require_open(record)
    company.delete("timeRegistrationEntries", record["id"])


def _require_open(record: Record) -> None:
    if record["status"] in _FINAL:
        raise refused(
            f"Status must be Open or Rejected in line with Time Sheet No.='TS0001',"
            f" Line No.='{record['lineNumber']}'."
        )


def require_time_filter(members: set[str], matching: Any) -> None:
    """Time entries are given by id, by employee or by date only, and by date for some weeks.

    `matching` says for a day whether the filter takes it.
    """
    if "id" in members or "employeeId" in members:
        return
    if members != {"date"}:
        raise refused(
            "A filter must be specified. The filter could be for the date, employeeId or id."
        )
    start = date(2020, 1, 1)
    days = [n for n in range(366 * 15) if matching(start + timedelta(days=n))]
    if not days or days[-1] - days[0] > _WINDOW_DAYS_MAX:
        raise refused(
            "The date filter is invalid. The date filter must be a valid range with maximum"
            f" {_WINDOW_DAYS_MAX} days."
        )


def _employee(company: Company, values: Record) -> Record:
    number, given = values.get("employeeNumber", ""), values.get("employeeId", NO_ID)
    if given != NO_ID:
        found = company.one(
            "employees", 'The "employeeId" does not match to an Employee.', id=given
        )
        if number and found["number"] != number:
            raise refused("The employee values do not match to a specific Employee.")
        return found
    if not number:
        raise refused(
            "You must specify an Employee ID or Employee number to get the time registration"
            " entries."
        )
    message = 'The "employeeNumber" does not match to an Employee.'
    return company.one("employees", message, number=number)


def _job(company: Company, values: Record) -> Record | None:
    number, given = values.get("jobNumber", ""), values.get("jobId", NO_ID)
    if given != NO_ID:
        return company.one("projects", 'The "jobId" does not match to a Job.', id=given)
    if number:
        return company.one("projects", 'The "jobNumber" does not match to a Job.', number=number)
    return None


def delete_journal(company: Company, journal: Record) -> None:
    """A batch goes with its lines."""
    for line in company.rows("journalLines", journalId=journal["id"]):
        company.delete("journalLines", line["id"])
    company.delete("journals", journal["id"])
