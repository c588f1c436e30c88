// Sockets, frames, envelopes, security.
