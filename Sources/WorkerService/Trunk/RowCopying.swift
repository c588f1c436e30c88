extension MutableSpan<Float> {
    /// Copies all of `source` to the places from `start` on, in one piece: element by element it would cost more than the wire.
    mutating func copy(_ source: Span<Float>, to start: Int) {
        precondition(start >= 0 && start + source.count <= count, "\(source.count) floats at \(start) of \(count)")
        withUnsafeMutableBufferPointer { target in
            source.withUnsafeBufferPointer { from in
                guard let from = from.baseAddress, let to = target.baseAddress else { return }
                (to + start).update(from: from, count: source.count)
            }
        }
    }
}
