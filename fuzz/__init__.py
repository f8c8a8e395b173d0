"""Looks for a request that makes a channel's parser do anything but read or refuse it."""
