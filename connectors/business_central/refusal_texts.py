"""What Business Central's own texts mean: one table from text to the code of a refusal.

The API answers most refusals with one error code and tells them apart by an English sentence, so
every session asks for English. The texts are those of Microsoft's AL source (MIT), %1 being a
value. A text that is not here still is a refusal: of its error code, with nothing made up.
"""

from collections.abc import Mapping
from typing import Final

_MEANINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "currency_unknown": (
        "The currency values do not match to a specific Currency.",
        'The "currencyId" does not match to a Currency.',
        'The "currencyCode" does not match to a Currency.',
    ),
    "payment_terms_unknown": ('The "paymentTermsId" does not match to a Payment Terms.',),
    "payment_method_unknown": ('The "paymentMethodId" does not match to a Payment Method.',),
    "shipment_method_unknown": ('The "shipmentMethodId" does not match to a Shipment Method.',),
    "dispute_status_unknown": (
        'The "disputeStatusId" does not match to a Dispute Status.',
        "The dispute status cannot be found.",
    ),
    "name_missing": (
        'A "displayName" must be provided.',
        'The blank "displayName" is not allowed.',
    ),
    "employee_unknown": (
        'The "employeeId" does not match to an Employee.',
        # Also said of a project whose id and number differ: the vendor's own copy and paste.
        "The employee values do not match to a specific Employee.",
        'The "employeeNumber" does not match to an Employee.',
        "You must specify an Employee ID or Employee number to get the time registration entries.",
        "The employee cannot be found.",
    ),
    "project_unknown": (
        'The "jobId" does not match to a Job.',
        'The "jobNumber" does not match to a Job.',
    ),
    "fixed_once_written": (
        'The "employeeId" cannot be modified.',
        "The date cannot be modified.",
        'The value for "employeeId" cannot be modified.',
        "The value for employee number cannot be modified.",
        "The Journal Batch Display Name isn't editable.",
        "The Journal Batch Id isn't editable.",
        "The Journal Batch Display Name cannot be changed.",
        "The Journal Id cannot be changed.",
        'The "id" cannot be changed.',
        "The id cannot be changed.",
        'The value for "documentId" cannot be modified.',
        "The value for sequence cannot be modified. Delete and insert the line again.",
        'The value for "sequence" cannot be modified. Delete and insert the line again.',
        'The value for "lineObjectNumber" cannot be modified.',
        'The "id" and "code" fields cannot be modified.',
    ),
    "nothing_to_post": ("There is nothing to post.",),
    "journal_unknown": (
        "The General Journal Batch with ID %1 cannot be found.",
        "The Journal Id and Journal Display Name do not match.",
    ),
    "not_asked_for_properly": (
        "You must specify a journal batch ID or a journal ID to get a journal line.",
        "You must specify an Id or a Document Id to get the lines.",
        "You must get to the parent first to get to the dimension set line.",
        "You must get to the parent first to create a dimension set line.",
        "You must get to the parent first to get to the default dimensions.",
        "A filter must be specified. The filter could be for the date, employeeId or id.",
        "The date filter is invalid. The date filter must be a valid range with maximum %1 days.",
    ),
    "account_unknown": (
        "The account values do not match to a specific Account.",
        'The "accountId" does not match to an Account.',
        'The "balancingAccountId" does not match to an Account.',
        'The "accountNumber" does not match to an Account.',
        "Account does not exist.",
    ),
    "item_unknown": ("Item does not exist.",),
    "line_ambiguous": ('Both "itemId" and "accountId" are specified. Specify only one of them.',),
    "vendor_unknown": (
        'A "vendorNumber" or a "vendorID" must be provided.',
        "The vendor cannot be found.",
        "The pay-to vendor cannot be found.",
        "The vendor values do not match to a specific Vendor.",
        'The "vendorId" does not match to a Vendor.',
        'The "vendorNumber" does not match to a Vendor.',
    ),
    "customer_unknown": (
        'A "customerNumber" or a "customerId" must be provided.',
        "The sell-to customer values do not match to a specific Customer.",
        "The bill-to customer values do not match to a specific Customer.",
        "The sell-to customer cannot be found.",
        "The bill-to customer cannot be found.",
    ),
    "not_a_draft": ("The action can be applied to a draft invoice only.",),
    "not_posted": ("The action can be applied to a posted invoice only.",),
    "document_gone": ("The invoice cannot be found.",),
    "permission_missing": ("You do not have permissions to read Purchase Invoices.",),
    "cancelling_failed_credit_posted": (
        "Canceling the invoice failed because of the following error:"
        " \\\\%1\\\\A credit memo is posted.",
    ),
    "cancelling_failed_credit_left": (
        "Canceling the invoice failed because of the following error:"
        " \\\\%1\\\\A credit memo is created but not posted.",
    ),
    "cancelling_failed": ("Canceling the invoice failed because of the following error: \\\\%1.",),
    "address_missing": (
        "The send-to email is empty."
        " Specify email either for the customer or for the invoice in email preview.",
    ),
    "cancelled_before": ("The invoice cannot be canceled because it has already been canceled.",),
    "closed_before": (
        "The invoice is closed. The corrective credit memo will not be applied to the invoice.",
    ),
    "partly_paid": (
        "The invoice is partially paid or credited."
        " The corrective credit memo may not be fully closed by the invoice.",
    ),
    "payment_without_invoice": (
        "The Applies To Invoice values do not match to the same Invoice.",
        'The "appliesToInvoiceId" should be the ID of an Open, Paid, Corrective,'
        " or Canceled Invoice.",
    ),
    "dimension_missing": (
        'The "id" or "code" field must be filled in.',
        'The "valueId" or "valueCode" field must be filled in.',
    ),
    "dimension_unknown": (
        "The dimension field values do not match to a specific Dimension.",
        'The "id" does not match to a Dimension.',
        'The "code" does not match to a Dimension.',
    ),
    "dimension_value_unknown": (
        'The values of the "dimensionCode" field and the "dimensionId" field'
        " do not refer to the same Dimension Value.",
        'The "valueId" does not match to a Dimension Value.',
        'The "valueCode" does not match to a Dimension Value.',
    ),
    "dimension_twice": (
        "The dimension set line already exists."
        " Check existing dimension set lines and the default dimension set lines on the parent.",
    ),
    "dimensions_closed": (
        "Parent with ID %1 does not exist.",
        "Parent with ID %1 does not exist or dimension set lines are read only for parent type %2.",
    ),
    # Of posting, not of the API's pages.
    "period_closed": (
        "%1 is not within your range of allowed posting dates%2",
        "Posting Date is not within your range of allowed posting dates%1",
    ),
    "posted_before": (
        "Purchase %1 %2 already exists for this vendor.",
        "Sales %1 %2 already exists.",
    ),
    "out_of_balance": ("Document No. %1 is out of balance by %2",),
    "credit_too_large": ("The total amount for the invoice must be 0 or greater.",),
    "time_sheet_final": ("Status must be Open or Rejected in line with Time Sheet No.%1",),
}

CODE_OF: Final[Mapping[str, str]] = {
    text: code for code, texts in _MEANINGS.items() for text in texts
}
