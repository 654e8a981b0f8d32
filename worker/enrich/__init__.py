"""Understanding an article: its language, the entities it names, the topics it reports on. spaCy lives only here."""
