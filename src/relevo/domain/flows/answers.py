"""What a customer's answer to a question means."""

from __future__ import annotations

import re
from typing import assert_never

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from relevo.domain.flows.expressions import ByLanguage
from relevo.domain.flows.folding import folded
from relevo.domain.flows.messages import Choice
from relevo.domain.flows.model import AnswerKind
from relevo.domain.flows.saying import words_of_button
from relevo.domain.flows.words import words_of
from relevo.domain.messages import Contacts, Content, Interactive, Location, Media, plain_text
from relevo.domain.subscribers import FieldValue

STANDARD_RETRY: dict[AnswerKind, ByLanguage] = {
    "text": ByLanguage({
        "en": "Please write an answer.",
        "de": "Bitte schreiben Sie eine Antwort.",
        "es": "Escriba una respuesta, por favor.",
        "fr": "Veuillez écrire une réponse.",
        "pt": "Escreva uma resposta, por favor.",
    }),
    "number": ByLanguage({
        "en": "Please write a number, for example 12.",
        "de": "Bitte schreiben Sie eine Zahl, zum Beispiel 12.",
        "es": "Escriba un número, por favor; por ejemplo, 12.",
        "fr": "Veuillez écrire un nombre, par exemple 12.",
        "pt": "Escreva um número, por favor; por exemplo, 12.",
    }),
    "email": ByLanguage({
        "en": "Please write an e-mail address, for example ana@example.com.",
        "de": "Bitte schreiben Sie eine E-Mail-Adresse, zum Beispiel ana@example.com.",
        "es": "Escriba una dirección de correo, por favor; por ejemplo, ana@example.com.",
        "fr": "Veuillez écrire une adresse e-mail, par exemple ana@example.com.",
        "pt": "Escreva um endereço de e-mail, por favor; por exemplo, ana@example.com.",
    }),
    "phone": ByLanguage({
        "en": "Please write a phone number with its country code, for example +61 400 123 456.",
        "de": "Bitte schreiben Sie eine Telefonnummer mit Ländervorwahl, zum Beispiel +49 1512 3456789.",
        "es": "Escriba un teléfono con el prefijo de su país, por favor; por ejemplo, +34 612 345 678.",
        "fr": "Veuillez écrire un numéro de téléphone avec son indicatif, par exemple +33 6 12 34 56 78.",
        "pt": "Escreva um telefone com o código do país, por favor; por exemplo, +351 912 345 678.",
    }),
    "choice": ByLanguage({
        "en": "Please choose one of the answers.",
        "de": "Bitte wählen Sie eine der Antworten.",
        "es": "Elija una de las respuestas, por favor.",
        "fr": "Veuillez choisir l'une des réponses.",
        "pt": "Escolha uma das respostas, por favor.",
    }),
    "location": ByLanguage({
        "en": "Please send your location.",
        "de": "Bitte senden Sie Ihren Standort.",
        "es": "Envíe su ubicación, por favor.",
        "fr": "Veuillez envoyer votre position.",
        "pt": "Envie a sua localização, por favor.",
    }),
    "contact": ByLanguage({
        "en": "Please share your contact, or write your phone number with its country code.",
        "de": "Bitte teilen Sie Ihren Kontakt, oder schreiben Sie Ihre Telefonnummer mit Ländervorwahl.",
        "es": "Comparta su contacto, por favor, o escriba su teléfono con el prefijo de su país.",
        "fr": "Veuillez partager votre contact, ou écrire votre numéro avec son indicatif.",
        "pt": "Partilhe o seu contacto, por favor, ou escreva o seu telefone com o código do país.",
    }),
}  # fmt: skip
"""What a question says about an answer that does not fit, where nobody has set other words."""

_LONGEST = 1_000  # characters of an answer that is searched for a number, an address …
_NUMBER = re.compile(r"(?<![\w.,])[-+]?\d+(?:[.,]\d+)*(?!\w)")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+")
_MOST_DIGITS = 15  # what every JSON reader keeps exactly


