// Starts and supervises a topology's local processes.
