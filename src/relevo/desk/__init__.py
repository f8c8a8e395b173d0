"""The desk: a small live-chat platform, the other side in the demo and in tests.

It knows Relevo as your own platform would: by the webhook and the API, through `relevo.sdk`.
It keeps everything in memory, asks nobody to sign in, and forgets it all when it stops.
"""

from __future__ import annotations

from relevo.desk.app import create_desk

__all__ = ["create_desk"]
