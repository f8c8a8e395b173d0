"""What a platform received: every webhook checked and remembered. For the receivers of bench and faults."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from relevo.domain import signing
from relevo.domain.errors import RelevoError


class Meta(msgspec.Struct):
    user_ns: str


class Message(msgspec.Struct):
    mid: str


class Body(msgspec.Struct):
    meta: Meta
    message: Message


class Report(msgspec.Struct):
    """What was received since the last reset. `arrivals`: mid → monotonic seconds, in order."""

    received: int = 0
    duplicates: int = 0
    reordered: int = 0
    gaps: int = 0
    badly_signed: int = 0
    checked: int = 0
    arrivals: dict[str, float] = {}


class Ledger:
    """Looks at the order, the gaps and the duplicates of every webhook, and at the signature of every
    `check_every`th: checking all would measure the receiver."""

    def __init__(self, secret: str, *, check_every: int = 1) -> None:
        self._secret, self._check_every = secret, check_every
        self._decode = msgspec.json.Decoder(Body).decode
        self._seqs: defaultdict[str, int] = defaultdict(int)
        self.reset()

    def reset(self) -> None:
        """Forget what came; the order goes on from where it is."""
        self.report, self._seen = Report(arrivals={}), set[str]()

    def take(self, sender: str, headers: Mapping[str, str], body: bytes) -> None:
        """Note a webhook. `sender` tells servers apart that may have the same conversations."""
        parsed, report = self._decode(body), self.report
        report.received += 1
        report.arrivals.setdefault(parsed.message.mid, time.monotonic())
        if headers["webhook-id"] in self._seen:
            report.duplicates += 1
            return
        self._seen.add(headers["webhook-id"])
        self._check_order(f"{sender} {parsed.meta.user_ns}", int(headers.get("relevo-seq", "0")))
        if report.received % self._check_every == 0:
            self._check_signature(headers, body)

    def _check_order(self, conversation: str, seq: int) -> None:
        last = self._seqs[conversation]
        if seq <= last:
            self.report.reordered += 1
        elif last and seq > last + 1:
            self.report.gaps += 1
        self._seqs[conversation] = max(seq, last)

    def _check_signature(self, headers: Mapping[str, str], body: bytes) -> None:
        """As of the time that it names: in some scenarios the server's clock is wrong on purpose."""
        self.report.checked += 1
        try:
            signed_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
            signing.verify([self._secret], dict(headers), body, now=signed_at)
        except (RelevoError, LookupError, ValueError):
            self.report.badly_signed += 1
