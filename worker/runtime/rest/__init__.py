"""The HTTP API over the store: `worker.api` says what it is, this answers."""
