"""What the gateway counts, for Prometheus."""

from typing import Final

from prometheus_client import Counter

# No connection stands beside `unknown`: names that anybody may make up are no labels.
WEBHOOKS: Final = Counter(
    "ledgerway_webhooks",
    "Webhooks by their answer: told, not_told, not_genuine, too_large, too_slow, unknown",
    ["connection", "answer"],
)
TELLINGS: Final = Counter(
    "ledgerway_webhook_tellings",
    "How often the synchronisation of masters was told; one covers all that came meanwhile",
    ["connection"],
)
