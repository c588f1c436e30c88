import ArgumentParser
import Client
import Digest
import ExpertStore
import Foundation
import Messaging

struct ExpertPublish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Gives an expert to a running cluster.",
        discussion: """
            A worker loads and verifies it, the trunk takes its gates between two steps, and the cluster's manifest keeps it beyond \
            a restart. Requests that run go on with the experts they began with. Where the router reads the same folder it has to \
            stay there; where it does not, the files are sent. Needs a key with the role operator, where the cluster has keys.
            """)

    @Argument(help: "The expert's folder, with its expert.yaml.") var folder: String
    @OptionGroup var cluster: ClusterOptions
    @Option(help: "Who is to hold it; default: the worker with the most room.") var worker: String?
    @Option(name: .customLong("to-model"), help: "The routed model; default: the only one.") var model: String?
    @Flag(help: "Not into the set yet: answers are rehearsed with it, and `skein stats` shows what it would change.")
    var shadow = false
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let path = URL(filePath: folder).standardizedFileURL.resolvingSymlinksInPath().path
        let expert = try StoredExpert(folder: path)
        // Before anything of it leaves this machine: its files are those that it lists.
        try expert.verify()
        let publication = ExpertPublication(expert, shadow: shadow, worker: worker, model: model)
        try await publication.perform(on: try await cluster.connect(), json: json)
    }
}

/// An expert on its way into a running cluster.
struct ExpertPublication: Sendable {
    private let change: ChangeExperts
    private let id: String

    init(_ expert: StoredExpert, shadow: Bool, worker: String? = nil, model: String? = nil) {
        let path = URL(filePath: expert.folder).standardizedFileURL.resolvingSymlinksInPath().path
        id = expert.id
        change = ChangeExperts(
            id: .random(), change: .publish, model: model ?? "", expert: expert.name,
            sha256: expert.manifest.contentHash.hex, folder: path, worker: worker ?? "", shadow: shadow)
    }

    func perform(on client: RouterClient, json: Bool) async throws {
        defer { client.close() }
        let changed = try await client.change(change)
        try ExpertsChangedOutput(changed).show(
            json, "published \(change.shadow ? "the shadow " : "")\(id) on \(changed.worker)")
    }
}

extension PublishOptions {
    /// Does it where it was asked for.
    func giveToCluster(_ expert: StoredExpert, json: Bool) throws {
        guard publish else { return }
        let publication = ExpertPublication(expert, shadow: shadow)
        let door = try cluster.frontDoor()
        try OnPool.wait { try await publication.perform(on: try await door.connect(), json: json) }
    }
}

struct ExpertRetire: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire", abstract: "Takes an expert out of a running cluster.",
        discussion: """
            New requests do not meet it; those that run go on with it. An expert of the topology stays out until it is published again.
            """)

    @Argument(help: "The expert's name.") var name: String
    @OptionGroup var cluster: ClusterOptions
    @Option(name: .customLong("from-model"), help: "The routed model; default: the only one.") var model: String?
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let client = try await cluster.connect()
        defer { client.close() }
        let changed = try await client.change(
            ChangeExperts(id: .random(), change: .retire, model: model ?? "", expert: name))
        try ExpertsChangedOutput(changed).show(json, "retired \(name)")
    }
}

struct ExpertPromote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote", abstract: "Makes a shadow a member of a running cluster's set.")

    @Argument(help: "The expert's name.") var name: String
    @OptionGroup var cluster: ClusterOptions
    @Option(name: .customLong("of-model"), help: "The routed model; default: the only one.") var model: String?
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let client = try await cluster.connect()
        defer { client.close() }
        let changed = try await client.change(
            ChangeExperts(id: .random(), change: .promote, model: model ?? "", expert: name))
        try ExpertsChangedOutput(changed).show(json, "promoted \(name)")
    }
}

/// What has become of a model's set.
private struct ExpertsChangedOutput: Encodable {
    let model: String
    let version: UInt64
    let worker: String?
    let experts: [String]

    init(_ changed: ExpertsChanged) {
        model = changed.model
        version = changed.version
        worker = changed.worker.isEmpty ? nil : changed.worker
        experts = changed.experts
    }

    func show(_ json: Bool, _ what: String) throws {
        if json { return try JSONOutput.print(self) }
        print("\(what); \(model) has version \(version): \(experts.joined(separator: ", "))")
    }
}
