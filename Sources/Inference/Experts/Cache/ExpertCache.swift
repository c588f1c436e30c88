/// Brings experts to a cache, on a thread of its own.
package protocol ExpertPulling: AnyObject {
    /// Starts; one at a time. The source checks the content against the hash.
    func pull(_ member: ExpertSet.Member)

    /// What has come since the last call: the expert, or why it cannot come.
    func take() -> PulledExpert?
}

package struct PulledExpert: Sendable {
    package let hash: String
    package let result: Result<CachedExpert, ExpertSetError>

    package init(hash: String, result: Result<CachedExpert, ExpertSetError>) {
        self.hash = hash
        self.result = result
    }
}

/// What a swap did.
package enum CacheChange: Sendable {
    case cached(CachedExpert)
    case evicted(CachedExpert)
    /// It stays where it is.
    case refused(name: String, ExpertSetError)
}

/// The hot ones among experts that live elsewhere, held beside the trunk within a bound of bytes. On the engine's thread.
///
/// Counts what is routed where, and between two steps takes in what has been pulled, gives up what is cold, and has the next pulled.
/// Within a step nothing moves. Where a row is computed does not show in its bits (P1), so nobody needs to know.
package final class ExpertCache {
    /// Steps between two looks at the plan: often enough to be full within a few dozen tokens.
    package static let stepsPerPlan = 8
    /// What is left of the counts after each plan: half of them after some 180 steps.
    static let memory = 0.97

    package let bytesMax: Int
    /// The bytes that an expert will take, or nil where it may not come.
    private let bytes: (ExpertSet.Member) -> Int?
    private let pulling: any ExpertPulling
    private var residents: [String: CachedExpert] = [:]
    private var tables: [CacheTable] = []
    /// What is on its way; its room is kept.
    private var pending: (member: ExpertSet.Member, bytes: Int)?
    /// By hash: what packing found, which padding makes a little more than what was assumed.
    private var measured: [String: Int] = [:]
    private var refused: Set<String> = []
    private var steps = 0
    private var hasRouted = false

    package init(bytesMax: Int, pulling: any ExpertPulling, bytes: @escaping (ExpertSet.Member) -> Int?) {
        self.bytesMax = bytesMax
        self.pulling = pulling
        self.bytes = bytes
    }

    /// Bytes of packed pairs held.
    package var bytesHeld: Int { residents.values.reduce(0) { $0 + $1.bytes } }
    package var names: [String] { residents.values.map(\.name).sorted() }

    /// By expert id: what is here.
    package func residents(of set: ExpertSet) -> [CachedExpert?] { tables[table(of: set)].residents }

    /// Whether all experts of a set are in this process, here or in the set.
    package func holdsAll(of set: ExpertSet) -> Bool { tables[table(of: set)].holdsAll }

    /// Counts the rows that a step routes to each expert.
    package func note(_ routing: GroupRouting) {
        let table = table(of: routing.set)
        hasRouted = true
        for pair in routing.pairs where pair.expert < routing.set.experts.count {
            tables[table].heat[pair.expert] += Double(pair.count)
        }
    }
}

// Between two steps.
extension ExpertCache {
    package func swap() -> [CacheChange] {
        var changes: [CacheChange] = []
        if pending != nil, let pulled = pulling.take() { changes.append(contentsOf: arrived(pulled)) }
        if hasRouted { steps += 1 }
        hasRouted = false
        if pending == nil, steps >= Self.stepsPerPlan {
            steps = 0
            changes += plan()
        }
        if !changes.isEmpty { for index in tables.indices { tables[index].refresh(residents) } }
        return changes
    }

    private func arrived(_ pulled: PulledExpert) -> [CacheChange] {
        guard let pending, pending.member.hash == pulled.hash else { return [] }
        self.pending = nil
        // The next one need not wait for more steps.
        steps = Self.stepsPerPlan
        switch pulled.result {
        case .failure(let error):
            refused.insert(pulled.hash)
            return [.refused(name: pending.member.name, error)]
        case .success(let expert):
            measured[expert.hash] = expert.bytes
            guard bytesHeld + expert.bytes <= bytesMax else { return [] }
            residents[expert.hash] = expert
            return [.cached(expert)]
        }
    }

    private func plan() -> [CacheChange] {
        let members = candidates()
        let plan = CachePlan(members.values.map(\.candidate), bytesMax: bytesMax)
        for index in tables.indices { tables[index].cool(by: Self.memory) }
        let changes = plan.evictions.compactMap { residents.removeValue(forKey: $0) }.map(CacheChange.evicted)
        if let hash = plan.pull, let next = members[hash] {
            pending = (next.member, next.candidate.bytes)
            pulling.pull(next.member)
        }
        return changes
    }

    /// By hash: what may be here, in any set that is in use.
    private func candidates() -> [String: (member: ExpertSet.Member, candidate: CachePlan.Candidate)] {
        var found: [String: (member: ExpertSet.Member, candidate: CachePlan.Candidate)] = [:]
        for table in tables {
            for (member, heat) in zip(table.set.experts, table.heat) where !member.isResident {
                if found[member.hash] != nil {
                    found[member.hash]?.candidate.heat += heat
                } else if !refused.contains(member.hash), let bytes = measured[member.hash] ?? bytes(member) {
                    let candidate = CachePlan.Candidate(
                        hash: member.hash, heat: heat, bytes: bytes, isCached: residents[member.hash] != nil)
                    found[member.hash] = (member, candidate)
                }
            }
        }
        // Of a set that nobody uses any more.
        for expert in residents.values where found[expert.hash] == nil {
            let member = ExpertSet.Member(name: expert.name, hash: expert.hash, gateKinds: [], isResident: false)
            found[expert.hash] = (
                member, CachePlan.Candidate(hash: expert.hash, heat: 0, bytes: expert.bytes, isCached: true)
            )
        }
        return found
    }

    private func table(of set: ExpertSet) -> Int {
        if let index = tables.firstIndex(where: { $0.set === set }) { return index }
        if tables.count == RoutedExpertBank.liveVersionsMax { tables.removeFirst() }
        tables.append(CacheTable(set, residents))
        return tables.count - 1
    }
}

/// What the cache is to one set, by expert id.
private struct CacheTable {
    let set: ExpertSet
    /// Rows routed, older ones counting less.
    var heat: [Double]
    private(set) var residents: [CachedExpert?] = []
    private(set) var holdsAll = false

    init(_ set: ExpertSet, _ cached: [String: CachedExpert]) {
        self.set = set
        heat = Array(repeating: 0, count: set.experts.count)
        refresh(cached)
    }

    mutating func refresh(_ cached: [String: CachedExpert]) {
        residents = set.experts.map { cached[$0.hash] }
        holdsAll = zip(set.experts, residents).allSatisfy { $0.isResident || $1 != nil }
    }

    mutating func cool(by factor: Double) { for index in heat.indices { heat[index] *= factor } }
}
