"""One poll handed in by itself, over either store."""

from worker.ports import FinishedPoll


def finish_poll(store, claim, decision, drafts=(), counts=(), alerts=()):
    """What became of it; raises what it fell with."""
    [answer] = store.finish_polls([FinishedPoll(claim, decision, drafts, tuple(counts), alerts)])
    if isinstance(answer, Exception):
        raise answer
    return answer
