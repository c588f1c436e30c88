import Digest
import Gating
import Kernels

/// The experts that a request may meet, in one version: immutable, shared by engines.
///
/// Sorted by name; the index is the *expert id*. One id beyond them stands for the common expert, if there is one.
package final class ExpertSet: Sendable {
    package struct Member: Sendable, Equatable {
        package let name: String
        package let hash: String
        /// What the expert can be routed by; every expert can be named.
        package let gateKinds: Set<GateKind>
        /// Whether its pairs are in this process.
        package let isResident: Bool

        package init(name: String, hash: String, gateKinds: Set<GateKind> = [], isResident: Bool) {
            self.name = name
            self.hash = hash
            self.gateKinds = gateKinds
            self.isResident = isResident
        }
    }

    /// By expert id.
    package let experts: [Member]
    /// SHA-256 over names, hashes, null scores and the common expert: equal versions give equal bits.
    package let version: SHA256Digest
    /// Bytes of packed pairs and gates in memory.
    package let bytes: Int
    /// Spellings of the methods that have null scores.
    package let calibratedMethods: Set<String>
    /// By `SiteGroup.index`; nil where no expert has a pair.
    let groups: [GroupExperts?]

    init(experts: [Member], version: SHA256Digest, calibratedMethods: Set<String>, groups: [GroupExperts?]) {
        self.experts = experts
        self.version = version
        self.calibratedMethods = calibratedMethods
        self.groups = groups
        bytes = groups.reduce(0) { $0 + ($1?.bytes ?? 0) }
    }

    package var names: [String] { experts.map(\.name) }
    /// Whether there is a common expert.
    package var hasCommon: Bool { groups.contains { $0?.sites.contains { $0?.common != nil } ?? false } }
    /// The id of the common expert.
    package var commonID: Int { experts.count }

    package func serves(_ group: SiteGroup) -> Bool { group.index < groups.count && groups[group.index] != nil }

    /// The pair of an expert (or of the common one) at a linear of a group; nil where it is elsewhere, or has none there.
    package func pair(group: Int, linear: Int, expert: Int) -> PackedPair? {
        guard let site = groups[group]?.sites[linear] else { return nil }
        return expert == experts.count ? site.common : site.pairs[expert]
    }

    /// Whether an expert adds anything at a linear of a group, wherever it is.
    package func covers(group: Int, linear: Int, expert: Int) -> Bool {
        guard let site = groups[group]?.sites[linear] else { return false }
        return expert == experts.count ? site.common != nil : site.covers[expert]
    }
}

extension RouteMethod {
    /// Those that have scores, and hence a null score of their own.
    static let scored: [RouteMethod] = [.phatgoose, .average, .arrow, .arrowUnit]

    /// Index into `scored`; 0 for methods without scores.
    var scoreIndex: Int { Self.scored.firstIndex(of: self) ?? 0 }
}

/// What a set has at one site group.
struct GroupExperts: Sendable {
    /// By linear; nil where no expert has a pair.
    let sites: [SiteExperts?]
    let gates: [GateKind: GroupGates]

    var bytes: Int {
        sites.reduce(0) { $0 + ($1?.bytes ?? 0) } + gates.values.reduce(0) { $0 + $1.packed.bytes }
    }
}

struct SiteExperts: Sendable {
    /// By expert id; nil: elsewhere, or none.
    let pairs: [PackedPair?]
    /// By expert id: whether it has a pair at this site anywhere.
    let covers: [Bool]
    let coversAll: Bool
    let common: PackedPair?
    /// τ by `RouteMethod.scoreIndex`; -infinity where there is none.
    let nullScores: [Float]

    init(pairs: [PackedPair?], covers: [Bool], common: PackedPair?, nullScores: [Float]) {
        self.pairs = pairs
        self.covers = covers
        coversAll = covers.allSatisfy { $0 }
        self.common = common
        self.nullScores = nullScores
    }

    var bytes: Int { pairs.reduce(common?.bytes ?? 0) { $0 + ($1?.bytes ?? 0) } }
}

/// All gates of one kind at a site group, as the rows of one matrix: those of linear l at columns first[l] ..< first[l] + N of the
/// products, zeros for experts without.
struct GroupGates: Sendable {
    let packed: PackedGates
    /// By linear; nil where no expert has a pair.
    let first: [Int?]
    /// Σ v̄ by column.
    let sums: [Float]
}
