"""A platform in Flask: it hears what customers say, and answers. Restarts forget nothing."""

from __future__ import annotations

import os

from flask import Flask

from relevo.sdk import MessageReceived, Received, Receiver, SQLiteSeen, SyncClient
from relevo.sdk.adapters import flask_webhook

client = SyncClient(os.environ["RELEVO_URL"], os.environ["RELEVO_TOKEN"])
receiver = Receiver(os.environ["RELEVO_SECRET"], store=SQLiteSeen(os.environ.get("SEEN", "seen.db")))


def heard(received: Received) -> None:
    match received.event:
        case MessageReceived(meta, message):
            client.send_text(meta.user_ns, f"You said: {message.text}", idempotency_key=received.id)


app = Flask(__name__)
app.post("/webhook")(flask_webhook(receiver, heard))
