"""Handing a file over to Meta, where Meta cannot fetch it:
https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from hashlib import sha256

from relevo.channels import toolkit
from relevo.channels.adapter import VendorAnswer, VendorCall
from relevo.channels.toolkit import Fault
from relevo.channels.whatsapp import calls, wire
from relevo.domain.deliveries import Refused, Rejected
from relevo.domain.messages import Media
from relevo.domain.workspaces import Channel

MOST = 25_000_000
"""Bytes of a file that is handed over: it is in memory meanwhile."""

Uploading = Generator[VendorCall, VendorAnswer, str | Refused | Rejected]
"""Ends with the id of the file at Meta; "" of one that is better sent by link."""


def upload(media: Media, channel: Channel, sizes: Mapping[str, int]) -> Uploading:
    """Fetch the file, and put it where Meta has it for thirty days."""
    most = min(MOST, sizes.get(media.type, MOST))
    if media.size > most:
        return ""
    answer = yield VendorCall(method="GET", url=media.url, most=most + 1)
    if not toolkit.is_success(answer):
        return toolkit.failed(
            _why_not_there(answer), answer, f"the file could not be fetched: {answer.status}"
        )
    if len(answer.body) > most:
        return ""
    answer = yield _posted(media, answer, channel)
    said = calls.read(answer, wire.Uploaded)
    if not toolkit.is_success(answer):
        return calls.refusal(answer, said.error)
    return said.id or toolkit.failed(Fault.VENDOR_DOWN, answer, "an uploaded file without an id")


def _why_not_there(answer: VendorAnswer) -> Fault:
    return Fault.VENDOR_DOWN if answer.status >= 500 or answer.status == 429 else Fault.REJECTED


def _posted(media: Media, file: VendorAnswer, channel: Channel) -> VendorCall:
    told = file.headers.get("content-type", "").partition(";")[0].strip()
    kind = media.mime_type or told or "application/octet-stream"
    boundary = f"relevo-{sha256(file.body).hexdigest()[:32]}"
    fields = {"messaging_product": "whatsapp", "type": kind}
    parts = [_part(boundary, f'name="{name}"', value.encode()) for name, value in fields.items()]
    name = re.sub(r'[^ !#-\[\]-~]|"', "_", media.title) or "file"
    about = f'name="file"; filename="{name}"\r\ncontent-type: {kind}'
    body = b"".join([*parts, _part(boundary, about, file.body), f"--{boundary}--\r\n".encode()])
    call = calls.call(channel, "POST", f"{channel.config['phone_number_id']}/media")
    return VendorCall(
        method="POST",
        url=call.url,
        headers={**call.headers, "content-type": f"multipart/form-data; boundary={boundary}"},
        body=body,
        shows=f"(a file of {len(file.body)} bytes, {kind})",
    )


def _part(boundary: str, about: str, value: bytes) -> bytes:
    return f"--{boundary}\r\ncontent-disposition: form-data; {about}\r\n\r\n".encode() + value + b"\r\n"
