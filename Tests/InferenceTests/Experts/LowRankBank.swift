import Inference
import Kernels

/// A small local bank for tests: at chosen sites one low-rank expert, y += B (A x), A [rank, inputs], B [outputs, rank].
final class LowRankBank: ExpertBank {
    struct Expert {
        /// A and B as rows, and packed.
        let downRows: [[Float]]
        let upRows: [[Float]]
        let down: PackedMatrix
        let up: PackedMatrix

        init(downRows: [[Float]], upRows: [[Float]]) throws {
            self.downRows = downRows
            self.upRows = upRows
            down = try Self.pack(downRows)
            up = try Self.pack(upRows)
        }

        private static func pack(_ rows: [[Float]]) throws -> PackedMatrix {
            try PackedMatrix(outputs: rows.count, inputs: rows[0].count) { output, row in
                for index in row.indices { row[index] = rows[output][index] }
            }
        }
    }

    let experts: [String: Expert]
    private let context: ComputeContext
    private let hidden: RowBuffer
    private var open: [UInt64: (group: SiteGroup, input: Columns, rows: Int)] = [:]
    private var last: UInt64 = 0
    /// Sequences to fail, for tests of failure.
    var missing: Set<SequenceID> = []
    private(set) var rowsSeen = 0
    private(set) var groupsBegun = 0

    init(_ experts: [String: Expert], rank: Int, rowsMax: Int) {
        self.experts = experts
        context = ComputeContext(team: TestModels.team)
        hidden = RowBuffer(rowsMax: rowsMax, width: rank)
    }

    func serves(_ group: SiteGroup) -> Bool { group.linears.contains { experts[$0.site] != nil } }

    func begin(_ group: SiteGroup, input: Columns, origins: [RowOrigin]) -> ExpertTicket {
        last += 1
        rowsSeen += origins.count
        groupsBegun += 1
        open[last] = (group, input, origins.count)
        return ExpertTicket(number: last)
    }

    func collect(_ ticket: ExpertTicket, into outputs: [Columns]) throws(ExpertBankError) {
        guard let work = open.removeValue(forKey: ticket.number) else {
            preconditionFailure("\(ticket) was collected twice")
        }
        for (linear, output) in zip(work.group.linears, outputs) {
            guard let expert = experts[linear.site] else { continue }
            context.multiply(work.input, rows: work.rows, by: expert.down, into: hidden.columns)
            context.multiply(hidden.columns, rows: work.rows, by: expert.up, into: output, accumulate: true)
        }
        if !missing.isEmpty { throw ExpertBankError(sequences: missing, message: "no expert today") }
    }
}

extension LowRankBank {
    /// Random experts of rank 4 at every site that `chooses` picks; `scale` 0 makes B zero.
    static func random(
        for model: LanguageModel, scale: Float, rowsMax: Int = 64, chooses: (String) -> Bool
    ) throws -> LowRankBank {
        var random = SplitMix(state: 99)
        var experts: [String: Expert] = [:]
        for linear in model.siteGroups.flatMap(\.linears) where chooses(linear.site) {
            let base = linear.base
            experts[linear.site] = try Expert(
                downRows: (0..<4).map { _ in (0..<base.inputs).map { _ in random.unit() * 0.2 } },
                upRows: (0..<base.outputs).map { _ in (0..<4).map { _ in random.unit() * scale } })
        }
        return LowRankBank(experts, rank: 4, rowsMax: rowsMax)
    }
}
