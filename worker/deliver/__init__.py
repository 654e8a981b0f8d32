"""The last stage: an alert's bytes, their signature, and what an attempt's outcome means."""
