// The worker process.
