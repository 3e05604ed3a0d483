"""The four kinds of documents, and what the API calls their parts."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of document; `number` is the member that carries our reference."""

    entity: str
    lines: str
    party: str
    number: str
    day: str
    price: str

    @property
    def expanded(self) -> str:
        """What a look at one takes in: its lines, and the dimensions of each."""
        return f"{self.lines}($expand=dimensionSetLines)"


PURCHASE_INVOICE: Final = Family(
    "purchaseInvoices",
    "purchaseInvoiceLines",
    "vendorId",
    "vendorInvoiceNumber",
    "invoiceDate",
    "unitCost",
)
PURCHASE_CREDIT: Final = Family(
    "purchaseCreditMemos",
    "purchaseCreditMemoLines",
    "vendorId",
    "vendorCreditMemoNumber",
    "creditMemoDate",
    "unitCost",
)
SALES_INVOICE: Final = Family(
    "salesInvoices",
    "salesInvoiceLines",
    "customerId",
    "externalDocumentNumber",
    "invoiceDate",
    "unitPrice",
)
SALES_CREDIT: Final = Family(
    "salesCreditMemos",
    "salesCreditMemoLines",
    "customerId",
    "externalDocumentNumber",
    "creditMemoDate",
    "unitPrice",
)
FAMILIES: Final = {
    family.entity: family
    for family in (PURCHASE_INVOICE, PURCHASE_CREDIT, SALES_INVOICE, SALES_CREDIT)
}
PURCHASES: Final = (PURCHASE_INVOICE, PURCHASE_CREDIT)
SALES: Final = (SALES_INVOICE, SALES_CREDIT)
