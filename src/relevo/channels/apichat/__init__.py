"""API Chat: the generic channel. `doc.md` is its set-up guide."""
