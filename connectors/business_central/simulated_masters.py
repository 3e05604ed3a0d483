"""The lists of the simulated ERP that connectors only read."""

from typing import Final

from connectors.business_central.simulated_books import Kind

MASTERS: Final = {
    "generalLedgerSetup": Kind(
        "generalLedgerSetup",
        {
            "allowPostingFrom": None,
            "allowPostingTo": None,
            "additionalReportingCurrency": 10,
            "localCurrencyCode": 10,
            "localCurrencySymbol": 10,
        },
    ),
    "accountingPeriods": Kind(
        "accountingPeriod",
        {"startingDate": None, "name": 10, "newFiscalYear": None, "closed": None}
        | {"dateLocked": None},
    ),
    "currencies": Kind("currency", {"code": 10, "displayName": 30, "symbol": 10}),
    "currencyExchangeRates": Kind(
        "currencyExchangeRate",
        {
            "currencyCode": 10,
            "startingDate": None,
            "exchangeRateAmount": None,
            "relationalCurrencyCode": 10,
            "relationalExchangeRateAmount": None,
        },
    ),
    "taxGroups": Kind("taxGroup", {"code": 20, "displayName": 100, "taxType": None}),
    "customers": Kind(
        "customer",
        {
            "number": 20,
            "displayName": 100,
            "phoneNumber": 30,
            "currencyCode": 10,
            "country": 10,
            "taxRegistrationNumber": 20,
            "email": 80,
            "blocked": None,
        },
    ),
    "vendors": Kind(
        "vendor", {"number": 20, "displayName": 100, "currencyCode": 10, "blocked": None}
    ),
    "employees": Kind(
        "employee",
        {
            "number": 20,
            "displayName": 100,
            "givenName": 30,
            "middleName": 30,
            "surname": 30,
            "jobTitle": 30,
            "email": 80,
            "employmentDate": None,
            "terminationDate": None,
            "status": None,
            "phoneNumber": 30,
        },
        read_only=frozenset({"displayName"}),
    ),
    "defaultDimensions": Kind(
        "defaultDimension",
        {
            "parentType": None,
            "parentId": None,
            "dimensionId": None,
            "dimensionCode": 20,
            "dimensionValueId": None,
            "dimensionValueCode": 20,
            "postingValidation": None,
        },
        read_only=frozenset({"dimensionCode", "dimensionValueCode"}),
        parent="parentId",
    ),
    "projects": Kind("project", {"number": 20, "displayName": 100}),
    "accounts": Kind(
        "account",
        {
            "number": 20,
            "displayName": 100,
            "category": None,
            "subCategory": 80,
            "blocked": None,
            "accountType": None,
            "directPosting": None,
        },
    ),
    "dimensions": Kind("dimension", {"code": 20, "displayName": 30}),
    "dimensionValues": Kind(
        "dimensionValue",
        {"code": 20, "dimensionId": None, "displayName": 50},
        parent="dimensionId",
    ),
}
