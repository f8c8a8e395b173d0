"""`relevo apply` and `relevo check`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from relevo.domain.flows.schema import flow_schema
from tests.cli.conftest import Relevo


def columns(output: str) -> list[list[str]]:
    return [line.split() for line in output.splitlines()]


def test_applying_a_file_makes_everything_and_twice_is_once(
    environ: dict[str, str], database_url: str, relevo: Relevo
) -> None:
    """On a database that is empty before: it is migrated on the way."""
    environ["RELEVO_DATABASE_URL"] = database_url

    first, second = relevo("apply", "relevo.yaml"), relevo("apply", "relevo.yaml")

    assert (first.exit_code, second.exit_code) == (0, 0)
    names = ["Acme", "desk", "luis@example.com", "support", "site", "other"]
    kinds = ["workspace", "endpoint", "agent", "flow", "channel", "channel"]
    assert [row[:3] for row in columns(first.stdout)] == [
        ["created", kind, name] for kind, name in zip(kinds, names, strict=True)
    ]
    assert columns(second.stdout) == [
        ["unchanged", kind, name] for kind, name in zip(kinds, names, strict=True)
    ]
    assert first.stdout.count("shown once: whsec_") == 1  # the API Chat channel's: the desk's was given


def test_the_default_database_is_a_file_in_the_data_folder(folder: Path, relevo: Relevo) -> None:
    assert relevo("apply", "relevo.yaml").exit_code == 0

    assert {file.name for file in (folder / "data").iterdir()} >= {"relevo.db", "secret.key"}


def test_a_dry_run_changes_nothing(installed: Relevo, folder: Path) -> None:
    text = (folder / "relevo.yaml").read_text().replace("Luis,", "Luis P,")
    (folder / "relevo.yaml").write_text(text)

    dry, real = installed("apply", "relevo.yaml", "--dry-run"), installed("apply", "relevo.yaml")

    assert dry.stdout == real.stdout
    assert ["updated", "agent", "luis@example.com", "name"] in columns(real.stdout)
    assert dry.stderr == "This was a dry run: nothing is changed.\n"


def test_what_cannot_be_applied_is_told_with_its_place(installed: Relevo) -> None:
    result = installed("apply", "relevo.yaml", RELEVO_ALLOWED_NETWORKS="10.0.0.0/8")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "relevo.yaml:5:10: http://127.0.0.1:9100/uchat leads to 127.0.0.1, which is loopback; "
        "use a public address, or add its network to RELEVO_ALLOWED_NETWORKS (127.0.0.1 is enough)",
        "relevo.yaml:17:18: http://127.0.0.1:9200/in leads to 127.0.0.1, which is loopback; "
        "use a public address, or add its network to RELEVO_ALLOWED_NETWORKS (127.0.0.1 is enough)",
    ]


def test_a_file_with_mistakes_is_not_applied(relevo: Relevo, folder: Path) -> None:
    result = relevo("apply", "relevo.yaml", DESK_KEY="")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("relevo.yaml:6:28: the environment variable DESK_KEY is empty; ")
    assert not (folder / "data").exists()


@pytest.mark.parametrize("file", ["relevo.yaml", "support.flow.yaml"])
def test_a_right_file_has_no_problems_and_needs_no_database(relevo: Relevo, folder: Path, file: str) -> None:
    result = relevo("check", file)

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"{file}: no problems\n")
    assert not (folder / "data").exists()


def test_every_problem_is_a_line_with_file_line_and_column(relevo: Relevo, folder: Path) -> None:
    (folder / "inner").mkdir()
    text = (
        (folder / "relevo.yaml")
        .read_text()
        .replace("support.flow", "suport.flow")
        .replace("type: web", "type: wbe")
    )
    (folder / "inner/relevo.yaml").write_text(text)
    (folder / "inner/support.flow.yaml").write_text("version: 1\n")

    result = relevo("check", "inner/relevo.yaml")

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        'inner/relevo.yaml:11:5: cannot read "suport.flow.yaml": there is no such file '
        '(did you mean "support.flow.yaml"?); write its path from this file on',
        'inner/relevo.yaml:13:24: there is no channel type "wbe"; did you mean "web"?',
    ]


def test_the_problems_of_a_flow_have_the_flow_s_path(relevo: Relevo, folder: Path) -> None:
    wrong = (folder / "support.flow.yaml").read_text().replace("start: welcome", "start: wellcome")
    (folder / "support.flow.yaml").write_text(wrong)
    (folder / "sub").mkdir()
    (folder / "sub/relevo.yaml").write_text(
        (folder / "relevo.yaml").read_text().replace("- support", "- ../support")
    )

    of_flow = relevo("check", "support.flow.yaml").stdout
    of_workspace = relevo("check", "sub/relevo.yaml").stdout

    assert of_flow == 'support.flow.yaml:3:8: there is no subflow "wellcome"; did you mean "welcome"?\n'
    assert of_workspace == f"sub/../{of_flow}"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff\xfe", "the byte 0 is not UTF-8; save it as UTF-8 text"),
        (b"", "the file is empty; write something into it"),
        (b"\xef\xbb\xbfworkspace: %", "this is not YAML"),
    ],
)
def test_what_is_no_text_or_no_yaml_is_said_to_be(
    relevo: Relevo, folder: Path, content: bytes, problem: str
) -> None:
    (folder / "odd.yaml").write_bytes(content)

    result = relevo("check", "odd.yaml")

    assert result.exit_code == 1
    assert result.stdout.startswith("odd.yaml:1:")
    assert problem in result.stdout


def test_a_path_that_no_file_can_have_cannot_be_read(relevo: Relevo, folder: Path) -> None:
    for path, why in (('"a\\0b"', "embedded null byte"), ("a" * 5000, "file name too long")):
        (folder / "odd.yaml").write_text(f"version: 1\nworkspace: Acme\nflows: [{path}]\n")
        assert why in relevo("check", "odd.yaml").stdout


def test_a_flow_that_is_a_folder_cannot_be_read(relevo: Relevo, folder: Path) -> None:
    (folder / "support.flow.yaml").unlink()
    (folder / "support.flow.yaml").mkdir()

    assert 'cannot read "support.flow.yaml": it is a folder' in relevo("check", "relevo.yaml").stdout


@pytest.mark.parametrize(
    "words", [("check",), ("check", "nowhere.yaml"), ("apply", "nowhere.yaml"), ("apply", ".")]
)
def test_a_file_that_is_not_there_is_a_misunderstanding(relevo: Relevo, words: tuple[str, ...]) -> None:
    assert relevo(*words).exit_code == 2


FLOW = """\
version: 1
flow: f
start: a
languages: [en, es]
subflows:
  a:
    - send: {text: {en: Hello, es: Hola}, buttons: [{title: {en: Shop, es: Tienda}, url: "https://x"}]}
    - send: Bye
