// Named threads and wake-ups: blocking work has an owner.
