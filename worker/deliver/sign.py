"""Standard Webhooks 1.0.0 signatures: `webhook-id`, `webhook-timestamp`, `webhook-signature`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook


def sign(delivery_id: str, body: str, secrets: Sequence[str], at: datetime) -> Mapping[str, str]:
    """The three headers for one attempt at time `at`; with several secrets (rotation) one signature each.

    A secret is `whsec_` and the base64 of 24 to 64 bytes; the signature is HMAC-SHA256 over `id.timestamp.body`.
    """
    moment = at.astimezone(UTC)
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(delivery_id, moment, body) for secret in secrets),
    }
