import CKernels

/// Consecutive rows of a batch that are consecutive positions of one sequence.
package struct SequenceRun: Sendable {
    /// The sequence's pages in order; page i holds positions 64 i ..< 64 (i + 1). They cover all positions of the run.
    package var pages: [Int32]
    package var firstRow: Int
    package var rows: Int
    package var firstPosition: Int

    package init(pages: [Int32], firstRow: Int, rows: Int, firstPosition: Int) {
        self.pages = pages
        self.firstRow = firstRow
        self.rows = rows
        self.firstPosition = firstPosition
    }
}

/// The runs of one batch, made once per step and used in every layer.
package final class AttentionPlan {
    /// The position of every row; rows of no run have position 0.
    package let positions: [Int32]
    let runs: UnsafeMutableBufferPointer<ck_run>
    private let tables: UnsafeMutableBufferPointer<Int32>
    private let largestPage: Int32

    package init(_ sequences: [SequenceRun]) {
        let pageCount = sequences.reduce(0) { $0 + $1.pages.count }
        tables = .allocate(capacity: max(pageCount, 1))
        runs = .allocate(capacity: sequences.count)
        var positions = [Int32](repeating: 0, count: sequences.map { $0.firstRow + $0.rows }.max() ?? 0)
        var largestPage: Int32 = -1
        var next = 0
        for (index, sequence) in sequences.enumerated() {
            let covered = sequence.pages.count * KeyValuePages.positionsPerPage
            precondition(
                sequence.rows > 0 && sequence.firstRow >= 0 && sequence.firstPosition >= 0
                    && sequence.firstPosition + sequence.rows <= covered,
                "a run of \(sequence.rows) rows from position \(sequence.firstPosition) on \(sequence.pages.count) pages"
            )
            precondition(sequence.pages.allSatisfy { $0 >= 0 }, "negative page index")
            largestPage = max(largestPage, sequence.pages.max() ?? -1)
            _ = UnsafeMutableBufferPointer(rebasing: tables[next...]).initialize(from: sequence.pages)
            runs.initializeElement(
                at: index,
                to: ck_run(
                    table: tables.baseAddress.map { UnsafePointer($0 + next) }, first_row: Int64(sequence.firstRow),
                    rows: Int64(sequence.rows), first_position: Int64(sequence.firstPosition)))
            next += sequence.pages.count
            for row in 0..<sequence.rows { positions[sequence.firstRow + row] = Int32(sequence.firstPosition + row) }
        }
        self.positions = positions
        self.largestPage = largestPage
    }

    deinit {
        runs.deallocate()
        tables.deallocate()
    }

    func require(_ columns: Columns, width: Int, pages: KeyValuePages, _ what: StaticString) {
        columns.require(rows: positions.count, width: width, what)
        precondition(largestPage < pages.pagesMax, "page \(largestPage) of \(pages.pagesMax)")
    }
}

extension ComputeContext {
    /// Writes the rows of every run into its pages of `layer`. keys, values: [rows, pages.heads · headDim], keys already rotated.
    package func append(keys: Columns, values: Columns, plan: AttentionPlan, to pages: KeyValuePages, layer: Int) {
        let width = pages.heads * pages.headDim
        plan.require(keys, width: width, pages: pages, "keys")
        plan.require(values, width: width, pages: pages, "values")
        ck_append(
            handle, keys.base, keys.stride, values.base, values.stride, pages.view(layer: layer), plan.runs.baseAddress,
            Int64(plan.runs.count))
    }

    /// Causal attention: output[r, h] = Σ_t softmax_t(scale · q[r, h] · k[t, h']) v[t, h'] over positions 0 … position(r) of the
    /// row's own sequence, whose keys and values have been appended (those of this batch too); h' = h / (heads / pages.heads).
    ///
    /// queries, output: [rows, heads · headDim], heads a multiple of pages.heads. Rows of no run are left as they are.
    package func attention(
        queries: Columns, plan: AttentionPlan, pages: KeyValuePages, layer: Int, scale: Float, into output: Columns
    ) {
        let heads = queries.width / pages.headDim
        precondition(heads > 0 && heads % pages.heads == 0, "\(heads) query heads for \(pages.heads) key-value heads")
        plan.require(queries, width: heads * pages.headDim, pages: pages, "queries")
        plan.require(output, width: heads * pages.headDim, pages: pages, "output of attention")
        requireMemory(
            ck_attention(
                handle, queries.base, queries.stride, Int64(heads), scale, output.base, output.stride,
                pages.view(layer: layer), plan.runs.baseAddress, Int64(plan.runs.count)))
    }
}
