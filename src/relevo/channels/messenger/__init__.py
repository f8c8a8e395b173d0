"""Messenger: the conversations of a Facebook page."""
