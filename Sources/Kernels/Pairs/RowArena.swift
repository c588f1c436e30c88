import CKernels

/// Blocks of f32 rows of different widths, one after the other, laid out anew for each use. Memory grows to the largest use and stays.
package final class RowArena {
    private var base: UnsafeMutablePointer<Float>?
    private var capacity = 0
    /// Floats laid out.
    package private(set) var used = 0

    package init() {}

    deinit { ck_free(base, capacity * 4) }

    /// Forgets all blocks.
    package func removeAll() { used = 0 }

    /// Lays out a block of `floats` and returns where it begins. What it holds is undefined. Blocks laid out before may move, and lose what
    /// they hold: lay out all, then write.
    package func append(floats: Int) -> Int {
        precondition(floats >= 0 && floats < 1 << 40, "a block of \(floats) floats")
        let start = used
        used += floats
        if used > capacity { grow() }
        return start
    }

    private func grow() {
        ck_free(base, capacity * 4)
        capacity = max(used + used / 2, 4096)
        guard let memory = ck_allocate(capacity * 4) else {
            fatalError("no memory for \(capacity) floats of expert rows")
        }
        base = memory.bindMemory(to: Float.self, capacity: capacity)
    }

    /// Lends `floats` floats from `start` for writing.
    package func withBlock<Result, Failure: Error>(
        at start: Int, floats: Int, _ body: (inout MutableSpan<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = UnsafeMutableBufferPointer(start: pointer(start, floats), count: floats).mutableSpan
        return try body(&span)
    }

    func pointer(_ start: Int, _ floats: Int) -> UnsafeMutablePointer<Float>? {
        precondition(start >= 0 && floats >= 0 && start + floats <= used, "floats \(start) + \(floats) of \(used)")
        return base.map { $0 + start }
    }
}
