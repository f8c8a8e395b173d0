"""Commands about flows: their files, and the versions of what is published."""

from __future__ import annotations

import json
from pathlib import Path

import click

from relevo.cli.flow_versions import diff, publish, rollback, versions
from relevo.domain.flows import texts as translating
from relevo.domain.flows.drawing import as_svg
from relevo.domain.flows.parsing import ParsedFlow, parse
from relevo.domain.flows.picturing import as_mermaid, picture
from relevo.domain.flows.schema import flow_schema

_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def flow() -> None:
    """What flow files are made of, and what is published of them."""


for command in (publish, versions, diff, rollback):
    flow.add_command(command)


@flow.command()
def schema() -> None:
    """Print the JSON Schema of flow files.

    With it an editor completes, explains and checks while you type. A running server has it at
    /flow.schema.json.
    """
    click.echo(json.dumps(flow_schema(), indent=1, ensure_ascii=False))


@flow.command()
@_FILE
@click.option("--svg", "form", flag_value="svg", help="As an SVG picture, readable in light and dark.")
@click.option("--mermaid", "form", flag_value="mermaid", default=True, help="As a flowchart of Mermaid.")
def graph(file: Path, form: str) -> None:
    """Print the picture of a flow.

    Mermaid is what many wikis and Markdown pages draw; the SVG has every step, and is laid out by Relevo.
    """
    text = file.read_text(encoding="utf-8-sig")
    drawn = picture(_without_problems(file, text), text)
    click.echo(as_svg(drawn) if form == "svg" else as_mermaid(drawn), nl=False)


@flow.command()
@_FILE
@click.option("--po", metavar="LANGUAGE", help="As a catalogue of gettext in this language, not as a table.")
@click.option(
    "--import",
    "brought",
    metavar="PATH",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Put what was translated there into FILE instead.",
)
def texts(file: Path, po: str | None, brought: Path | None) -> None:
    """Print all texts of a flow for translation, as CSV.

    The flow says which languages it speaks. A text is found again by its step, its key and its words in the
    first language; what is empty stays as it is.
    """
    text = file.read_text(encoding="utf-8-sig")
    parsed = _parsed(file, text, po)
    assert parsed.flow is not None
    languages = parsed.flow.languages
    found = translating.texts_of(parsed)
    if brought is None:
        out = translating.as_po(found, po) if po else translating.as_csv(found, languages)
        click.echo(out, nl=False)
        return
    try:
        table = brought.read_text(encoding="utf-8-sig")
        new = translating.read_po(table, languages[0], po) if po else translating.read_csv(table, languages)
    except translating.NoTable as wrong:
        raise click.ClickException(f"{brought}: {wrong}") from wrong
    result, count = translating.translated(parsed, text, new)
    file.write_text(result, encoding="utf-8")
    click.echo(f"{file}: {count} {'text' if count == 1 else 'texts'} changed", err=True)


def _without_problems(file: Path, text: str) -> ParsedFlow:
    parsed = parse(text, file=str(file))
    if parsed.flow is None:
        for problem in parsed.problems:
            click.echo(str(problem), err=True)
        raise click.exceptions.Exit(1)
    return parsed


def _parsed(file: Path, text: str, po: str | None) -> ParsedFlow:
    parsed = _without_problems(file, text)
    assert parsed.flow is not None
    languages = parsed.flow.languages
    if not languages:
        raise click.ClickException(f"{file} does not say which languages it speaks; add languages: [en, es]")
    if po is not None and po not in languages:
        raise click.ClickException(f"{file} does not speak {po}; it speaks {', '.join(languages)}")
    return parsed
