from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyreqwest.http import HeaderMap

from relevo.http_client.headers import check_headers

texts = st.text() | st.text(st.characters(max_codepoint=255))


@given(texts, texts)
def test_whatever_passes_can_be_sent(name: str, value: str) -> None:
    if not check_headers({name: value}):
        HeaderMap({name: value})


@given(texts, texts)
def test_whatever_can_be_sent_passes_unless_reserved(name: str, value: str) -> None:
    try:
        HeaderMap({name: value})
    except ValueError:
        return

    problem = check_headers({name: value}).get(name)

    assert problem is None or "set by Relevo itself" in problem


@pytest.mark.parametrize("name", ["X-Desk-Key", "authorization", "x_under", "webhook-id"])
@pytest.mark.parametrize("value", ["", "a b", "tab\there", "ñ", "€", '"'])
def test_a_good_header_has_no_problem(name: str, value: str) -> None:
    assert check_headers({name: value}) == {}


def test_every_bad_header_is_named() -> None:
    problems = check_headers({"x-good": "1", "Host": "a", "x-a": "secret\n", "x b": ""})

    assert list(problems) == ["Host", "x-a", "x b"]
    assert "secret" not in str(problems)
