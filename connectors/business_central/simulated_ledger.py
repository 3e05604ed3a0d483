"""Posting in the simulated ERP: documents and journals into the ledger, and money on top."""

from decimal import Decimal

from connectors.business_central.simulated_books import NO_ID, Company
from connectors.business_central.simulated_documents import KINDS, PAPERS, Papers
from connectors.business_central.simulated_query import Record, not_found, refused


def post(company: Company, entity: str, header: Record) -> None:
    """Post a draft into the ledger; its id stays, its number and its version are new."""
    one = PAPERS[entity]
    if header["status"] != "Draft":
        raise refused("The action can be applied to a draft invoice only.")
    lines = list(company.rows(one.lines, documentId=header["id"], lineType="Account"))
    _check_posting(company, one, header, lines)
    number = company.facts["posted"] = company.facts.get("posted", 108_000) + 1
    header["number"] = f"{'P' if one.buys else 'S'}-{number}"
    header["status"] = "Open"
    # What the ERP sets by itself when it posts, without a word.
    header |= company.facts.get("set_on_posting", {})
    for line in lines:
        line.update(company.facts.get("set_on_lines_on_posting", {}))
        if company.facts.get("drops_dimensions_on_posting"):
            for axis in company.rows("dimensionSetLines", parentId=line["id"]):
                company.delete("dimensionSetLines", axis["id"])
    if "remainingAmount" in KINDS[entity].members:
        header["remainingAmount"] = header["totalAmountIncludingTax"]
    _write_ledger(company, one, header, lines)
    company.touch(entity, header)
    if one.credits:
        _apply(company, one, header)


def pay(company: Company, entity: str, record_id: str, amount: Decimal) -> None:
    """Let money settle a posted document, or a part of it."""
    header = company.get(entity, record_id)
    if header is None:
        raise not_found()
    header["settled"] = header.get("settled", Decimal(0)) + amount
    _settle(company, entity, header)


def _settle(company: Company, entity: str, header: Record) -> None:
    left = header["totalAmountIncludingTax"] - header.get("settled", Decimal(0))
    if "remainingAmount" in KINDS[entity].members:
        header["remainingAmount"] = left
    header["status"] = "Open" if left else "Paid"
    company.touch(entity, header)


def _apply(company: Company, one: Papers, memo: Record) -> None:
    invoice_id = memo.get("invoiceId", NO_ID)
    if invoice_id != NO_ID:
        invoices = "purchaseInvoices" if one.buys else "salesInvoices"
        pay(company, invoices, invoice_id, memo["totalAmountIncludingTax"])
        memo["status"] = "Paid"


def _check_posting(company: Company, one: Papers, header: Record, lines: list[Record]) -> None:
    if not lines:
        raise refused("There is nothing to post.")
    if not company.allows(header["postingDate"]):
        raise refused("Posting Date is not within your range of allowed posting dates.")
    if header["totalAmountIncludingTax"] < 0:
        raise refused("The total amount for the invoice must be 0 or greater.")
    reference = header[one.number]
    if one.buys and not reference:
        raise refused(
            f"Vendor Invoice No. must have a value in Purchase Header: No.={header['number']}."
            " It cannot be zero or empty.",
            "Application_FieldValidationException",
        )
    mandatory = one.buys or company.facts.get("external_number_mandatory", False)
    having = {one.number: reference, f"{one.party}Id": header[f"{one.party}Id"]}
    twice = any(row["status"] != "Draft" for row in company.rows(one.entity, **having))
    if mandatory and twice:
        kind = "Credit Memo" if one.credits else "Invoice"
        raise refused(
            f"Purchase {kind} {reference} already exists for this vendor."
            if one.buys
            else f"Sales {kind} {reference} already exists."
        )


def _write_ledger(company: Company, one: Papers, header: Record, lines: list[Record]) -> None:
    """Each line on its account, in debit for what is bought; the party's side is left out."""
    for line in lines:
        amount = line["amountIncludingTax"] * (1 if one.buys is not one.credits else -1)
        number = company.facts["entries"] = company.facts.get("entries", 0) + 1
        company.insert(
            "generalLedgerEntries",
            {
                "entryNumber": number,
                "postingDate": header["postingDate"],
                "documentNumber": header["number"],
                "documentType": "Credit Memo" if one.credits else "Invoice",
                "accountId": line["accountId"],
                "accountNumber": line["lineObjectNumber"],
                "description": line["description"],
                "debitAmount": max(amount, Decimal(0)),
                "creditAmount": max(-amount, Decimal(0)),
            },
        )


def post_journal(company: Company, journal: Record) -> None:
    """Post all lines of a batch into the ledger; the batch is empty then, and stays."""
    lines = sorted(
        company.rows("journalLines", journalId=journal["id"]), key=lambda row: row["lineNumber"]
    )
    counting = [line for line in lines if line["amount"]]
    if not counting:
        raise refused("There is nothing to post.")
    for line in counting:
        if not line["accountNumber"]:
            raise refused(
                "Account No. must have a value in Gen. Journal Line:"
                f" Line No.={line['lineNumber']}."
                " It cannot be zero or empty.",
                "Application_FieldValidationException",
            )
        if not company.allows(line["postingDate"]):
            raise refused("Posting Date is not within your range of allowed posting dates.")
    for number in {line["documentNumber"] for line in counting}:
        out = sum(line["amount"] for line in counting if line["documentNumber"] == number)
        if out:
            raise refused(
                f"Document No. {number} is out of balance by {out}. Please check that Posting"
                " Date, Document Type, Document No. and Amount are correct for each line."
            )
    for line in counting:
        entry = company.facts["entries"] = company.facts.get("entries", 0) + 1
        company.insert(
            "generalLedgerEntries",
            {
                "entryNumber": entry,
                "postingDate": line["postingDate"],
                "documentNumber": line["documentNumber"],
                "documentType": " ",
                "accountId": line["accountId"],
                "accountNumber": line["accountNumber"],
                "description": line["description"],
                "debitAmount": max(line["amount"], Decimal(0)),
                "creditAmount": max(-line["amount"], Decimal(0)),
            },
        )
    for line in lines:
        company.delete("journalLines", line["id"])
