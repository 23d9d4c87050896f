"""Takes jobs from the queue and lifts them: one process per slot, the model kept warm."""
