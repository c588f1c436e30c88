import Messaging

/// How a query went through the graph of nodes: `skein query --trace`.
enum WalkText {
    static func lines(_ walk: Walk?) -> [String] {
        guard let walk else { return [] }
        return steps(walk) + shares(walk) + rewrite(walk)
    }

    private static func steps(_ walk: Walk) -> [String] {
        let rows = walk.steps.map { step in
            [
                step.node, step.because, step.outcome,
                "\(Double(step.microseconds / 100) / 10) ms",
                step.confidence > 0 ? "confidence \(percent(step.confidence))" : "",
                step.branch > 0 ? "at once: \(step.branch)" : "",
            ]
        }
        return ["walk:"] + TextColumns.aligned(rows).map { "  " + $0 }
    }

    private static func shares(_ walk: Walk) -> [String] {
        guard !walk.shares.isEmpty else { return [] }
        let rows = walk.shares.sorted { ($1.untouched, $0.node) < ($0.untouched, $1.node) }
            .map { [$0.node, percent($0.untouched), $0.inPlay ? percent($0.share) : "not in play"] }
        return ["decision: functional mass \(percent(walk.mass))"]
            + TextColumns.aligned([["node", "untouched", "share"]] + rows).map { "  " + $0 }
    }

    private static func rewrite(_ walk: Walk) -> [String] {
        guard !walk.rewrite.isEmpty || walk.originalKept else { return [] }
        guard walk.originalKept else { return ["rewrite: \(walk.rewrite)"] }
        let why = walk.lost.isEmpty ? "it is blank" : "it lost \(walk.lost.joined(separator: ", "))"
        return ["rewrite: \(walk.rewrite) (not used: \(why))"]
    }

    private static func percent(_ share: Float) -> String { "\((Double(share) * 1000).rounded() / 10) %" }
}

/// The same in `skein query --trace --json`.
struct WalkJSON: Encodable {
    struct ShareJSON: Encodable {
        let node: String
        let untouched, share: Float
        let inPlay: Bool
    }

    struct StepJSON: Encodable {
        let node, because, outcome: String
        let microseconds: UInt64
        /// Of an answer that a cascade edge judged.
        let confidence: Float?
        /// From 1: which of the nodes that were asked at once.
        let branch: UInt32?
    }

    let node: String
    let functionalMass: Float
    let shares: [ShareJSON]
    let rewrite: String?
    let originalKept: Bool
    let lost: [String]
    let steps: [StepJSON]

    init(_ walk: Walk) {
        node = walk.node
        functionalMass = walk.mass
        shares = walk.shares.map {
            .init(node: $0.node, untouched: $0.untouched, share: $0.share, inPlay: $0.inPlay)
        }
        rewrite = walk.rewrite.isEmpty ? nil : walk.rewrite
        originalKept = walk.originalKept
        lost = walk.lost
        steps = walk.steps.map {
            .init(
                node: $0.node, because: $0.because, outcome: $0.outcome, microseconds: $0.microseconds,
                confidence: $0.confidence > 0 ? $0.confidence : nil, branch: $0.branch > 0 ? $0.branch : nil)
        }
    }
}
