"""A platform in FastAPI: it hears what customers say, and answers."""

from __future__ import annotations

import os

from fastapi import FastAPI

from relevo.sdk import Client, MessageReceived, Received, Receiver
from relevo.sdk.adapters import ASGIWebhook

client = Client(os.environ["RELEVO_URL"], os.environ["RELEVO_TOKEN"])
receiver = Receiver(os.environ["RELEVO_SECRET"])


async def heard(received: Received) -> None:
    match received.event:
        case MessageReceived(meta, message):
            await client.send_text(meta.user_ns, f"You said: {message.text}", idempotency_key=received.id)


app = FastAPI()
app.add_route("/webhook", ASGIWebhook(receiver, heard), methods=["POST"])
