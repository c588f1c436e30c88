// Transformer, KV cache, sampling and continuous batching behind a synchronous step().
