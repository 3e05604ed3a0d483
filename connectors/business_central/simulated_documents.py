"""Invoices and credit memos of the simulated ERP: drafted, changed, posted into the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from connectors.business_central.simulated_books import NO_DAY, NO_ID, Company, Kind
from connectors.business_central.simulated_query import Record, refused

FULL_VAT: Final = "full"
_CENT: Final = Decimal("0.01")
_STATE: Final = frozenset({"number", "status", "lastModifiedDateTime", "remainingAmount"})
_TOTALS: Final = frozenset(
    {"totalAmountExcludingTax", "totalTaxAmount", "totalAmountIncludingTax", "pricesIncludeTax"}
)


@dataclass(frozen=True, slots=True)
class Papers:
    """One kind of document by the words that the API has for it."""

    entity: str
    lines: str
    party: str
    number: str
    day: str
    price: str
    credits: bool

    @property
    def parties(self) -> str:
        """The list that its party is in."""
        return f"{self.party}s"

    @property
    def buys(self) -> bool:
        """Whether a vendor's."""
        return self.party == "vendor"


PAPERS: Final = {
    one.entity: one
    for one in (
        Papers(
            "purchaseInvoices",
            "purchaseInvoiceLines",
            "vendor",
            "vendorInvoiceNumber",
            "invoiceDate",
            "unitCost",
            credits=False,
        ),
        Papers(
            "purchaseCreditMemos",
            "purchaseCreditMemoLines",
            "vendor",
            "vendorCreditMemoNumber",
            "creditMemoDate",
            "unitCost",
            credits=True,
        ),
        Papers(
            "salesInvoices",
            "salesInvoiceLines",
            "customer",
            "externalDocumentNumber",
            "invoiceDate",
            "unitPrice",
            credits=False,
        ),
        Papers(
            "salesCreditMemos",
            "salesCreditMemoLines",
            "customer",
            "externalDocumentNumber",
            "creditMemoDate",
            "unitPrice",
            credits=True,
        ),
    )
}
OF_LINES: Final = {one.lines: one for one in PAPERS.values()}


def _header(one: Papers) -> Kind:
    members: dict[str, int | None] = {
        "number": 20,
        one.number: 35,
        one.day: None,
        "postingDate": None,
        "dueDate": None,
        f"{one.party}Id": None,
        f"{one.party}Number": 20,
        f"{one.party}Name": 100,
        "currencyId": None,
        "currencyCode": 10,
        "status": None,
        **dict.fromkeys(sorted(_TOTALS)),
    }
    if one.credits:
        members |= {"invoiceId": None, "invoiceNumber": 20}
    elif not one.buys:
        members |= {"remainingAmount": None, "customerPurchaseOrderReference": 35}
    return Kind(
        one.entity.removesuffix("s"),
        members,
        _STATE | _TOTALS | {f"{one.party}Name"},
        nested=frozenset({one.lines}),
    )


def _line(one: Papers) -> Kind:
    members = {
        "documentId": None,
        "sequence": None,
        "itemId": None,
        "accountId": None,
        "lineType": None,
        "lineObjectNumber": 20,
        "description": 100,
        "description2": 50,
        one.price: None,
        "quantity": None,
        "amountExcludingTax": None,
        "taxCode": 20,
        "taxPercent": None,
        "totalTaxAmount": None,
        "amountIncludingTax": None,
    }
    computed = {"amountExcludingTax", "taxPercent", "totalTaxAmount", "amountIncludingTax"}
    return Kind(one.lines.removesuffix("s"), members, frozenset(computed), parent="documentId")


DIMENSION_SET_LINE: Final = Kind(
    "dimensionSetLine",
    {
        "code": 20,
        "parentId": None,
        "parentType": None,
        "displayName": 30,
        "valueId": None,
        "valueCode": 20,
        "valueDisplayName": 50,
    },
    frozenset({"parentId", "parentType", "valueDisplayName"}),
    parent="parentId",
)
GL_ENTRY: Final = Kind(
    "generalLedgerEntry",
    {
        "entryNumber": None,
        "postingDate": None,
        "documentNumber": 20,
        "documentType": None,
        "accountId": None,
        "accountNumber": 20,
        "description": 100,
        "debitAmount": None,
        "creditAmount": None,
    },
)
KINDS: Final[Mapping[str, Kind]] = {
    **{name: _header(one) for name, one in PAPERS.items()},
    **{name: _line(one) for name, one in OF_LINES.items()},
    "dimensionSetLines": DIMENSION_SET_LINE,
    "generalLedgerEntries": GL_ENTRY,
}


