"""Subscriptions in plain Python: the same promises as the scripts."""

from worker.model import Fetched
from worker.series import WEBSUB, series
from worker.subscriber import Kept

MOST_WAITING = 20


class MemorySubscriptionStore:
    def __init__(self, store) -> None:
        self.store = store
        self.kept: dict[str, Kept] = {}
        self.due = {}

    def read(self, feed_id):
        return self.kept.get(feed_id)

    def find(self, token):
        return next((kept for kept in self.kept.values() if kept.subscription.token == token), None)

    def save(self, feed_id, made, version, wait, event="") -> bool:
        known = self.kept.get(feed_id)
        if (known.version if known else 0) != version:
            return False
        self.due.pop(feed_id, None)
        if made is None:
            self.kept.pop(feed_id, None)
            self.store.delivers_until.pop(feed_id, None)
        else:
            self.kept[feed_id] = Kept(made, version + 1)
            if wait is not None:
                self.due[feed_id] = self.store.clock.now() + wait
        self.count(event)
        return True

    def claim(self, limit, lease):
        now = self.store.clock.now()
        due = sorted((at, id_) for id_, at in self.due.items() if at <= now)[:limit]
        self.due |= {id_: now + lease for _, id_ in due}
        return [self.kept[id_] for _, id_ in due]

    def end_others(self, feed_ids) -> None:
        self.due |= {id_: self.store.clock.now() for id_ in self.kept if id_ not in feed_ids}

    def push(self, kept, body, content_type) -> bool:
        id_, subscription, store = kept.subscription.feed_id, kept.subscription, self.store
        if id_ not in store.due["feeds"]:
            self.count("not_polled")
            return False
        waiting = store.pushed.setdefault(id_, [])
        if len(waiting) >= MOST_WAITING:
            self.count("too_many")
            return False
        waiting.append(Fetched(body, subscription.topic, content_type))
        store.delivers_until[id_] = subscription.expires_at
        if not (id_ in store.feeds and store.feeds[id_].fence):
            store.poll_due.setdefault(id_, store.due["feeds"][id_])
            store.due["feeds"][id_] = min(store.due["feeds"][id_], store.clock.now())
        self.count("pushed")
        return True

    def pushed(self, feed_id):
        return list(self.store.pushed.get(feed_id, ()))

    def count(self, event) -> None:
        if event:
            self.store.count([(series(WEBSUB, event=event), 1)])
