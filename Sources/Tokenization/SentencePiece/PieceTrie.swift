/// Pieces by their beginnings: a trie whose children of one node lie side by side, ascending by byte. 11 bytes a node.
struct PieceTrie: Sendable {
    private var labels: [UInt8] = [0]
    private var firstChild: [Int32] = [0]
    private var childCount: [UInt16] = [0]
    /// The piece that ends at the node; -1 where none does.
    private var ids: [Int32] = [-1]

    /// - Parameter included: ids into `pieces`; of two equal pieces the lower id counts.
    init(_ pieces: PackedStrings, _ included: [Int32]) {
        let sorted = Self.sorted(pieces, included)
        var ranges = [(first: 0, end: sorted.count, depth: 0)]
        var node = 0
        while node < ranges.count {
            let (first, end, depth) = ranges[node]
            var at = first
            while at < end, pieces.range(Int(sorted[at])).count == depth {
                if ids[node] < 0 { ids[node] = sorted[at] }
                at += 1
            }
            firstChild[node] = Int32(ranges.count)
            while at < end {
                let label = Self.byte(pieces, sorted[at], depth)
                let start = at
                while at < end, Self.byte(pieces, sorted[at], depth) == label { at += 1 }
                ranges.append((start, at, depth + 1))
                labels.append(label)
                firstChild.append(0)
                childCount.append(0)
                ids.append(-1)
                childCount[node] += 1
            }
            node += 1
        }
    }

    var isEmpty: Bool { childCount[0] == 0 }

    /// Calls `found` with each piece that `text` has at `start` and where it ends, shortest first.
    @inline(__always)
    func forEachPiece(of text: Span<UInt8>, at start: Int, _ found: (_ id: Int32, _ end: Int) -> Void) {
        var node = 0
        var index = start
        while index < text.count, let next = child(of: node, text[index]) {
            node = next
            index += 1
            if ids[node] >= 0 { found(ids[node], index) }
        }
    }

    func longest(of text: Span<UInt8>, at start: Int) -> (id: Int32, end: Int)? {
        var longest: (Int32, Int)?
        forEachPiece(of: text, at: start) { longest = ($0, $1) }
        return longest
    }

    @inline(__always)
    private func child(of node: Int, _ label: UInt8) -> Int? {
        var low = Int(firstChild[node])
        var high = low + Int(childCount[node])
        let end = high
        while low < high {
            let middle = (low + high) / 2
            if labels[middle] < label { low = middle + 1 } else { high = middle }
        }
        return low < end && labels[low] == label ? low : nil
    }

    private static func byte(_ pieces: PackedStrings, _ id: Int32, _ depth: Int) -> UInt8 {
        pieces.bytes[pieces.range(Int(id)).lowerBound + depth]
    }

    /// By bytes, then by id. The first eight bytes decide nearly always.
    private static func sorted(_ pieces: PackedStrings, _ included: [Int32]) -> [Int32] {
        let keyed = included.map { id in
            let head = pieces[Int(id)].prefix(8)
            let key = head.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } << UInt64(8 * (8 - head.count))
            return (key: key, id: id)
        }
        return keyed.sorted { a, b in
            if a.key != b.key { return a.key < b.key }
            let (left, right) = (pieces[Int(a.id)], pieces[Int(b.id)])
            if left == right { return a.id < b.id }
            return left.lexicographicallyPrecedes(right)
        }.map(\.id)
    }
}
