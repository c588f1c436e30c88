/// Who may hand a query to whom: one entry of `edges:` per node in its `to`.
package struct EdgeEntry: Equatable, Sendable {
    package enum Kind: String, Equatable, Sendable, CaseIterable {
        /// The node names its neighbour by functional token.
        case hand
        /// The neighbour answers when the node's own confidence is under the threshold.
        case cascade
        /// The neighbour answers when the node fails before its first byte.
        case fallback
    }

    package let from: String
    package let to: String
    package let kind: Kind
    /// Of a cascade: the confidence under which it escalates.
    package let threshold: Float?
    /// Of a cascade: a and b, where the confidence is 1 / (1 + e^-(a l + b)) of the mean log-probability l; nil: e^l.
    package let calibration: Calibration?
    package let line: Int

    package struct Calibration: Equatable, Sendable {
        package let a: Float
        package let b: Float

        package init(a: Float, b: Float) {
            self.a = a
            self.b = b
        }
    }
}

extension EdgeEntry {
    static let keys = ["from", "to", "kind", "threshold", "calibration"]
    static let countMax = 4096

    /// Nothing, with an issue, when an end is missing.
    static func read(_ section: Section) -> [EdgeEntry] {
        let from = section.requiredText("from", missing: "name the node that hands over")
        let kind = section.choice("kind", default: Kind.hand)
        if !section.has("to") || section.isEmptyList("to") {
            section.add("to", "is missing or empty; list the nodes that may be handed to")
        }
        let threshold = Self.threshold(section, kind)
        let calibration = Calibration(section, kind)
        let ends = section.names("to", countMax: NodeEntry.countMax)
        guard let from else { return [] }
        return ends.map {
            EdgeEntry(
                from: from, to: $0.name, kind: kind, threshold: threshold, calibration: calibration, line: $0.line)
        }
    }

    private static func threshold(_ section: Section, _ kind: Kind) -> Float? {
        if kind != .cascade, section.has("threshold") {
            section.add("threshold", "is for edges of kind cascade, not \(kind.rawValue); remove it")
        }
        guard kind == .cascade else { return nil }
        guard section.has("threshold") else {
            section.add("threshold", "is missing; give the confidence, 0 to 1, under which the query goes on")
            return nil
        }
        return section.number("threshold", in: 0...1, default: 0)
    }
}

extension EdgeEntry.Calibration {
    /// Nil, where there is none, or, with an issue, where it is half there or for another kind of edge.
    fileprivate init?(_ section: Section, _ kind: EdgeEntry.Kind) {
        guard let part = section.section("calibration", keys: ["a", "b"]) else { return nil }
        guard kind == .cascade else {
            section.add("calibration", "is for edges of kind cascade, not \(kind.rawValue); remove it")
            return nil
        }
        guard part.has("a"), part.has("b") else {
            section.add("calibration", "needs a and b; `skein eval cascade` prints both")
            return nil
        }
        // A confidence that falls as an answer gets likelier would be a mistake in the sign.
        a = part.number("a", in: 0...1000, default: 1)
        b = part.number("b", in: -1000...1000, default: 0)
    }
}

/// `walk:` — how far one query may go.
package struct WalkEntry: Equatable, Sendable {
    /// Nodes that answer one query, one after another; nil: not said, which a graph without cycles needs not.
    package let stepsMax: Int?
    package let millisecondsMax: Int
}

extension WalkEntry {
    static let keys = ["steps_max", "milliseconds_max"]

    init(reading section: Section) {
        stepsMax = section.has("steps_max") ? section.integer("steps_max", in: 1...64, default: 1, unit: "steps") : nil
        millisecondsMax = section.integer("milliseconds_max", in: 1...86_400_000, default: 120_000, unit: "ms")
    }
}
