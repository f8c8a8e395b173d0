"""Patterns: the same matches as Python's regular expressions, and never for long."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.domain.flows import patterns
from relevo.domain.flows.folding import folded
from relevo.domain.flows.patterns import BadPattern, compiled


def has(pattern: str, text: str) -> bool:
    return compiled(pattern).is_in(folded(text))


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        (r"order #?\d{4,}", "My ORDER #12345, please", True),
        (r"order #?\d{4,}", "my order #123", False),
        ("^(yes|no)$", "Yes", True),
        ("^(yes|no)$", "yes please", False),
        (r"\bcat\b", "a cat!", True),
        (r"\bcat\b", "concatenate", False),
        (r"\Bcat", "concatenate", True),
        ("caf[eé]", "CAFÉ", True),
        ("É", "e", True),
        ("straße", "STRASSE", True),
        ("[A-F]{3}", "abc", True),
        ("[^a-c]", "abc", False),
        ("[]a]", "]", True),
        ("[a-]", "-", True),
        (r"[\d.]+,\d\d", "1.000,50", True),
        (r"a\.b", "a.b", True),
        (r"a\.b", "axb", False),
        ("(?:ab)+?c", "ababc", True),
        ("a{2}b", "aab", True),
        ("a{2}b", "ab", False),
        ("a{0}b", "b", True),
        ("a{,2}", "a{,2}", True),
        ("", "", True),
        ("x|", "y", True),
        (r"\n", "a\nb", True),
    ],
)
def test_patterns(pattern: str, text: str, wanted: bool) -> None:
    assert has(pattern, text) is wanted


@pytest.mark.parametrize(
    ("pattern", "what", "index"),
    [
        ("a)", "a ) closes nothing", 1),
        ("(a", "a ( is not closed", 0),
        ("x[a", "a [ is not closed", 1),
        ("*a", "a * has nothing before it to repeat", 0),
        ("a|+", "a + has nothing before it to repeat", 2),
        ("a\\", "a \\ stands at the end", 2),
        (r"(a)\1", r"\1 is left out", 3),
        ("(?=a)", "looking around and names of groups are left out", 2),
        ("(?P<n>a)", "looking around and names of groups are left out", 2),
        ("a{3,2}", "from 3 to 2 times is no range", 0),
        ("[z-a]", "z-a is no range", 1),
        ("a{400}", "it has more than 400 parts, with repetitions written out", 0),
        ("(a{20}){20}", "it has more than 400 parts, with repetitions written out", 0),
        ("(" * 25 + ")" * 25, "it is nested too deep", 21),
        ("a" * 201, "it has 201 characters, and may have 200", 200),
    ],
)
def test_what_is_no_pattern(pattern: str, what: str, index: int) -> None:
    with pytest.raises(BadPattern) as bad:
        compiled(pattern)

    assert (bad.value.what, bad.value.index) == (what, index)


def test_patterns_are_equal_when_their_sources_are() -> None:
    assert compiled("a+") == compiled("a+")
    assert hash(compiled("a+")) == hash(compiled("a+"))
    assert compiled("a+") != compiled("a*")
    assert repr(compiled("a+")) == "Pattern('a+')"


PIECES = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "^", "$", r"\b", r"\w", "-"])
PATTERNS = st.recursive(
    PIECES,
    lambda inner: st.one_of(
        st.builds("({}){}".format, inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,}", ""])),
        st.builds("{}{}".format, inner, inner),
        st.builds("{}|{}".format, inner, inner),
    ),
    max_leaves=6,
)


@given(PATTERNS, st.text("ab-\n", max_size=8))
def test_a_pattern_finds_what_a_regular_expression_finds(pattern: str, text: str) -> None:
    oracle = re.compile(pattern.replace("$", r"\Z"), re.DOTALL)

    assert compiled(pattern).is_in(text) is (oracle.search(text) is not None)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 499 + "!"),
        ("(a|a)*b", "a" * 500),
        ("(a|aa)+$", "a" * 499 + "!"),
        ("((a*)*)*b", "a" * 500),
        ("(a?){100}a{100}", "a" * 99),
        (r"^(\w+\s?)*$", "word " * 99 + "!"),
        ("(.*)(.*)(.*)(.*)(.*)(.*)(.*)x", "a" * 500),
    ],
)
def test_no_pattern_takes_long(monkeypatch: pytest.MonkeyPatch, pattern: str, text: str) -> None:
    """In characters tried, which does not depend on the machine: each costs some tenths of a microsecond.
    With backtracking these take longer than anybody waits."""
    tried = 0
    of = patterns.Pattern._reached

    def counting(self: patterns.Pattern, *given: object) -> object:
        nonlocal tried
        found = of(self, *given)  # type: ignore[arg-type]
        tried += len(found or ())
        return found

    monkeypatch.setattr(patterns.Pattern, "_reached", counting)
    compiled(pattern).is_in(text)

    assert tried <= patterns.MAX_WORK + patterns.MAX_PARTS


def test_a_pattern_that_would_take_too_long_does_not_match() -> None:
    assert has("(a|b|c|d|.|a|b|c|d|.|a|b|c|d|.|a|b|c|d|.|a|b|c|d|.)*!", "a" * 100 + "!")
    assert not has(f"({'|'.join('.' * 42)})*!", "a" * 499 + "!")
