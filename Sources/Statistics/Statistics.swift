// Counters and latency histograms, kept across restarts.
