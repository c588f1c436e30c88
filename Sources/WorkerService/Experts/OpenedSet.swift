import Kernels
import Messaging

/// A trunk's set on one connection: what its numbers stand for here.
struct OpenedSet {
    let id: UInt64
    private let groups: [SiteGroupShape]
    private let experts: [UInt32: HostedExpert]

    /// - Throws: what is not here, or not what the trunk takes it for.
    init(_ request: OpenSet, hosted: HostedExperts) throws(DataRefusal) {
        guard request.numerics == PairNumerics.id else {
            throw DataRefusal(
                .numericsMismatch,
                "the trunk computes pairs as \(request.numerics), this worker as \(PairNumerics.id); use one build")
        }
        id = request.set
        groups = request.groups
        for group in groups where group.outputs.count != group.sites.count || group.sites.isEmpty {
            throw DataRefusal(
                .malformed, "a site group has \(group.sites.count) sites and \(group.outputs.count) widths")
        }
        var experts: [UInt32: HostedExpert] = [:]
        for wanted in request.experts {
            guard let expert = hosted.expert(wanted.expert) else {
                throw DataRefusal(.unknownExpert, "this worker does not hold \(wanted.expert)")
            }
            guard expert.holding.sha256 == wanted.sha256, expert.holding.trunkSHA256 == request.trunkSHA256 else {
                throw DataRefusal(
                    .unknownExpert,
                    "\(wanted.expert) here is \(expert.holding.sha256.prefix(12)) of trunk \(expert.holding.trunkSHA256.prefix(12)), "
                        + "the trunk wants \(wanted.sha256.prefix(12)) of \(request.trunkSHA256.prefix(12)); use one store"
                )
            }
            try Self.check(expert, groups)
            guard experts.updateValue(expert, forKey: wanted.id) == nil else {
                throw DataRefusal(.malformed, "two experts have the id \(wanted.id)")
            }
        }
        self.experts = experts
    }

    private static func check(_ expert: HostedExpert, _ groups: [SiteGroupShape]) throws(DataRefusal) {
        for group in groups {
            for (site, outputs) in zip(group.sites, group.outputs) {
                guard let pair = expert.pairs[site] else { continue }
                guard pair.inputs == Int(group.inputs), pair.outputs == Int(outputs) else {
                    throw DataRefusal(
                        .unknownSite,
                        "\(expert.name) is [\(pair.outputs), \(pair.inputs)] at \(site), the trunk [\(outputs), \(group.inputs)]"
                    )
                }
            }
        }
    }

    func group(_ index: UInt32) throws(DataRefusal) -> SiteGroupShape {
        guard index < groups.count else {
            throw DataRefusal(.unknownSite, "group \(index); the set has \(groups.count)")
        }
        return groups[Int(index)]
    }

    func pair(_ selection: Selection, in group: SiteGroupShape) throws(DataRefusal) -> PackedPair {
        guard selection.site < group.sites.count else {
            throw DataRefusal(.unknownSite, "site \(selection.site) of a group of \(group.sites.count)")
        }
        guard let expert = experts[selection.expert] else {
            throw DataRefusal(.unknownExpert, "expert \(selection.expert) is not in set \(id)")
        }
        let site = group.sites[Int(selection.site)]
        guard let pair = expert.pairs[site] else {
            throw DataRefusal(.unknownSite, "\(expert.name) does nothing at \(site)")
        }
        return pair
    }
}

/// Why the worker does not do what a message of the data family asks.
struct DataRefusal: Error, Equatable {
    let kind: FailureKind
    let message: String

    init(_ kind: FailureKind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    init(_ error: WireError) { self.init(error.kind, error.description) }
}
