"""Tocsin: watch news feeds, understand the articles, alert by webhook.

The data flow is one sentence, and each word of it is a module here:
poll → parse → dedupe → enrich → match → alert → deliver.
"""

__version__ = "0.2.0"
