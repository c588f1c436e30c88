import Messaging
import Routing
import Topology

/// An expert that a worker holds because the worker to which it belongs is lost.
package struct StandIn: Hashable, Sendable {
    package let expert: String
    package let sha256: String
    /// Where this machine has it.
    package let folder: String
    /// In memory.
    package let bytes: UInt64
}

/// Who reads the experts of lost workers from the store, until those are back.
package struct StandIns: Sendable, Equatable {
    /// By worker that was ready once: what it held of its own.
    package private(set) var owned: [String: [Routing.ExpertHolding]] = [:]
    /// By worker: what it was told to hold for others.
    package private(set) var held: [String: [StandIn]] = [:]
    /// Workers that could not, by expert and hash.
    private var unable: [Refusal] = []

    private struct Refusal: Sendable, Equatable {
        let worker: String
        let sha256: String
    }

    static let refusalsMax = 1024

    package init() {}

    package func placed(on worker: String) -> [PlacedExpert] {
        (held[worker] ?? []).map {
            PlacedExpert(expert: $0.expert, sha256: $0.sha256, folder: $0.folder, standIn: true)
        }
    }

    /// Of all that is held for others.
    var hashes: Set<String> { Set(held.values.joined().map(\.sha256)) }

    package func folder(of sha256: String) -> (name: String, folder: String)? {
        held.values.joined().first { $0.sha256 == sha256 }.map { ($0.expert, $0.folder) }
    }

    /// A worker has said that it cannot hold what it was told to hold: others are asked.
    package mutating func refused(by worker: String) {
        unable += (held[worker] ?? []).map { Refusal(worker: worker, sha256: $0.sha256) }
        unable.removeFirst(max(0, unable.count - Self.refusalsMax))
        held[worker] = nil
    }

    /// A worker on a new connection: a new process holds nothing for others yet, whatever the one before it was told.
    package mutating func greet(_ worker: String, holding hashes: [String]) {
        held[worker]?.removeAll { !hashes.contains($0.sha256) }
        if held[worker]?.isEmpty == true { held[worker] = nil }
    }

    /// Takes in who is there now.
    ///
    /// - Returns: the workers that are to be told anew.
    package mutating func update(
        _ workers: [ConnectedWorker], _ plan: ExpertPlan, _ manifest: ExpertsManifest
    ) -> [String] {
        let ready = workers.filter(\.isReady)
        for worker in ready where plan.holder(worker.name) != nil {
            owned[worker.name] = worker.experts.filter { !$0.standIn }
        }
        // A worker that is gone holds nothing for others; one that comes back begins with its own.
        let before = held.filter { entry in workers.contains { $0.name == entry.key } }
        var next: [String: [StandIn]] = [:]
        for (lost, holdings) in owned.sorted(by: { $0.key < $1.key })
        where !ready.contains(where: { $0.name == lost }) {
            guard let model = plan.holder(lost)?.model, plan.reloads(model) else { continue }
            let names = plan.remoteNames(of: model, manifest.models[model] ?? .init())
            for holding in holdings where names.contains(holding.expert) {
                place(holding, model, ready, plan, manifest, before, &next)
            }
        }
        held = next
        return Set(before.keys).union(next.keys).filter { before[$0] ?? [] != next[$0] ?? [] }.sorted()
    }

    private func place(
        _ holding: Routing.ExpertHolding, _ model: String, _ ready: [ConnectedWorker], _ plan: ExpertPlan,
        _ manifest: ExpertsManifest, _ before: [String: [StandIn]], _ next: inout [String: [StandIn]]
    ) {
        let able = ready.filter { $0.hasDataEndpoint && plan.holder($0.name)?.model == model }
        let isHeld = able.contains { worker in
            worker.experts.contains { !$0.standIn && $0.expert == holding.expert && $0.sha256 == holding.sha256 }
        }
        if isHeld || next.values.joined().contains(where: { $0.sha256 == holding.sha256 }) { return }
        let standIn = StandIn(
            expert: holding.expert, sha256: holding.sha256,
            folder: plan.folder(of: holding.expert, model, manifest), bytes: holding.bytes)
        if let stays = before.first(where: { $0.value.contains(standIn) })?.key,
            able.contains(where: { $0.name == stays })
        {
            return next[stays, default: []].append(standIn)
        }
        func room(_ worker: ConnectedWorker) -> Int64 {
            let own = worker.experts.filter { !$0.standIn }.reduce(0) { $0 + $1.bytes }
            let others = (next[worker.name] ?? []).reduce(0) { $0 + $1.bytes }
            return Int64(clamping: plan.holder(worker.name)?.bytesMax ?? 0) - Int64(clamping: own + others)
        }
        let best = able.filter { worker in
            room(worker) >= Int64(clamping: holding.bytes)
                && !unable.contains(Refusal(worker: worker.name, sha256: holding.sha256))
                // Another version under this name is in its way.
                && !worker.experts.contains { !$0.standIn && $0.expert == holding.expert }
        }.max { (room($0), $1.name) < (room($1), $0.name) }
        if let best { next[best.name, default: []].append(standIn) }
    }
}
