// The routing core under a seeded clock and a faulty network.
