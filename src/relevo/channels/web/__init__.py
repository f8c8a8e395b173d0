"""Web chat: the chat on a website or on a page of its own. `doc.md` is its set-up guide."""
