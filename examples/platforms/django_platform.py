"""A platform in Django, in one file: it hears what customers say, and answers. Restarts forget nothing."""

from __future__ import annotations

import os

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.urls import path

from relevo.sdk import MessageReceived, Received, Receiver, SQLiteSeen, SyncClient
from relevo.sdk.adapters import django_webhook

if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY=os.environ["DJANGO_SECRET"])
    django.setup()

client = SyncClient(os.environ["RELEVO_URL"], os.environ["RELEVO_TOKEN"])
receiver = Receiver(os.environ["RELEVO_SECRET"], store=SQLiteSeen(os.environ.get("SEEN", "seen.db")))


def heard(received: Received) -> None:
    match received.event:
        case MessageReceived(meta, message):
            client.send_text(meta.user_ns, f"You said: {message.text}", idempotency_key=received.id)


urlpatterns = [path("webhook", django_webhook(receiver, heard))]
app = WSGIHandler()
