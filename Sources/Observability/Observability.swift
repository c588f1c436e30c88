// Log handlers: files with rotation, levels.