def create(company: Company, entity: str, values: Record) -> Record:
    """A draft; lines that are given with it are made with it."""
    one = PAPERS[entity]
    lines = values.pop(one.lines, [])
    party = _party(company, one, values)
    _check_currency(company, values)
    if one.credits and values.get("invoiceId", NO_ID) != NO_ID:
        invoices = "purchaseInvoices" if one.buys else "salesInvoices"
        invoice = company.get(invoices, values["invoiceId"])
        if invoice is None or invoice["status"] not in ("Open", "Paid"):
            raise refused("The invoice cannot be found.")
        values["invoiceNumber"] = invoice["number"]
    day = values.get(one.day, NO_DAY)
    number = company.facts["drafts"] = company.facts.get("drafts", 1000) + 1
    header = company.insert(
        entity,
        {
            "postingDate": day,
            "dueDate": day,
            "currencyCode": company.facts["currency"],
            **values,
            one.number: str(values.get(one.number, "")).upper(),
            f"{one.party}Id": party["id"],
            f"{one.party}Number": party["number"],
            f"{one.party}Name": party["displayName"],
            "number": str(number),
            "status": "Draft",
            "pricesIncludeTax": False,
        },
    )
    for line in lines:
        create_line(company, one.lines, header, company.checked(one.lines, line))
    return header


def create_line(company: Company, entity: str, header: Record, values: Record) -> Record:
    """A line of a draft; its amounts and its tax are the ERP's to compute."""
    one = OF_LINES[entity]
    _require_draft(header)
    if values.get("itemId", NO_ID) != NO_ID and values.get("accountId", NO_ID) != NO_ID:
        raise refused('Both "itemId" and "accountId" are specified. Specify only one of them.')
    line = {"lineType": "Comment", **values}
    if line["lineType"] == "Account":
        _settle_account(company, line)
        _compute(company, one, line)
    count = sum(1 for _ in company.rows(entity, documentId=header["id"]))
    made = company.insert(
        entity, {"sequence": (count + 1) * 10_000, **line, "documentId": header["id"]}
    )
    _add_up(company, one, header)
    for code, value in company.facts.get("default_dimensions", {}).items():
        if line["lineType"] == "Account":
            create_dimension(company, made, {"code": code, "valueCode": value})
    return made


def delete(company: Company, entity: str, header: Record) -> None:
    """Delete a draft, its lines and their dimensions."""
    _require_draft(header)
    one = PAPERS[entity]
    for line in company.rows(one.lines, documentId=header["id"]):
        for axis in company.rows("dimensionSetLines", parentId=line["id"]):
            company.delete("dimensionSetLines", axis["id"])
        company.delete(one.lines, line["id"])
    company.delete(entity, header["id"])


def create_dimension(company: Company, parent: Record, values: Record) -> Record:
    """A value on an axis of a line, once."""
    header = _header_of(company, parent)
    if header["status"] != "Draft":
        raise refused(
            f"Parent with ID {parent['id']} does not exist or dimension set lines are read only"
            " for parent type Purchase Invoice Line."
        )
    code, value = values.get("code", ""), values.get("valueCode", "")
    if not code:
        raise refused('The "id" or "code" field must be filled in.')
    if not value:
        raise refused('The "valueId" or "valueCode" field must be filled in.')
    axis = company.one("dimensions", 'The "code" does not match to a Dimension.', code=code)
    if any(company.rows("dimensionSetLines", parentId=parent["id"], code=code)):
        raise refused(
            "The dimension set line already exists. Check existing dimension set lines and the"
            " default dimension set lines on the parent."
        )
    message = 'The "valueCode" does not match to a Dimension Value.'
    found = company.one("dimensionValues", message, code=value, dimensionId=axis["id"])
    return company.insert(
        "dimensionSetLines",
        {
            "code": code,
            "valueCode": value,
            "valueId": found["id"],
            "parentId": parent["id"],
            "parentType": "Purchase Invoice Line",
        },
    )


