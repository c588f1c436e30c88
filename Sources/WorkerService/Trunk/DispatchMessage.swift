import Inference
import Kernels
import Messaging

/// From the rows of a batch to a dispatch.
enum DispatchMessage {
    /// - Parameter pairs: indices into the request's pairs: those that one worker is asked for.
    static func make(_ id: UInt64, pairs: [Int], of request: RowRequest, set: UInt64) -> Envelope {
        let rows = distinctRows(pairs, request)
        var selections: [Selection] = []
        selections.reserveCapacity(pairs.count)
        for index in pairs {
            let pair = request.pairs[index]
            let wanted = request.rows[pair.first..<pair.first + pair.count]
            selections.append(
                Selection(
                    site: UInt32(pair.site), expert: UInt32(pair.expert), rows: wanted.map { place(of: $0, in: rows) }
                ))
        }
        let dispatch = Dispatch(dispatch: id, set: set, group: UInt32(request.group), selections: selections)
        return Envelope(.dispatch(dispatch), tensors: [tensor(rows, request.input)])
    }

    /// Ascending.
    private static func distinctRows(_ pairs: [Int], _ request: RowRequest) -> [Int32] {
        var rows: [Int32] = []
        for index in pairs {
            let pair = request.pairs[index]
            rows += request.rows[pair.first..<pair.first + pair.count]
        }
        if rows.count == pairs.count, rows.allSatisfy({ $0 == rows[0] }) { return [rows[0]] }
        rows.sort()
        var distinct: [Int32] = []
        for row in rows where distinct.last != row { distinct.append(row) }
        return distinct
    }

    private static func place(of row: Int32, in rows: [Int32]) -> UInt32 {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = (low + high) / 2
            if rows[middle] < row { low = middle + 1 } else { high = middle }
        }
        return UInt32(low)
    }

    private static func tensor(_ rows: [Int32], _ input: Columns) -> Tensor {
        Tensor(shape: [rows.count, input.width]) { floats in
            for (place, row) in rows.enumerated() {
                input.buffer.withRow(Int(row)) { source in
                    let wanted = source.extracting(input.first..<input.first + input.width)
                    floats.copy(wanted, to: place * input.width)
                }
            }
        }
    }
}

/// From a worker's answer to the rows of a request.
enum CombineReading {
    static func copy(
        _ tensors: [Tensor], of pairs: [Int], _ request: RowRequest, into results: any RowSink
    ) throws(WireError) {
        guard let tensor = tensors.first, tensors.count == 1 else {
            throw .truncatedTensor("a Combine has one tensor, not \(tensors.count)")
        }
        let wanted = pairs.reduce(0) { $0 + request.pairs[$1].floats }
        try tensor.withFloats { source throws(WireError) in
            guard source.count == wanted else {
                throw .malformed("\(source.count) floats came, \(wanted) were asked for")
            }
            var start = 0
            for index in pairs {
                let count = request.pairs[index].floats
                results.write(source.extracting(start..<start + count), ofPair: index)
                start += count
            }
        }
    }
}
