"""Fyle (Sage Expense Management), a source of expense reports."""
