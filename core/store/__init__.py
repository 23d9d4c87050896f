"""What server and worker share: the job ledger in Redis, and blobs on disk or in Redis."""
