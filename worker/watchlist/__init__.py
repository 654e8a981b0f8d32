"""The configuration: strict YAML read into the nouns of `worker.model`, or every mistake at once with its place."""

from worker.watchlist.load import load_configuration, load_feeds

__all__ = ["load_configuration", "load_feeds"]
