import CKernels

/// One pair and the rows that go through it.
package struct PairWork {
    package let pair: PackedPair
    /// Items are rowIndices[first ..< first + count].
    package let first: Int
    package let count: Int
    /// Where the block [count, pair.outputs] begins in the arena.
    package let start: Int

    package init(_ pair: PackedPair, first: Int, count: Int, start: Int) {
        self.pair = pair
        self.first = first
        self.count = count
        self.start = start
    }
}

/// A block of rows in an arena, to be weighted and added to rows of an output.
package struct WeightedBlock {
    /// Items are rowIndices[first ..< first + count], ascending, and their weights.
    package let first: Int
    package let count: Int
    /// Where the block [count, output.width] begins in the arena.
    package let start: Int
    package let output: Columns

    package init(first: Int, count: Int, start: Int, output: Columns) {
        self.first = first
        self.count = count
        self.start = start
        self.output = output
    }
}

/// One pair, the rows that go through it, and where their results are added.
package struct PairShare {
    package let pair: PackedPair
    /// Items are rowIndices[first ..< first + count], ascending, and their weights.
    package let first: Int
    package let count: Int
    package let output: Columns

    package init(_ pair: PackedPair, first: Int, count: Int, output: Columns) {
        self.pair = pair
        self.first = first
        self.count = count
        self.output = output
    }
}

extension ComputeContext {
    /// arena[work.start + i] = s B (A x[rowIndices[work.first + i]]) for every item of every work.
    package func multiply(
        _ x: Columns, rowIndices: [Int32], by works: [PairWork], into arena: RowArena
    ) {
        guard !works.isEmpty else { return }
        rowIndices.withUnsafeBufferPointer { rows in
            withUnsafeTemporaryAllocation(of: ck_pair_rows.self, capacity: works.count) { jobs in
                for (index, work) in works.enumerated() {
                    precondition(
                        work.pair.inputs == x.width, "a pair of \(work.pair.inputs) inputs on rows of \(x.width)")
                    jobs[index] = ck_pair_rows(
                        pair: work.pair.packed, rows: items(rows, work.first, work.count, of: x),
                        count: Int64(work.count), out: arena.pointer(work.start, work.count * work.pair.outputs))
                }
                ck_multiply_pairs(handle, x.base, x.stride, jobs.baseAddress, Int64(works.count))
            }
        }
    }

    /// output[rowIndices[i]] += weights[i] · block[i], block after block for each row.
    package func add(
        _ blocks: [WeightedBlock], rowIndices: [Int32], weights: [Float], from arena: RowArena, rows: Int
    ) {
        guard !blocks.isEmpty else { return }
        precondition(rowIndices.count == weights.count, "\(rowIndices.count) rows, \(weights.count) weights")
        rowIndices.withUnsafeBufferPointer { indices in
            weights.withUnsafeBufferPointer { weights in
                withUnsafeTemporaryAllocation(of: ck_share.self, capacity: blocks.count) { shares in
                    for (index, block) in blocks.enumerated() {
                        block.output.require(rows: rows, width: block.output.width, "output of experts")
                        shares[index] = ck_share(
                            values: arena.pointer(block.start, block.count * block.output.width),
                            weights: weights.baseAddress.map { $0 + block.first },
                            rows: items(indices, block.first, block.count, of: block.output), count: Int64(block.count),
                            width: Int64(block.output.width), out: block.output.base, out_stride: block.output.stride)
                    }
                    ck_add_shares(handle, shares.baseAddress, Int64(blocks.count), Int64(rows))
                }
            }
        }
    }

    /// output[rowIndices[i]] += weights[i] · s B (A x[rowIndices[i]]) for every item, share after share for each row: the bits of `multiply`
    /// and then `add`, without writing the rows in between. For many rows: a thread takes some rows and all their pairs.
    package func add(
        _ x: Columns, rowIndices: [Int32], weights: [Float], by shares: [PairShare], rows: Int
    ) {
        guard !shares.isEmpty else { return }
        precondition(rowIndices.count == weights.count, "\(rowIndices.count) rows, \(weights.count) weights")
        rowIndices.withUnsafeBufferPointer { indices in
            weights.withUnsafeBufferPointer { weights in
                withUnsafeTemporaryAllocation(of: ck_pair_share.self, capacity: shares.count) { jobs in
                    for (index, share) in shares.enumerated() {
                        precondition(
                            share.pair.inputs == x.width, "a pair of \(share.pair.inputs) inputs on rows of \(x.width)")
                        share.output.require(rows: rows, width: share.pair.outputs, "output of experts")
                        jobs[index] = ck_pair_share(
                            pair: share.pair.packed, rows: items(indices, share.first, share.count, of: x),
                            weights: weights.baseAddress.map { $0 + share.first }, count: Int64(share.count),
                            out: share.output.base, out_stride: share.output.stride)
                    }
                    ck_add_pairs(handle, x.base, x.stride, jobs.baseAddress, Int64(shares.count), Int64(rows))
                }
            }
        }
    }

    /// Checked row indices.
    private func items(
        _ rows: UnsafeBufferPointer<Int32>, _ first: Int, _ count: Int, of columns: Columns
    ) -> UnsafePointer<Int32>? {
        precondition(
            first >= 0 && count >= 0 && first + count <= rows.count, "items \(first) + \(count) of \(rows.count)")
        for index in first..<first + count {
            precondition(rows[index] >= 0 && Int(rows[index]) < columns.buffer.rowsMax, "row \(rows[index])")
        }
        return rows.baseAddress.map { $0 + first }
    }
}
