/// Which experts should be beside the trunk: those with the most routing for their bytes. Pure.
package struct CachePlan: Sendable, Equatable {
    package struct Candidate: Sendable, Equatable {
        /// Of the expert's content.
        package let hash: String
        /// Its recent share of the routing, in any unit that all candidates have in common.
        package var heat: Double
        package let bytes: Int
        package let isCached: Bool

        package init(hash: String, heat: Double, bytes: Int, isCached: Bool) {
            self.hash = hash
            self.heat = heat
            self.bytes = bytes
            self.isCached = isCached
        }
    }

    /// A newcomer must be hotter than who is there by this much: without, experts of equal share would take turns for ever.
    package static let lead = 1.25

    /// What to give up, coldest first; no more than what the pull needs.
    package let evictions: [String]
    /// What to bring in next.
    package let pull: String?

    package init(_ candidates: [Candidate], bytesMax: Int) {
        let wanted = Self.wanted(candidates, bytesMax: bytesMax)
        guard let next = wanted.first(where: { !$0.isCached }) else {
            (evictions, pull) = ([], nil)
            return
        }
        let kept = Set(wanted.map(\.hash))
        var used = candidates.reduce(0) { $0 + ($1.isCached ? $1.bytes : 0) }
        var evictions: [String] = []
        for candidate in Self.ranked(candidates).reversed() where candidate.isCached && !kept.contains(candidate.hash) {
            guard used + next.bytes > bytesMax else { break }
            used -= candidate.bytes
            evictions.append(candidate.hash)
        }
        self.evictions = evictions
        pull = used + next.bytes <= bytesMax ? next.hash : nil
    }

    /// The best that fit, hottest for their bytes first. Cold ones stay while nobody needs their room.
    private static func wanted(_ candidates: [Candidate], bytesMax: Int) -> [Candidate] {
        var room = bytesMax
        var wanted: [Candidate] = []
        for candidate in ranked(candidates) where candidate.bytes <= room && (candidate.heat > 0 || candidate.isCached)
        {
            room -= candidate.bytes
            wanted.append(candidate)
        }
        return wanted
    }

    private static func ranked(_ candidates: [Candidate]) -> [Candidate] {
        candidates.sorted { left, right in
            let (a, b) = (worth(left), worth(right))
            return a == b ? left.hash < right.hash : a > b
        }
    }

    private static func worth(_ candidate: Candidate) -> Double {
        candidate.heat * (candidate.isCached ? lead : 1) / Double(max(1, candidate.bytes))
    }
}
