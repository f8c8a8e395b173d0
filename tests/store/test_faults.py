"""What a database did instead of what it was asked, and what that means to us."""

from __future__ import annotations

import pytest
from asyncpg import InternalClientError

from relevo.store.faults import Transient, faults_as_ours


def test_a_connection_that_the_server_is_ending_is_worth_another_try() -> None:
    """Its last words have come and its hanging up has not: asyncpg refuses whatever is asked then."""
    with pytest.raises(Transient), faults_as_ours():
        raise InternalClientError("cannot switch to state 12; another operation (2) is in progress")
