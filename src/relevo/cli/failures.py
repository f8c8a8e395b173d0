"""What went wrong, in words for the person at the terminal."""

from __future__ import annotations

from relevo.domain.errors import InvalidInput, RelevoError, Unavailable
from relevo.settings import SettingsError


def explained(error: Exception) -> list[str] | None:
    """A line for each thing that is wrong; None for what nobody expected: that wants a traceback."""
    match error:
        case SettingsError():
            return error.problems
        case InvalidInput():
            return [text for texts in error.errors.values() for text in texts]
        case Unavailable():
            return [f"The database cannot be used now: {error.facts.get('cause', error.message)}"]
        case RelevoError():
            return [error.message]
        case OSError():
            return [str(error)]
        case _:
            return _of_the_store(error)


def _of_the_store(error: Exception) -> list[str] | None:
    from relevo.store.database import StoreFault
    from relevo.store.encryption import WrongKey
    from relevo.store.schema import TooNew

    if isinstance(error, WrongKey | TooNew):
        return [str(error)]
    if isinstance(error, StoreFault) or type(error).__module__.startswith("asyncpg"):
        return [f"The database refuses: {str(error).splitlines()[0]}"]
    return None
