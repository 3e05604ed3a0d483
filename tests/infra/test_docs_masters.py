"""docs/how-to/keep-masters-in-step.md: its example can be used, and every case is explained."""

import re

import yaml

from activities.master_cases import POSSIBLE
from canonical.exception_case import MASTER_CAUSES
from rules.policies import Policies
from tests.infra.manifests import CHECKOUT

PAGE = (CHECKOUT / "docs" / "how-to" / "keep-masters-in-step.md").read_text()


def test_the_example_of_ownership_can_be_used() -> None:
    (example,) = re.findall(r"^```\n(ownership:\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    policies = Policies.model_validate(yaml.safe_load(example))
    assert len(policies.ownership.kinds) == 4
    assert policies.governance.billing_structure


def test_every_case_about_masters_is_explained_with_what_settles_it() -> None:
    explained: dict[str, set[str]] = {}
    for case, how in re.findall(r"^\| `(\w+)`[^|]*\|[^|]*\|(.*)\|$", PAGE, re.MULTILINE):
        explained.setdefault(case, set()).update(re.findall(r"`(\w+)`", how))
    assert explained.keys() == {str(cause) for cause in MASTER_CAUSES}
    for cause, possible in POSSIBLE.items():
        assert set(possible) <= explained[cause], cause
