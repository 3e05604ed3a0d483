"""The contract suite: classes to inherit, one per capability, and the worlds that they need."""

import pkgutil

import pytest

# Before any of them is imported: a failing rule then shows what was compared.
pytest.register_assert_rewrite(
    *(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__))
)
