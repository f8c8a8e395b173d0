"""Instagram: the conversations of a professional account."""
