"""The engine: events go in, decisions are committed together, effects come out."""
