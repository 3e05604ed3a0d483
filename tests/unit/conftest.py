"""How property-based tests run: the same examples every time, and no clock decides."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ledgerway",
    # A loaded machine is no defect, and a red run must be red again when it is repeated.
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ledgerway")
