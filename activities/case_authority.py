"""Authority: who may decide a case, by the policies of its legal entity."""

from temporalio.exceptions import ApplicationError

from canonical.exception_case import ExceptionCase, Resolution, Waive
from rules.policies import Policies


def authorise(policies: Policies, case: ExceptionCase, by: str, resolution: Resolution) -> None:
    """Raise ApplicationError, not retryable, with who may, unless `by` may decide so."""
    policy = policies.of(case.root_cause.legal_entity)
    allowed = policy.resolvers
    if isinstance(resolution, Waive) and policy.waivers:
        allowed = policy.waivers
    if "*" not in allowed and by not in allowed:
        raise ApplicationError(
            f"{by} may not {resolution.kind} cases of {case.root_cause.legal_entity}; "
            f"these may: {', '.join(allowed)}",
            type="not_authorised",
            non_retryable=True,
        )
