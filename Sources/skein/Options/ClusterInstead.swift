import ArgumentParser
import Client
import Gating
import Messaging
import Topology

/// A cluster that computes what a command otherwise computes in its own process.
struct ClusterInstead: ParsableArguments {
    @Option(
        help: ArgumentHelp("Ask the running cluster of this topology instead of a model here.", valueName: "file"))
    var topology: String?

    @Option(
        name: .customLong("to"),
        help: ArgumentHelp("With --topology: the node asked (default: the topology's).", valueName: "node"))
    var node: String?

    var isWanted: Bool { topology != nil }

    func validate() throws {
        if node != nil, topology == nil { throw ValidationError("--to needs --topology; name the cluster's file") }
    }

    /// Exactly one of the two computes.
    func check(_ model: ModelOptions, _ experts: ExpertOptions, trace: Bool) throws {
        guard isWanted else {
            if model.model.isEmpty {
                throw ValidationError("give --model FILE, or --topology FILE of a running cluster")
            }
            return
        }
        if !model.model.isEmpty { throw ValidationError("--model and --topology are one too many; give one of them") }
        if !experts.experts.isEmpty { throw ValidationError("--experts: a cluster's experts are its topology's") }
        if trace { throw ValidationError("--trace needs --model: choices do not travel over the wire") }
    }

    /// Follows a query to its answer. Who goes away meanwhile leaves it to its lease.
    func answer(to query: Query, emit: @escaping @Sendable (ClientEvent) -> Void = { _ in }) throws -> Answer {
        let door = try FrontDoor(try cluster())
        let answer = try OnPool.wait {
            let client = try await door.connect()
            defer { client.close() }
            return await Answer.of(client.submit(query), emit: emit)
        }
        if let failure = answer.failure { throw CommandFailure(failure) }
        return answer
    }

    private func cluster() throws -> ClusterTopology { try ClusterTopology(contentsOf: topology ?? "") }

    /// What was asked for, or nil where the node's model has no experts and nothing was asked for.
    func route(_ options: ExpertOptions, topK: Int? = nil) throws -> Messaging.RouteOptions? {
        let cluster = try cluster()
        let entry = (node ?? cluster.defaultNode).flatMap { cluster.node($0) }
        let isRouted = entry?.model.flatMap(cluster.model)?.experts != nil
        let isAsked = options.route != nil || (topK ?? options.topK) != nil
        return isRouted || isAsked ? options.wire(topK: topK) : nil
    }
}

extension ExpertOptions {
    /// For the wire, where what is unset is the topology's default: of the null expert and the common one only what was said here counts.
    fileprivate func wire(topK given: Int?) -> Messaging.RouteOptions {
        Messaging.RouteOptions(
            method: route ?? "", topK: UInt32(clamping: given ?? topK ?? 0),
            temperature: temperature == 1 ? 0 : temperature, null: null, common: common)
    }
}
