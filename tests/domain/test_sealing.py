"""Secrets are in what is sent, and in nothing else."""

from __future__ import annotations

import pytest

from relevo.domain import sealing
from relevo.domain.flows.expressions import Template, Variables, compiled, sealed
from relevo.domain.sealing import KeptSecrets, UnknownSecret
from tests.domain.flows.walking import SCENE, with_fields

SECRETS = {"KEY": 'k"1', "OTHER": "o2"}


def written(source: str, **fields: object) -> str:
    scene = with_fields(**fields) if fields else SCENE
    template = compiled(source, secrets=True)
    return sealed(template, Variables(scene, scene.subscriber))


def test_a_template_has_a_mark_and_what_is_sent_has_the_secret() -> None:
    text = written("Bearer {{ secret.KEY }} for {{ plan }}")

    assert 'k"1' not in text
    assert sealing.filled(text, SECRETS) == 'Bearer k"1 for Pro'
    assert sealing.shown(text) == "Bearer {{ secret.KEY }} for Pro"


def test_whatever_a_customer_writes_is_no_secret() -> None:
    for attempt in ("\0KEY\0", "\\u0000KEY\\u0000", "{{ secret.KEY }}", "%00KEY%00"):
        text = written("{{ said }}!", said=attempt)

        assert sealing.filled(text, SECRETS) == attempt.replace("\0", "") + "!"


def test_secrets_are_filled_into_every_text_of_a_value() -> None:
    value = {"a": [sealing.mark("KEY"), 1, None, {"b": f"x{sealing.mark('OTHER')}"}], "c": True}

    assert sealing.filled_in(value, SECRETS) == {"a": ['k"1', 1, None, {"b": "xo2"}], "c": True}
    assert "{{ secret.KEY }}" in str(sealing.shown_in(value))


def test_an_unknown_secret_is_named() -> None:
    with pytest.raises(UnknownSecret, match="NOWHERE"):
        sealing.filled(sealing.mark("NOWHERE"), SECRETS)


def test_elsewhere_a_template_does_not_know_of_secrets() -> None:
    template = compiled("{{ plan }}{{ secret }}", secrets=False)

    assert isinstance(template, Template)
    assert template.filled_in(Variables(SCENE, SCENE.subscriber)) == "Pro"


def test_a_captured_secret_is_nothing() -> None:
    assert written("{% capture x %}{{ secret.KEY }}{% endcapture %}[{{ x }}]") == "[]"


def test_secrets_show_their_names_only() -> None:
    assert "o2" not in repr(KeptSecrets(SECRETS))
