"""The accounting half of the ERP's master data: charts, calendars, taxes, dimensions, products."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.firm import COST_CENTRE_DIMENSION, CostCentre, LegalEntity
from sandbox.tryton.json_rpc import Domain, JsonRpcSession

CHART_TEMPLATE = "account.account_template_root_en"
# Accounts of that chart, by the code that the template gives them.
TAX_ACCOUNT = "6.3.6"
DISBURSEMENT_ACCOUNT = "1.2.3"
TAXES = (("VAT19", Decimal("0.19")), ("VAT0", Decimal("0.00")))
INVOICE_PREFIXES = {
    "out_invoice": "INV-",
    "in_invoice": "SUP-",
    "out_credit_note": "CN-",
    "in_credit_note": "SCN-",
}
CONSULTING_HOUR = "SRV-CONS"
TRAVEL_EXPENSE = "EXP-TRAVEL"
LIST_PRICE = Decimal("150.00")


@dataclass(frozen=True)
class Ledger:
    """What one company's books are made of, as ids of the ERP."""

    company: int
    currency: int
    receivable: int
    payable: int
    revenue: int
    expense: int
    tax: int
    disbursement: int
    payment_journal: int


@dataclass(frozen=True)
class Catalogue:
    """What all companies share, as ids of the ERP."""

    payment_term: int
    category: int
    consulting_hour: int


