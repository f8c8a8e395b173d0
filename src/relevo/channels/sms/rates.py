"""How fast a sender of Twilio's may be, where nobody has said that it may be faster.

https://support.twilio.com/hc/en-us/articles/115002943027 (segments a second, by sender),
https://www.twilio.com/docs/api/errors/14107 (15 messages to one number in 30 seconds),
https://www.twilio.com/docs/whatsapp/api#rate-limiting (WhatsApp).
"""

from __future__ import annotations

import re

from relevo.channels.adapter import Rates

_TOLL_FREE = re.compile(r"\+1(?:800|833|844|855|866|877|888)[0-9]{7}")
_NORTH_AMERICA = re.compile(r"\+1[0-9]{10}")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")

ELSEWHERE = 10.0
"""Segments a second: numbers outside of North America, names, and messaging services, of whose numbers nobody
here knows."""
TO_ONE_NUMBER = {"between": 4, "burst": 8}
"""So never more than 15 in any 30 seconds."""

WHATSAPP = Rates(a_second=80, between=6, burst=45)
LONG_CODE = Rates(a_second=1, **TO_ONE_NUMBER)


def of_sender(sender: str) -> Rates:
    """Of a phone number, a short code, a messaging service or a name."""
    return Rates(a_second=_segments_a_second(sender), **TO_ONE_NUMBER)


def _segments_a_second(sender: str) -> float:
    if _TOLL_FREE.fullmatch(sender):
        return 3.0
    if _NORTH_AMERICA.fullmatch(sender):
        return LONG_CODE.a_second
    return 100.0 if _SHORT_CODE.fullmatch(sender) else ELSEWHERE
