"""What a test or a demo may order a served environment to do, and ask it, past the API."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any, Final

from connectors.business_central import simulated_documents as documents
from connectors.business_central import simulated_ledger as ledger
from connectors.business_central.simulated_query import Record
from connectors.business_central.simulated_service import Environment, Quirks

Order = Callable[[Environment, Mapping[str, Any]], Any]


def quirks(environment: Environment, given: Mapping[str, Any]) -> Record:
    """Let something go wrong from now on; shows all that may."""
    known = {field.name for field in fields(Quirks)}
    for name, value in given.items():
        if name not in known:
            raise KeyError(name)
        setattr(environment.quirks, name, value)
    return asdict(environment.quirks)


def pay(environment: Environment, given: Mapping[str, Any]) -> int:
    """Let money settle a posted document, named as the connector names it."""
    company, entity, own = str(given["document"]).split("/")
    ledger.pay(environment.companies[company], entity, own, Decimal(given["amount"]))
    return 1


def approve(environment: Environment, given: Mapping[str, Any]) -> int:
    """Let time sheets be approved, so that they can no longer be taken back."""
    count = 0
    for company in environment.companies.values():
        for row in company.rows("timeRegistrationEntries", status="Open"):
            if given.get("employee") in (None, row["employeeNumber"]):
                row["status"] = "Approved"
                count += 1
    return count


ORDERS: Final[Mapping[str, Order]] = {"quirks": quirks, "pay": pay, "approve": approve}


def held(environment: Environment) -> list[Record]:
    """Every document that carries a reference: what it is, where it stands, what it comes to."""
    found: list[Record] = []
    for company in environment.companies.values():
        for entity, one in documents.PAPERS.items():
            found += [
                {
                    "company": company.id,
                    "entity": entity,
                    "reference": row[one.number],
                    "status": row["status"],
                    "total": row["totalAmountIncludingTax"] or Decimal(0),
                }
                for row in company.rows(entity)
            ]
        found += [
            {
                "company": company.id,
                "entity": "timeRegistrationEntries",
                "reference": row["externalDocumentNumber"],
                "status": "Open",
                "total": Decimal(row["comment"].split(" ")[1]) / 3600,
            }
            for row in company.rows("journalLines")
            if row["comment"]
        ]
        found += [
            {
                "company": company.id,
                "entity": "generalLedgerEntries",
                "reference": f"L{row['documentNumber']}",
                "status": "Open",
                "total": row["debitAmount"],
            }
            for row in company.rows("generalLedgerEntries", documentType=" ")
        ]
    return found
