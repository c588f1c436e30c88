import Messaging
import Routing

/// Where the experts of mixture layers are, and the rules of moving them.
extension ExpertPlan {
    /// Which model a placement is about.
    package func spreadModel(of change: ChangeExperts) throws(Messaging.Failure) -> String {
        let spread = Set(shareholders.values).sorted()
        if change.model.isEmpty, spread.count == 1 { return spread[0] }
        guard spread.contains(change.model) else {
            throw Messaging.Failure(
                id: change.id, kind: .invalidParameter,
                message: change.model.isEmpty
                    ? "the topology spreads \(spread.count) models over workers; name one (--model)"
                    : "\(change.model) is no model whose experts are spread over workers; the topology has "
                        + (spread.isEmpty ? "none" : spread.joined(separator: ", ")))
        }
        return change.model
    }

    /// Who gives and who takes. Whether every expert has a place the trunk knows, and which there are the weight file.
    ///
    /// - Parameter workers: those that are connected.
    package func move(
        _ change: ChangeExperts, of model: String, among workers: [ConnectedWorker]
    ) throws(Messaging.Failure) -> ShareMove {
        let able = workers.filter { $0.isReady && $0.hasDataEndpoint && shareholders[$0.name] == model }
        var after: [String: [String]] = [:]
        for share in change.shares {
            guard able.contains(where: { $0.name == share.worker }) else {
                throw Messaging.Failure(
                    id: change.id, kind: .noWorker,
                    message: "\(share.worker) is no ready worker with experts of \(model); ready are "
                        + (able.isEmpty ? "none" : able.map(\.name).joined(separator: ", ")))
            }
            guard after.updateValue(Set(share.experts).sorted(), forKey: share.worker) == nil else {
                throw Messaging.Failure(
                    id: change.id, kind: .invalidParameter, message: "\(share.worker) is named twice")
            }
        }
        // One that is to have nothing could not say which model it belongs to.
        for worker in able where after[worker.name]?.isEmpty ?? true {
            throw Messaging.Failure(
                id: change.id, kind: .invalidParameter,
                message: "\(worker.name) would be left without an expert; give it one, or stop it")
        }
        return ShareMove(
            before: Dictionary(
                able.map { ($0.name, $0.experts.map(\.expert).sorted()) }, uniquingKeysWith: { first, _ in first }),
            after: after)
    }

    /// What a worker, or a trunk, is told of a manifest. Nothing where the topology has changed under it.
    func shares(for worker: String, isTrunk: Bool, _ manifest: ExpertsManifest.Model) -> [PlacedShare] {
        guard let shares = manifest.shares, shares.keys.allSatisfy({ shareholders[$0] != nil }) else { return [] }
        return shares.sorted { $0.key < $1.key }.filter { isTrunk || $0.key == worker }.map {
            PlacedShare(worker: $0.key, experts: $0.value)
        }
    }
}