"""


ENGLISH = "version: 1\nflow: f\nstart: a\nsubflows: {a: [{send: Hello}]}\n"


def test_advice_is_told_and_is_no_problem_unless_it_is_to_be(relevo: Relevo, folder: Path) -> None:
    (folder / "f.yaml").write_text(FLOW)

    result, strict = relevo("check", "f.yaml", "--channel", "sms"), relevo("check", "f.yaml", "--strict")

    assert (result.exit_code, strict.exit_code) == (0, 1)
    assert result.stdout.splitlines() == [
        "f.yaml:7:7: advice: sms cannot show this as it is: buttons became text; "
        "there it is plainer: look whether that will do",
        "f.yaml:8:13: advice: send has no words in es; write {en: …, es: …}",
    ]
    assert strict.stdout == "f.yaml:8:13: advice: send has no words in es; write {en: …, es: …}\n"


def test_advice_is_given_about_the_flows_of_a_workspace(relevo: Relevo, folder: Path) -> None:
    text = (folder / "support.flow.yaml").read_text()
    (folder / "support.flow.yaml").write_text(f"{text}    - end\n    - send: never\n")

    result = relevo("check", "relevo.yaml")

    assert result.exit_code == 0
    assert "advice: this step is never reached" in result.stdout


def test_the_schema_is_printed(relevo: Relevo) -> None:
    assert json.loads(relevo("flow", "schema").stdout) == flow_schema()


def test_texts_go_out_and_come_back(relevo: Relevo, folder: Path) -> None:
    (folder / "f.yaml").write_text(FLOW)

    table, catalogue = (
        relevo("flow", "texts", "f.yaml").stdout,
        relevo("flow", "texts", "f.yaml", "--po", "es"),
    )
    (folder / "f.csv").write_text(table.replace("send,Bye,", "send,Bye,Chau"))
    (folder / "f.po").write_text(catalogue.stdout.replace('"Bye"\nmsgstr ""', '"Bye"\nmsgstr "Adiós"'))
    first = relevo("flow", "texts", "f.yaml", "--import", "f.csv")
    after_table = (folder / "f.yaml").read_text()
    second = relevo("flow", "texts", "f.yaml", "--import", "f.po", "--po", "es")

    assert (first.stderr, second.stderr) == ("f.yaml: 1 text changed\n", "f.yaml: 1 text changed\n")
    assert after_table == FLOW.replace("send: Bye", 'send: {en: "Bye", es: "Chau"}')
    assert (folder / "f.yaml").read_text() == FLOW.replace("send: Bye", 'send: {en: "Bye", es: "Adiós"}')


@pytest.mark.parametrize(
    ("flow", "options", "why"),
    [
        (ENGLISH, [], "does not say which languages it speaks"),
        (FLOW, ["--po", "fr"], "does not speak fr; it speaks en, es"),
        (FLOW, ["--import", "f.yaml"], "the first line is 'version: 1'"),
        (FLOW.replace("start: a", "start: b"), [], 'f.yaml:3:8: there is no subflow "b"'),
    ],
)
def test_why_texts_cannot_be_translated(
    relevo: Relevo, folder: Path, flow: str, options: list[str], why: str
) -> None:
    (folder / "f.yaml").write_text(flow)

    result = relevo("flow", "texts", "f.yaml", *options)

    assert result.exit_code == 1
    assert why in result.stderr
