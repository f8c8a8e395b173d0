"""Asking an API Chat channel's webhook whether it knows the verification key."""

from __future__ import annotations

from datetime import timedelta

from relevo.admin.changing import Means
from relevo.channels.adapter import VendorAnswer
from relevo.channels.apichat.adapter import is_verified, verification_call
from relevo.domain import signing
from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.domain.workspaces import Channel
from relevo.http_client.client import Answer, HttpClient

_TIMEOUT = timedelta(seconds=15)


async def why_unverified(means: Means, channel: Channel) -> str | None:
    """What is wrong with the other side's answer; None when it is the challenge."""
    challenge = means.chance.token(16)
    call = verification_call(channel.config, challenge)
    signed: dict[str, str] = {}
    if call.sign_with:
        webhook_id = means.chance.webhook_id()
        signed = signing.headers([call.sign_with], webhook_id, means.clock.now(), call.body)
    http = HttpClient(means.guard, means.clock.monotonic)
    try:
        result = await http.request(call.method, call.url, {**call.headers, **signed}, call.body, _TIMEOUT)
    finally:
        await http.close()
    return _problem(result, challenge)


def _problem(result: Answer | Unreachable | Forbidden, challenge: str) -> str | None:
    if isinstance(result, Unreachable):
        return f"no answer came ({result.reason}); is the other side running, and the webhook_url right?"
    if isinstance(result, Forbidden):
        return f"Relevo does not connect to {result.address}: {result.reason}; see RELEVO_ALLOWED_NETWORKS"
    answer = VendorAnswer(status=result.status_code, headers=result.headers, body=result.body)
    if is_verified(answer, challenge):
        return None
    return f"it answered {answer.status} without the challenge; it must answer 200 with hub_challenge as text"
