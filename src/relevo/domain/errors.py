"""Every error that a caller can meet, by its stable code.

A class's docstring is its default message. Subclasses add the offending value. What a
careful caller meets every day is a value, not an error (see `deliveries.Outcome`).
"""

from __future__ import annotations


class RelevoError(Exception):
    """Something went wrong."""

    code = "error"  # published; never renamed
    status = 400

    def __init__(self, message: str | None = None, **facts: object) -> None:
        self.message = message or (type(self).__doc__ or "").strip().split("\n")[0]
        self.facts = facts
        super().__init__(self.message)


class InvalidInput(RelevoError):
    """The given data was invalid."""

    code = "invalid_input"
    status = 422

    def __init__(self, errors: dict[str, list[str]]) -> None:
        self.errors = errors
        first = next(iter(errors.values()), [type(self).__doc__ or ""])[0]
        super().__init__(first)


class Unauthenticated(RelevoError):
    """Unauthenticated."""

    code = "unauthenticated"
    status = 401


class ScopeRequired(RelevoError):
    """This token lacks a scope that the call needs."""

    code = "scope_required"
    status = 403


class NotFound(RelevoError):
    """There is no such thing here."""

    code = "not_found"
    status = 404


class Conflict(RelevoError):
    """This was already used for something else."""

    code = "conflict"
    status = 409


class NotSent(RelevoError):
    """The customer may not be told this now. It is kept as not sent."""

    code = "not_sent"
    status = 409

    def __init__(self, reason: str) -> None:
        super().__init__(f"This was not sent: {reason}.", reason=reason)


class IdempotencyKeyReused(RelevoError):
    """This Idempotency-Key was used before with a different request. Use a new key."""

    code = "idempotency_key_reused"
    status = 422


class NoHandoff(RelevoError):
    """Nobody is asked for: the bot has control of this conversation."""

    code = "no_handoff"
    status = 409


class HandoffTaken(RelevoError):
    """Another agent has accepted this handoff."""

    code = "handoff_taken"
    status = 409


class ControlChanged(RelevoError):
    """Control has changed hands since the epoch that you name."""

    code = "control_changed"
    status = 409


class TooLarge(RelevoError):
    """The request is larger than the limit."""

    code = "too_large"
    status = 413


class TooManyRequests(RelevoError):
    """Too Many Attempts."""

    code = "too_many_requests"
    status = 429


class VersionChanged(RelevoError):
    """The text of this version of the flow is not the one that was published: somebody has changed it."""

    code = "version_changed"
    status = 500


class Unavailable(RelevoError):
    """Relevo cannot store anything right now. Nothing was accepted; send it again later."""

    code = "unavailable"
    status = 503
    retry_after = 2  # seconds


class Busy(Unavailable):
    """More events are waiting than Relevo accepts at once. Send it again in a moment."""

    code = "busy"
    retry_after = 1


class DecisionFailed(RelevoError):
    """An unexpected fault while deciding about this event. It was not applied; the fault is recorded."""

    code = "decision_failed"
    status = 500


class ForbiddenAddress(RelevoError):
    """That URL leads to an address that Relevo does not connect to."""

    code = "forbidden_address"
    status = 422


class UnknownHost(RelevoError):
    """That host name has no address now."""

    code = "unknown_host"
    status = 422


class ChannelError(RelevoError):
    """A channel could not make sense of what it was given."""

    code = "channel_error"


class UnsupportedPayload(ChannelError):
    """The vendor's, but of a kind that is new to us: kept, and answered with 200."""

    code = "unsupported_payload"
    status = 200


class ForeignPayload(ChannelError):
    """This does not look like a payload of this channel's vendor."""

    code = "foreign_payload"
    status = 400


class BadSignature(ChannelError):
    """Unauthenticated."""

    code = "bad_signature"
    status = 401


class UnsupportedContent(ChannelError):
    """This content cannot be said on this channel, even degraded."""

    code = "unsupported_content"
    status = 422
