"""The calls of the API, a module a subject: each says a path, what goes there, and what comes back."""
