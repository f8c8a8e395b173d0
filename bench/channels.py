"""`python -m bench.channels`: how many messages a second each channel reads and renders, in one process.

Reading is `verify` and `parse` of a text as the vendor posts it; rendering is `degrade`, and the first call
of `send`, for a text with a button. CPU time counts, so that neighbours on the machine do not. The goal is
20,000 of each.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import msgspec

from fuzz.inputs import SUITES
from relevo.channels.adapter import HookRequest
from relevo.domain.degrading import degrade
from relevo.domain.messages import Button, Text
from relevo.testing.channel_suite import ChannelSuite, fixtures, outgoing

GOAL = 20_000
FIXTURES = ("text_message", "text")
"""A text as each vendor posts it: the first that a channel has."""
ANSWER = Text("Is it in stock? Yes, two are left.", (Button("Reserve one", "do:reserve"),))


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.channels", description=__doc__)
    parser.add_argument("channels", nargs="*", default=[*SUITES], metavar="CHANNEL", help=", ".join(SUITES))
    parser.add_argument("--messages", type=int, default=30_000, help="in each of 3 rounds; the best counts")
    given = parser.parse_args()
    print(f"{'channel':<12}{'read/s':>12}{'rendered/s':>12}")
    slow = []
    for name in given.channels:
        rates = [_rate(work, given.messages) for work in (_reading(SUITES[name]), _rendering(SUITES[name]))]
        print(f"{name:<12}" + "".join(f"{rate:>12,.0f}" for rate in rates), flush=True)
        slow += [name] if min(rates) < GOAL else []
    if slow:
        sys.exit(f"Below {GOAL:,} a second: {', '.join(slow)}")


def _rate(work: Callable[[], None], messages: int) -> float:
    return messages / min(_took(work, messages) for _ in range(3))


def _took(work: Callable[[], None], messages: int) -> float:
    began = time.process_time()
    for _ in range(messages):
        work()
    return time.process_time() - began


def _reading(suite: ChannelSuite) -> Callable[[], None]:
    fixture = next(one for one in FIXTURES if one in fixtures(suite.fixture_folder))
    request: HookRequest = suite.request(suite.payload(fixture), **suite.expected(fixture).request)

    def read() -> None:
        assert suite.take(request).items

    return read


def _rendering(suite: ChannelSuite) -> Callable[[], None]:
    adapter, channel = suite.adapter, suite.channel
    message, limits = outgoing(ANSWER), adapter.limits(channel)

    def render() -> None:
        for content in degrade(message.content, limits).contents:
            next(adapter.send(msgspec.structs.replace(message, content=content), channel), None)

    return render


if __name__ == "__main__":
    main()