def understood(
    kind: AnswerKind, choices: tuple[Choice, ...], content: Content, region: str | None
) -> FieldValue:
    """The value that is meant; None when the answer does not fit the question.

    `region` is the country of phone numbers that are written without one.
    """
    text = _text(content)
    match kind:
        case "text":
            return text or None
        case "number":
            return _number(text[:_LONGEST])
        case "email":
            return _email(text[:_LONGEST])
        case "phone":
            return _phone(text[:_LONGEST], region)
        case "choice":
            return _choice(choices, text) or _choice(choices, plain_text(content))
        case "location":
            return _location(content)
        case "contact":
            return _contact(content, region) or _phone(text[:_LONGEST], region)
        case _:
            assert_never(kind)


def _location(content: Content) -> str | None:
    """`-33.8568,151.2153`: degrees north and east."""
    return f"{content.latitude},{content.longitude}" if isinstance(content, Location) else None


def _contact(content: Content, region: str | None) -> str | None:
    """The first phone number of a contact, in E.164 where it has that form."""
    contacts = content.contacts if isinstance(content, Contacts) else ()
    phone = next((phone for contact in contacts for phone in contact.phones), None)
    return None if phone is None else _phone(phone, region) or phone


def _text(content: Content) -> str:
    """What was said; of a file without words, where it is. A button's id has its words in full,
    where a channel may have cut its title."""
    if isinstance(content, Interactive) and (words := words_of_button(content.id)):
        return words
    text = plain_text(content).strip()
    return text or (content.url if isinstance(content, Media) else "")


def _number(text: str) -> int | float | None:
    """The one number in a text: `12`, `12.5`, `12,5`, `1,000`, `about 5 people`."""
    found = _NUMBER.findall(text)
    if len(found) != 1 or sum(char.isdigit() for char in found[0]) > _MOST_DIGITS:
        return None
    number = _with_point(found[0].lstrip("+"))
    if number.count(".") > 1:
        return None
    return float(number) if "." in number else int(number)


def _with_point(number: str) -> str:
    """The number with a decimal point and nothing between its thousands. Of two kinds of signs the
    last is the decimal one; a comma alone is one too, unless three digits follow (1,000)."""
    if "," in number and "." in number:
        thousands, decimal = sorted(",.", key=number.rfind)
        return number.replace(thousands, "").replace(decimal, ".")
    if _THOUSANDS.fullmatch(number.lstrip("-")):
        return number.replace(",", "")
    return number.replace(".", "") if number.count(".") > 1 else number.replace(",", ".")


def _email(text: str) -> str | None:
    """The one address in a text, whether or not there is such a mailbox."""
    candidates = [word.strip("<>()[]{}.,;:!?\"'") for word in text.split() if "@" in word]
    if len(candidates) != 1:
        return None
    try:
        return validate_email(candidates[0].removeprefix("mailto:"), check_deliverability=False).normalized
    except EmailNotValidError:
        return None


def _phone(text: str, region: str | None) -> str | None:
    """The one possible number in a text, in E.164: `+61400123456`."""
    matches = list(phonenumbers.PhoneNumberMatcher(text, region))
    if len(matches) != 1:
        return None
    return phonenumbers.format_number(matches[0].number, phonenumbers.PhoneNumberFormat.E164)


def _choice(choices: tuple[Choice, ...], said: str) -> str | None:
    """The value of a choice: by its value, its title, or its number (from 1)."""
    for choice in choices:
        if said == choice.value:
            return choice.value
    for simply in (folded, words_of):
        for choice in choices:
            if simply(said) and simply(said) in map(simply, (*choice.titles, choice.value)):
                return choice.value
    number = int(said) if said.isdecimal() and len(said) <= 2 else 0
    return choices[number - 1].value if 1 <= number <= len(choices) else None