def change_dimension(company: Company, record: Record, values: Record) -> None:
    """Another value on the same axis."""
    if "code" in values or "id" in values:
        raise refused('The "id" and "code" fields cannot be modified.')
    message = 'The "valueCode" does not match to a Dimension Value.'
    axis = company.one("dimensions", message, code=record["code"])
    value = values.get("valueCode", "")
    found = company.one("dimensionValues", message, code=value, dimensionId=axis["id"])
    record |= {"valueCode": value, "valueId": found["id"]}
    company.touch("dimensionSetLines", record)


def _party(company: Company, one: Papers, values: Record) -> Record:
    given, number = values.get(f"{one.party}Id", NO_ID), values.get(f"{one.party}Number", "")
    if given == NO_ID and not number:
        raise refused(
            'A "vendorNumber" or a "vendorID" must be provided.'
            if one.buys
            else 'A "customerNumber" or a "customerId" must be provided.'
        )
    missing = "The vendor cannot be found." if one.buys else "The sell-to customer cannot be found."
    having = {"id": given} if given != NO_ID else {"number": number}
    party = company.one(one.parties, missing, **having)
    if party["blocked"] == "All":
        raise refused(
            f"You cannot create this type of document when {one.party.title()}"
            f" {party['displayName']} is blocked with type All"
        )
    return party


def _check_currency(company: Company, values: Record) -> None:
    code = values.get("currencyCode", "")
    if code and code != company.facts["currency"]:
        company.one("currencies", 'The "currencyCode" does not match to a Currency.', code=code)


def _settle_account(company: Company, line: Record) -> None:
    number, given = line.get("lineObjectNumber", ""), line.get("accountId", NO_ID)
    having = {"number": number} if number else {"id": given}
    account = company.one("accounts", "Account does not exist.", **having)
    if account["blocked"]:
        raise refused(
            f"Blocked must be equal to 'No' in G/L Account: No.={account['number']}."
            " Current value is 'Yes'.",
            "Application_FieldValidationException",
        )
    line["lineObjectNumber"], line["accountId"] = account["number"], account["id"]
    line.setdefault("description", account["displayName"])


def _compute(company: Company, one: Papers, line: Record) -> None:
    rates: Mapping[str, Any] = company.facts["tax_rates"]
    code = line.setdefault("taxCode", company.facts["default_tax"])
    if code not in rates:
        raise refused(
            f"The field VAT Prod. Posting Group of table Line contains a value ({code})"
            " that cannot be found in the related table (VAT Product Posting Group).",
            "Internal_InvalidTableRelation",
        )
    quantity, price = Decimal(line.get("quantity", 0)), Decimal(line.get(one.price, 0))
    amount = _rounded(quantity * price)
    full = rates[code] == FULL_VAT
    net = Decimal(0) if full else amount
    tax = amount if full else _rounded(amount * Decimal(rates[code]) / 100)
    line |= {
        "quantity": quantity,
        one.price: price,
        "amountExcludingTax": net,
        "taxPercent": Decimal(0) if full else Decimal(rates[code]),
        "totalTaxAmount": tax,
        "amountIncludingTax": net + tax,
    }


def _add_up(company: Company, one: Papers, header: Record) -> None:
    lines = list(company.rows(one.lines, documentId=header["id"], lineType="Account"))
    net = sum((line["amountExcludingTax"] for line in lines), Decimal(0))
    tax = sum((line["totalTaxAmount"] for line in lines), Decimal(0))
    header |= {
        "totalAmountExcludingTax": net,
        "totalTaxAmount": tax,
        "totalAmountIncludingTax": net + tax,
    }
    company.touch(one.entity, header)


def _require_draft(header: Record) -> None:
    if header["status"] != "Draft":
        raise refused("The invoice has been posted and can no longer be modified.")


def _header_of(company: Company, line: Record) -> Record:
    for entity in PAPERS:
        header = company.get(entity, line.get("documentId", NO_ID))
        if header is not None:
            return header
    raise refused("You must get to the parent first to create a dimension set line.")


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)
