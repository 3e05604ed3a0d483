"""SAP Concur, a source of expense reports."""
