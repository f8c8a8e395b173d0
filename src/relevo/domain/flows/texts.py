"""The texts of a flow for people who translate: out as a table or as PO, and back into the file.

A text is found again by its words in the first language and by the step and key that it stands at; where it
has moved, by its words alone. So no translation is lost of a text that stayed what it was.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping

import msgspec

from relevo.domain.flows.parsing import ParsedFlow
from relevo.domain.flows.reading import TextPlace

_ENTRY = re.compile(r'^(msgctxt|msgid|msgstr)?\s*("(?:[^"\\]|\\.)*")\s*$')


class Text(msgspec.Struct, frozen=True):
    """One text. `at`: its step and key, in words; `texts` by language, the first being the source."""

    at: str
    texts: dict[str, str]

    @property
    def source(self) -> str:
        return next(iter(self.texts.values()), "")


class NoTable(Exception):
    """What was brought cannot be read. The text says why, and what would be right."""


def texts_of(parsed: ParsedFlow) -> tuple[Text, ...]:
    """All texts of a flow, in the order of the file; of one without languages under ""."""
    return tuple(Text(_at(place), dict(place.texts)) for place in parsed.texts)


def _at(place: TextPlace) -> str:
    return f"{place.step}: {place.value.name}"


# Out


def as_csv(texts: Iterable[Text], languages: Iterable[str]) -> str:
    """A table: `at`, then a column for each language."""
    out = io.StringIO()
    names = list(languages) or [""]
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["at", *names])
    for text in texts:
        table.writerow([text.at, *(text.texts.get(name, "") for name in names)])
    return out.getvalue()


def as_po(texts: Iterable[Text], language: str) -> str:
    """A catalogue of GNU gettext in one language; the source is the flow's first."""
    entries = {(text.at, text.source): text.texts.get(language, "") for text in texts if text.source}
    header = f"Content-Type: text/plain; charset=UTF-8\nLanguage: {language}\n"
    head = f'msgid ""\nmsgstr {_quoted(header)}\n'
    body = (
        f"msgctxt {_quoted(at)}\nmsgid {_quoted(source)}\nmsgstr {_quoted(translated)}\n"
        for (at, source), translated in entries.items()
    )
    return "\n".join((head, *body))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


# Back


def read_csv(table: str, languages: Iterable[str]) -> tuple[Text, ...]:
    """What `as_csv` wrote, filled in. Raises NoTable."""
    rows = csv.reader(io.StringIO(table.removeprefix("\ufeff")))
    head = next(rows, [])
    known = list(languages)
    if head[:1] != ["at"] or not set(head[1:]) <= set(known):
        wanted = ",".join(["at", *known])
        raise NoTable(f"the first line is {','.join(head)!r}; it must be {wanted!r}, or a part of it")
    found = []
    for number, row in enumerate(rows, 2):
        if len(row) != len(head):
            raise NoTable(f"line {number} has {len(row)} columns; the first line has {len(head)}")
        found.append(Text(row[0], dict(zip(head[1:], row[1:], strict=True))))
    return tuple(found)


def read_po(catalogue: str, source: str, language: str) -> tuple[Text, ...]:
    """What `as_po` wrote, filled in. Raises NoTable."""
    found: list[dict[str, str]] = [{}]
    field = ""
    for number, line in enumerate(catalogue.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _ENTRY.match(line)
        if match is None or not (match[1] or field):
            raise NoTable(
                f"line {number} is {line[:60]!r}; write msgctxt, msgid or msgstr and a text in quotes"
            )
        if match[1]:
            if match[1] in found[-1] or (match[1] == "msgctxt" and found[-1]):
                found.append({})
            field = match[1]
            found[-1][field] = ""
        found[-1][field] += json.loads(match[2].replace("\t", "\\t"))
    entries = (one for one in found if one.get("msgid"))
    return tuple(
        Text(one.get("msgctxt", ""), {source: one["msgid"], language: one.get("msgstr", "")})
        for one in entries
    )


def translated(parsed: ParsedFlow, file: str, brought: Iterable[Text]) -> tuple[str, int]:
    """The file with these translations in it, and how many texts have changed.

    Empty words change nothing. Only what has changed is written anew: all else of the file, comments
    included, stays as it is.
    """
    assert parsed.flow is not None
    languages = parsed.flow.languages
    known: dict[tuple[str, str], dict[str, str]] = {}
    for text in brought:
        source = _source(text, languages)
        known[text.at, source] = text.texts
        known.setdefault(("", source), text.texts)
    changes: dict[tuple[int, int], str] = {}
    for place in parsed.texts:
        source = Text("", place.texts).source
        news = known.get((_at(place), source)) or known.get(("", source), {})
        texts = {**place.texts, **{tag: words for tag, words in news.items() if words and tag in languages}}
        if texts != dict(place.texts):
            begin, end = place.value.span
            line_end = "\n" if file[begin:end].endswith("\n") else ""
            changes[begin, end] = _in_yaml(texts, languages) + line_end
    for (begin, end), words in sorted(changes.items(), reverse=True):
        file = file[:begin] + words + file[end:]
    return file, len(changes)


def _source(text: Text, languages: tuple[str, ...]) -> str:
    return text.texts.get(languages[0], "") if languages else text.source


def _in_yaml(texts: Mapping[str, str], languages: tuple[str, ...]) -> str:
    """`{en: "Hello", es: "Hola"}`, which may stand wherever a text may."""
    order = [language for language in languages if language in texts]
    if len(order) == 1:
        return _quoted(texts[order[0]])
    return f"{{{', '.join(f'{language}: {_quoted(texts[language])}' for language in order)}}}"
