/// A token and a number that ranks it (its logit, or its unnormalised probability).
package struct Candidate: Equatable {
    package var id: Int32
    package var value: Float

    /// More likely first; of equals the lower id.
    package static func precedes(_ a: Candidate, _ b: Candidate) -> Bool {
        a.value > b.value || (a.value == b.value && a.id < b.id)
    }
}

package enum Ranking {
    /// The largest logit and where it first occurs, or nil when the row holds NaN or +inf, or nothing but -inf:
    /// such a row is not a distribution.
    package static func maximum(_ logits: Span<Float>) -> Candidate? {
        var best = Candidate(id: 0, value: -.infinity)
        var sound = true
        for id in logits.indices {
            let value = logits[id]
            if !(value <= best.value) {
                sound = sound && value == value
                best = Candidate(id: Int32(truncatingIfNeeded: id), value: value)
            }
        }
        return sound && best.value.isFinite ? best : nil
    }

    /// The `count` best tokens of a row, best first: a heap whose root is the worst of the kept.
    package static func best(_ count: Int, of logits: Span<Float>, into kept: inout [Candidate]) {
        kept.removeAll(keepingCapacity: true)
        guard count > 0 else { return }
        for id in logits.indices {
            let candidate = Candidate(id: Int32(truncatingIfNeeded: id), value: logits[id])
            if kept.count < count {
                kept.append(candidate)
                siftUp(&kept, kept.count - 1)
            } else if candidate.value > kept[0].value {
                // An equal value loses: its id is higher.
                kept[0] = candidate
                siftDown(&kept)
            }
        }
        kept.sort(by: Candidate.precedes)
    }

    private static func siftUp(_ heap: inout [Candidate], _ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard Candidate.precedes(heap[parent], heap[child]) else { return }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    private static func siftDown(_ heap: inout [Candidate]) {
        var parent = 0
        while true {
            var worst = parent
            for child in (2 * parent + 1)...(2 * parent + 2)
            where child < heap.count && Candidate.precedes(heap[worst], heap[child]) {
                worst = child
            }
            guard worst != parent else { return }
            heap.swapAt(parent, worst)
            parent = worst
        }
    }
}
