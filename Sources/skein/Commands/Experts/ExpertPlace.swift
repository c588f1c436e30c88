import ArgumentParser
import Client
import Inference
import Messaging
import Topology
import Weights
import WorkerService

struct ExpertPlace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "place",
        abstract: "Moves the experts of a mixture among the workers of a running cluster.",
        discussion: """
            To where mixture: placement: of the topology file, as edited since the launch, puts them, or with --plan to where \
            `skein stats --plan` would. Workers load what is new to them beside what they have, the trunk asks them from its next \
            dispatch on, and only then the others let go: answers that are under way stay the same, to the bit. A worker needs room for \
            both, within its megabytes. The cluster's manifest keeps the placement beyond a restart. Needs a key with the role operator, \
            where the cluster has keys.
            """)

    @OptionGroup var cluster: ClusterOptions
    @Flag(help: "By the load since the router started, for even work.") var plan = false
    @Option(help: "The model; default: the only one that is spread over workers.") var model = ""
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        guard plan || cluster.socket == nil else {
            throw CommandFailure.usage(
                "without --plan the topology says where the experts go: give --topology, not --socket")
        }
        let shares = plan ? nil : try sharesOfTopology()
        let client = try await cluster.connect()
        defer { client.close() }
        let wanted: (model: String, shares: [PlacedShare])
        if let shares {
            wanted = shares
        } else {
            let advice = try await PlacementAdvice(model: model, of: client)
            wanted = (advice.model, advice.shares)
        }
        let changed = try await client.change(
            ChangeExperts(id: .random(), change: .place, model: wanted.model, shares: wanted.shares))
        try Output(changed, wanted.shares).show(json)
    }

    private func sharesOfTopology() throws -> (model: String, shares: [PlacedShare]) {
        let topology = try cluster.loadTopology()
        let spread = topology.models.filter { $0.mixture != nil && (model.isEmpty || $0.name == model) }
        guard spread.count == 1, let entry = spread.first else {
            let names = topology.models.filter { $0.mixture != nil }.map(\.name).joined(separator: ", ")
            throw CommandFailure.usage(
                "\(topology.path): \(names.isEmpty ? "no model has mixture:" : "name one of \(names) with --model")")
        }
        let places = try MixturePlan(topology, entry, Checkpoint.open(entry.file)).places
        return (
            entry.name,
            places.sorted { $0.key < $1.key }.map { worker, places in
                PlacedShare(
                    worker: worker,
                    experts: places.map {
                        MixtureNames.wire(MixtureCell(layer: $0.layer, expert: $0.expert), of: entry.name)
                    })
            }
        )
    }

    private struct Output: Encodable {
        let model: String
        let version: UInt64
        /// By worker: how many experts each has.
        let experts: [String: Int]

        init(_ changed: ExpertsChanged, _ shares: [PlacedShare]) {
            model = changed.model
            version = changed.version
            experts = Dictionary(shares.map { ($0.worker, $0.experts.count) }, uniquingKeysWith: { first, _ in first })
        }

        func show(_ json: Bool) throws {
            if json { return try JSONOutput.print(self) }
            let each = experts.sorted { $0.key < $1.key }.map { "\($0.key) has \($0.value)" }.joined(separator: ", ")
            print("the experts of \(model) are where they are to be, version \(version): \(each)")
        }
    }
}

extension PlacementAdvice {
    /// Of each worker what the plan gives it, over all layers.
    var shares: [PlacedShare] {
        workers.map { worker in
            PlacedShare(
                worker: worker,
                experts: layers.flatMap { layer in
                    (layer.planned[worker] ?? []).map {
                        MixtureNames.wire(MixtureCell(layer: layer.layer, expert: $0), of: model)
                    }
                })
        }
    }
}
