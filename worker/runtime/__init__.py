"""The shell around the spine: Celery, Redis, HTTP, the clock, processes and the page. Decides nothing about news."""
