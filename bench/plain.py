"""The plain design with the tagger and the topics that ship: the side `plain_own` of `bench.end_to_end`.

A Celery task for each feed and one for each article: requests, feedparser, the language model on one article at a time,
PhraseMatcher, a post for each hit. Configured by PLAIN_REDIS, PLAIN_TERMS (a file, one term a line) and PLAIN_HOOK;
counts the articles done in the key `plain:done`.
"""

import hashlib
import html
import os
import re
from pathlib import Path
from typing import Any

import feedparser
import redis
import requests
from celery import Celery
from celery.signals import worker_process_init

URL = os.environ["PLAIN_REDIS"]
app = Celery("plain", broker=URL, backend=URL, set_as_current=False)
store = redis.Redis.from_url(URL)
_loaded: dict[str, Any] = {}


@worker_process_init.connect
def load(**_: object) -> None:
    from spacy.matcher import PhraseMatcher

    from worker.enrich import pipeline
    from worker.enrich.topics import TopicClassifier

    nlp: Any = pipeline.load()
    matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
    terms = Path(os.environ["PLAIN_TERMS"]).read_text("utf-8").splitlines()
    matcher.add("watched", list(nlp.tokenizer.pipe(terms)))
    _loaded.update(nlp=nlp, matcher=matcher, topics=TopicClassifier.load())


@app.task
def poll(url: str) -> None:
    response = requests.get(url, timeout=20)
    for entry in feedparser.parse(response.content).entries:
        key = "plain:seen:" + hashlib.sha1(entry.get("id", entry.get("link", "")).encode()).hexdigest()
        if store.set(key, 1, nx=True):
            text = html.unescape(re.sub("<[^>]+>", " ", entry.get("summary", "")))
            article.delay({"id": entry.get("id"), "title": entry.get("title", ""), "text": text})


@app.task
def article(item: dict[str, Any]) -> None:
    from worker.enrich.sentences import split_sentences

    doc = _loaded["nlp"](item["title"] + "\n" + item["text"])
    topics = _loaded["topics"].score(doc.text, split_sentences(doc.text))
    hits = sorted({doc[start:end].text for _, start, end in _loaded["matcher"](doc)})
    told = {"entities": str([(e.text, e.label_) for e in doc.ents]), "topics": str(topics[:3])}
    store.hset("plain:article:" + str(item["id"]), mapping=told)  # type: ignore[arg-type]
    if hits:
        requests.post(os.environ["PLAIN_HOOK"], json={"id": item["id"], "hits": hits}, timeout=5)
    store.incr("plain:done")
