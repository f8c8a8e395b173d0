"""What came of a scenario: one line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

import msgspec

from faults.customers import Customers
from faults.platform import Platform


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The counts are messages. `kept`: given up or parked, for a person to redeliver. `seconds`: from the
    end of the fault until all that was sent before it had arrived. `broken`: what else must not be."""

    name: str
    sent: int
    accepted: int
    delivered: int
    kept: int
    lost: int
    reordered: int
    duplicated: int
    seconds: float
    note: str = ""
    broken: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.reordered or self.broken)

    def __str__(self) -> str:
        counts = (
            self.sent,
            self.accepted,
            self.delivered,
            self.kept,
            self.lost,
            self.reordered,
            self.duplicated,
        )
        said = "; ".join([*([self.note] if self.note else []), *(f"BROKEN: {one}" for one in self.broken)])
        return f"{self.name:36}{''.join(f'{one:11}' for one in counts)}{self.seconds:10.1f}  {said}".rstrip()


TITLE = f"{'':36}{'sent':>11}{'accepted':>11}{'delivered':>11}{'kept':>11}{'lost':>11}{'reordered':>11}" + (
    f"{'duplicated':>11}{'s to recover':>13}"
)


def line(
    name: str,
    customers: Customers,
    platform: Platform,
    seconds: float,
    *,
    kept: Collection[str] = (),
    note: str = "",
    broken: Iterable[str] = (),
) -> Line:
    """Compare what the customers were told with what the platform got."""
    report = platform.ledger.report
    accepted, arrived = customers.accepted.keys(), report.arrivals.keys()
    return Line(
        name=name,
        sent=len(customers.sent),
        accepted=len(accepted),
        delivered=len(accepted & arrived),
        kept=len(accepted & set(kept)),
        lost=len(accepted - arrived - set(kept)),
        reordered=max(report.reordered, overtakings(report.arrivals)),
        duplicated=report.duplicates,
        seconds=seconds,
        note=note,
        broken=(*broken, *_unexpected(customers, platform)),
    )


def overtakings(mids: Iterable[str]) -> int:
    """How many messages arrived after a later one of the same customer, who wrote them one by one."""
    latest: defaultdict[str, int] = defaultdict(lambda: -1)
    count = 0
    for mid in mids:
        customer, _, number = mid.rpartition("-")
        count += int(number) < latest[customer]
        latest[customer] = max(latest[customer], int(number))
    return count


def _unexpected(customers: Customers, platform: Platform) -> Iterable[str]:
    report = platform.ledger.report
    yield from dict.fromkeys(platform.broken)
    if unanswered := len(customers.sent) - len(customers.accepted):
        yield f"{unanswered} never accepted"
    if not customers.sent:
        yield "nothing was sent"
    if report.badly_signed:
        yield f"{report.badly_signed} badly signed"
    if platform.strayed:
        yield f"{platform.strayed} requests to another place"


def failed(name: str, fault: Exception, seconds: float) -> Line:
    """The line of a scenario that did not come to its end."""
    why = f"{type(fault).__name__}: {fault}"
    return Line(
        name=name,
        sent=0,
        accepted=0,
        delivered=0,
        kept=0,
        lost=0,
        reordered=0,
        duplicated=0,
        seconds=seconds,
        broken=(why,),
    )
