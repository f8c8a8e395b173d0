"""Liquid: what it may see, what it becomes, and that it can do no harm."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.domain.flows import expressions
from relevo.domain.flows.expressions import (
    MAX_TEXT,
    VARIABLES,
    Template,
    TemplateFailed,
    TemplateMistake,
    Variables,
    compiled,
    filled_in,
)
from tests.domain.flows.walking import ANA, SCENE

HERE = Variables(SCENE, ANA)


def rendered(source: str) -> str:
    return filled_in(compiled(source), HERE)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ first_name }}|{{ last_name }}|{{ name }}", "Ana|Diaz|Ana Diaz"),
        ("{{ email }}|{{ phone }}|{{ language }}", "||es"),
        ("{{ channel }}|{{ channel_name }}|{{ user_ns }}|{{ flow_ns }}", "web|site|f1001u34|f1001"),
        ("{{ last_input }}", "Hi there"),
        ("{{ tags | join: ', ' }}", "vip"),
        ("{{ plan }}|{{ fields.plan }}|{{ fields['age'] }}|{{ age | plus: 1 }}", "Pro|Pro|42|43"),
        ("{{ paid }}|{{ colours | first }}|{{ seats | times: 2 }}", "true|red|14"),
        ("{{ nothing }}|{{ nothing.at.all[3] | upcase }}|{{ fields.nothing }}", "||"),
        ("{% if plan == 'Pro' %}yes{% else %}no{% endif %}", "yes"),
        ("{{ plan | default: 'none' }}|{{ nothing | default: 'none' }}", "Pro|none"),
        (
            "{{ now | date: '%Y-%m-%d %H:%M' }}|{{ today }}|{{ today | date: '%A' }}",
            "2030-05-17 12:00|2030-05-17|Friday",
        ),
        ("{{ 'now' | date: '%Y' }}|{{ 'today' | date: '%d' }}|{{ now | date }}", "2030|17|2030-05-17"),
        ("{{ '2031-02-03' | date: '%d.%m.%Y' }}|{{ 0 | date: '%Y' }}", "03.02.2031|1970"),
        ("{{ '10:30' | date: '%Y' }}|{{ nothing | date: '%Y' }}|{{ nil | date: '%Y' }}", "10:30||"),
        ("{{ 99999999999999999 | date: '%Y' }}", "99999999999999999"),
        ("{{ now | date: '%s%%s' }}|{{ '2030-05-17T14:00+02:00' | date: '%s' }}", "1905249600%s|1905249600"),
        ("{% for i in (1..3) %}{{ i }}{% if i == 2 %}{% break %}{% endif %}{% endfor %}", "12"),
        ("{% for colour in colours %}{{ colour }} {% endfor %}", "red blue "),
        ("{% capture x %}a{{ age }}{% endcapture %}{{ x | replace: 'a', 'b' }}", "b42"),
        (
            "{{ colours | join }}|{{ 'a' | join: '-' }}|{{ 'a' | append: 'b' | prepend: 'c' }}",
            "red blue|a|cab",
        ),
        ("<b>{{ '<i>' }}</b>", "<b><i></b>"),
        ("{% raw %}{{ name }}{% endraw %}", "{{ name }}"),
    ],
)
def test_templates_become_text(source: str, text: str) -> None:
    assert rendered(source) == text


def test_what_is_no_template_stays_a_string() -> None:
    assert compiled("Hello } { % you") == "Hello } { % you"
    assert filled_in("Hello", HERE) == "Hello"


def test_a_name_of_two_parts_is_a_name() -> None:
    profile = HERE.of(
        ANA.with_field("name", None).with_field("first_name", "Bo").with_field("last_name", "Li")
    )

    assert filled_in(compiled("{{ name }}"), profile) == "Bo Li"


def test_every_variable_has_a_value_and_shows_up() -> None:
    assert set(HERE) == {*VARIABLES, *ANA.fields}
    assert len(HERE) == len(set(HERE))
    assert {name for name in HERE if HERE[name] is None} == {"last_seen_at"}


def test_templates_are_equal_when_their_sources_are() -> None:
    assert compiled("{{ a }}") == compiled("{{ a }}")
    assert hash(compiled("{{ a }}")) == hash(compiled("{{ a }}"))
    assert compiled("{{ a }}") != compiled("{{ b }}")
    assert compiled("{{ a }}") != "{{ a }}"
    assert repr(compiled("{{ a }}")) == "Template('{{ a }}')"


def test_variables_change_without_changing_those_before() -> None:
    after = HERE.of(
        ANA.with_field("plan", None).with_field("new", 1).with_tag("x").with_tag("vip").without_tag("y")
    )

    assert (after.get("plan"), after["new"], after["tags"]) == (None, 1, ["vip", "x"])
    assert (HERE["plan"], HERE.get("new"), HERE["tags"]) == ("Pro", None, ["vip"])


@pytest.mark.parametrize(
    ("source", "what", "index"),
    [
        ("Hi {{ name", "expected '}}', found end of file", 3),
        ("{{ name", "expected '}}', found end of file", 0),
        ("{% if a %}x", "expected tag endif, found end of expression", None),
        ("{{ a b }}", "expected end of expression, found word", 5),
        ("{% fi %}", 'unexpected tag "fi"', 3),
        ("{% include 'x' %}", 'unexpected tag "include"', 3),
        ("{% render 'x' %}", 'unexpected tag "render"', 3),
        ("{{ a | upcas }}", 'there is no filter "upcas"', 7),
        ("{% if a %}{{ b | foo }}{% endif %}", 'there is no filter "foo"', 17),
        ("{{ (1..1001) | join }}", "(1..1001) is not a range of two numbers, at most 1,000 apart", 3),
        (
            "{% for i in (1..age) %}{% endfor %}",
            "(1..age) is not a range of two numbers, at most 1,000 apart",
            12,
        ),
        (
            "{% if a contains (1..9999999) %}{% endif %}",
            "(1..9999999) is not a range of two numbers, at most 1,000 apart",
            17,
        ),
        (
            "{% case a %}{% when 1 %}{% else %}{% echo (1..9999) %}{% endcase %}",
            "(1..9999) is not a range of two numbers, at most 1,000 apart",
            42,
        ),
        ("{{ a" + "[a" * 5000 + "]" * 5000 + " }}", "the template is nested too deep", None),
    ],
)
def test_mistakes_in_templates_are_found_before_they_are_used(
    source: str, what: str, index: int | None
) -> None:
    with pytest.raises(TemplateMistake) as caught:
        compiled(source)

    assert (str(caught.value), caught.value.what, caught.value.index) == (what, what, index)


def test_an_unknown_word_comes_with_the_known_ones() -> None:
    with pytest.raises(TemplateMistake) as filters:
        compiled("{{ a | upcas }}")
    with pytest.raises(TemplateMistake) as tags:
        compiled("{% fi %}")

    assert (filters.value.word, "upcase" in filters.value.known) == ("upcas", True)
    assert (tags.value.word, "if" in tags.value.known, "content" in tags.value.known) == ("fi", True, False)


LONG = "x" * 15_000


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ first_name | divided_by: 0 }}", "FilterArgumentError in line 1 of the text"),
        ("\n\n{{ first_name | append }}", "FilterArgumentError in line 3 of the text"),
        ("{% break %}", "BreakLoop"),
        ("{% for i in (1..999) %}{% for j in (1..999) %}{% endfor %}{% endfor %}", "LoopIterationLimitError"),
        ("{% for i in (1..600) %}{% endfor %}{% for i in (1..600) %}{% endfor %}", "LoopIterationLimitError"),
        ("{% for i in (1..1000) %}" + "x" * 50 + "{% endfor %}", "OutputStreamLimitError"),
        (
            "{% capture x %}{% for i in (1..1000) %}" + "x" * 100 + "{% endfor %}{% endcapture %}",
            "OutputStreamLimitError",
        ),
        (
            "{% assign x = 'abc' %}{% for i in (1..99) %}{% assign x = x | append: x %}{% endfor %}",
            "FilterArgumentError",
        ),
        (
            "{% assign x = 99 %}{% for i in (1..99) %}{% assign x = x | times: x %}{% endfor %}",
            "LocalNamespaceLimitError",
        ),
        (f"{{{{ '{LONG}' | prepend: fields.long }}}}", "FilterArgumentError in line 1 of the text"),
        (f"{{% assign x = '{'x' * 300}' %}}{{{{ x | replace: 'x', x }}}}", "FilterArgumentError"),
        ("{{ '" + "a " * 300 + "' | split: ' ' | join: '" + "x" * 100 + "' }}", "FilterArgumentError"),
    ],
)
def test_templates_that_fail_or_overdo_it_are_stopped(source: str, why: str) -> None:
    template = compiled(source)
    assert isinstance(template, Template)

    with pytest.raises(TemplateFailed) as caught:
        template.filled_in(HERE.of(ANA.with_field("long", LONG)))

    assert str(caught.value).startswith(why)


def test_a_text_may_become_as_long_as_the_bound() -> None:
    long = "x" * MAX_TEXT

    assert filled_in(compiled("{{ fields.long }}"), HERE.of(ANA.with_field("long", long))) == long
    with pytest.raises(TemplateFailed):
        filled_in(compiled("{{ fields.long }}"), HERE.of(ANA.with_field("long", long + "x")))


def test_why_a_template_failed_says_nothing_of_the_customer() -> None:
    template = compiled("{{ secret | slice: secret }}")

    with pytest.raises(TemplateFailed) as caught:
        filled_in(template, HERE.of(ANA.with_field("secret", "my password")))

    assert "password" not in str(caught.value)


def test_no_template_reads_a_clock() -> None:
    """Liquid's own `now`, `today` and `date` do; ours are in the way of them."""
    assert (
        rendered("{{ now }} {{ today }} {{ 'now' | date: '%s' }}")
        == "2030-05-17 12:00:00+00:00 2030-05-17 1905249600"
    )
    assert expressions._LIQUID.filters["date"] is expressions._date


@given(st.text(alphabet="{}%| abif.()1'\",:\n", max_size=40))
def test_no_jumble_of_liquid_signs_raises_anything_else(source: str) -> None:
    with suppress(TemplateMistake, TemplateFailed):
        filled_in(compiled("{{ a }}" + source), HERE)
