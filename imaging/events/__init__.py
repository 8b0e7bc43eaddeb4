"""The transactional outbox and the job table. Does not know who reacts."""
