// SHA-256 of files and byte streams.
