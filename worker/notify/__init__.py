"""When a message goes out: time intervals, digests, groups. Decides; keeps and sends nothing."""