class AccountingSeed:
    """Sets up the books of companies that exist; each method is called once per database."""

    def __init__(self, session: JsonRpcSession) -> None:
        self._erp = session

    async def open_books(self, company: int, entity: LegalEntity, currency: int) -> Ledger:
        """Create a company's chart of accounts and what payments and disbursements need."""
        erp = self._erp
        erp.work_for(company)
        await self._create_chart(company)
        disbursement = await self._account(company, ["code", "=", DISBURSEMENT_ACCOUNT])
        (row,) = await erp.find("account.account", [["id", "=", disbursement]], "type")
        await erp.write(
            "account.account.type", [row["type"]], {"template_override": True, "disbursement": True}
        )
        await erp.write(
            "account.configuration", [1], {"default_account_disbursement": disbursement}
        )
        (journal,) = await erp.create(
            "account.payment.journal",
            [
                {
                    "name": f"Manual {entity.code}",
                    "process_method": "manual",
                    "company": company,
                    "currency": currency,
                }
            ],
        )
        return Ledger(
            company=company,
            currency=currency,
            receivable=await self._account(company, ["type.receivable", "=", True]),
            payable=await self._account(company, ["type.payable", "=", True]),
            revenue=await self._account(company, ["type.revenue", "=", True]),
            expense=await self._account(company, ["type.expense", "=", True]),
            tax=await self._account(company, ["code", "=", TAX_ACCOUNT]),
            disbursement=disbursement,
            payment_journal=journal,
        )

    async def open_calendar(
        self, company: int, entity: LegalEntity, years: Sequence[int], closed_before: date
    ) -> None:
        """Create fiscal years of twelve periods; those that end before a day are closed."""
        erp = self._erp
        erp.work_for(company)
        move = await erp.find_one("ir.sequence.type", [["name", "=", "Account Move"]])
        invoice = await erp.find_one("ir.sequence.type", [["name", "=", "Invoice"]])
        for year in years:
            sequences = await erp.create(
                "ir.sequence.strict",
                [
                    {
                        "name": f"{entity.code} {kind} {year}",
                        "sequence_type": move if kind == "move" else invoice,
                        "company": company,
                        "prefix": prefix,
                    }
                    for kind, prefix in {"move": "", **INVOICE_PREFIXES}.items()
                ],
            )
            move_sequence, *invoice_sequences = sequences
            numbering = {
                f"{kind}_sequence": sequence
                for kind, sequence in zip(INVOICE_PREFIXES, invoice_sequences, strict=True)
            }
            fiscal_year = await erp.create(
                "account.fiscalyear",
                [
                    {
                        "name": str(year),
                        "start_date": date(year, 1, 1),
                        "end_date": date(year, 12, 31),
                        "company": company,
                        "move_sequence": move_sequence,
                        "invoice_sequences": [["create", [{"company": company, **numbering}]]],
                    }
                ],
            )
            await erp.press("account.fiscalyear", "create_period", fiscal_year)
        ended: Domain = [["company", "=", company], ["end_date", "<", closed_before]]
        if periods := [row["id"] for row in await erp.find("account.period", ended, "id")]:
            await erp.press("account.period", "close", periods)

    async def create_taxes(self, ledger: Ledger, entity: LegalEntity) -> list[int]:
        """Create a company's taxes and the codes that collect them."""
        erp = self._erp
        erp.work_for(ledger.company)
        taxes = await erp.create(
            "account.tax",
            [
                {
                    "name": f"{name} {entity.code}",
                    "description": name,
                    "type": "percentage",
                    "rate": rate,
                    "company": ledger.company,
                    "invoice_account": ledger.tax,
                    "credit_note_account": ledger.tax,
                }
                for name, rate in TAXES
            ],
        )
        await erp.create(
            "account.tax.code",
            [
                {
                    "name": f"{name} collected {entity.code}",
                    "code": name,
                    "company": ledger.company,
                    "lines": [["create", [_collected(tax)]]],
                }
                for (name, _), tax in zip(TAXES, taxes, strict=True)
            ],
        )
        return taxes

    async def create_cost_centres(self, company: int, centres: Sequence[CostCentre]) -> None:
        """Create a company's analytic dimension and its values."""
        erp = self._erp
        erp.work_for(company)
        root = {"type": "root", "name": COST_CENTRE_DIMENSION, "code": "CC", "state": "opened"}
        (dimension,) = await erp.create("analytic_account.account", [{**root, "company": company}])
        await erp.create(
            "analytic_account.account",
            [
                {
                    "type": "normal",
                    "name": centre.name,
                    "code": centre.code,
                    "company": company,
                    "root": dimension,
                    "parent": dimension,
                    "state": "closed" if centre.closed else "opened",
                }
                for centre in centres
            ],
        )

    async def create_catalogue(self, ledger: Ledger, taxes: Sequence[int]) -> Catalogue:
        """Create what all companies share; accounts and taxes are those of the first."""
        erp = self._erp
        erp.work_for(ledger.company)
        remainder = {"type": "remainder", "relativedeltas": [["create", [{"days": 45}]]]}
        (payment_term,) = await erp.create(
            "account.invoice.payment_term",
            [{"name": "45 days", "lines": [["create", [remainder]]]}],
        )
        standard_tax = taxes[0]
        (category,) = await erp.create(
            "product.category",
            [
                {
                    "name": "Services",
                    "code": "SERV",
                    "accounting": True,
                    "account_revenue": ledger.revenue,
                    "account_expense": ledger.expense,
                    "customer_taxes": [["add", [standard_tax]]],
                    "supplier_taxes": [["add", [standard_tax]]],
                }
            ],
        )
        hour = await erp.find_one("product.uom", [["name", "=", "Hour"]])
        unit = await erp.find_one("product.uom", [["name", "=", "Unit"]])
        await erp.create(
            "product.template",
            [
                {
                    "name": name,
                    "type": "service",
                    "default_uom": uom,
                    "list_price": price,
                    "account_category": category,
                    "products": [["create", [{"suffix_code": code}]]],
                }
                for code, name, uom, price in (
                    (CONSULTING_HOUR, "Consulting hour", hour, LIST_PRICE),
                    (TRAVEL_EXPENSE, "Travel expense", unit, Decimal("0.00")),
                )
            ],
        )
        consulting_hour = await erp.find_one("product.product", [["code", "=", CONSULTING_HOUR]])
        return Catalogue(payment_term, category, consulting_hour)

    async def share_catalogue(self, catalogue: Catalogue, ledger: Ledger) -> None:
        """Give the shared category the accounts of one more company."""
        self._erp.work_for(ledger.company)
        await self._erp.write(
            "product.category",
            [catalogue.category],
            {"account_revenue": ledger.revenue, "account_expense": ledger.expense},
        )

    async def _create_chart(self, company: int) -> None:
        erp = self._erp
        template = await erp.call("model.ir.model.data.get_id", CHART_TEMPLATE)
        chart = {"account": {"account_template": template, "company": company}}
        wizard = "wizard.account.create_chart"
        session, *_ = await erp.call(f"{wizard}.create")
        await erp.call(f"{wizard}.execute", session, chart, "create_account")
        properties = {
            "company": company,
            "account_receivable": await self._account(company, ["type.receivable", "=", True]),
            "account_payable": await self._account(company, ["type.payable", "=", True]),
            "category_account_expense": await self._account(company, ["type.expense", "=", True]),
            "category_account_revenue": await self._account(company, ["type.revenue", "=", True]),
        }
        forms = {**chart, "properties": properties}
        await erp.call(f"{wizard}.execute", session, forms, "create_properties")
        await erp.call(f"{wizard}.delete", session)

    async def _account(self, company: int, clause: Domain) -> int:
        """Find the first open account of a kind: the chart has one for each but expenses."""
        rows = await self._erp.find(
            "account.account", [clause, ["company", "=", company], ["closed", "!=", True]], "id"
        )
        account: int = rows[0]["id"]
        return account


def _collected(tax: int) -> dict[str, object]:
    return {"operator": "+", "tax": tax, "amount": "tax", "type": "invoice"}
