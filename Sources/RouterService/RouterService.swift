// The router process.
