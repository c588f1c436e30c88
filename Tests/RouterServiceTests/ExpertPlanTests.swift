import Foundation
import Messaging
import RouterService
import Routing
import Testing
import Topology

@Suite("What may change about experts") struct ExpertPlanTests {
    private static let yaml = """
        name: plan
        router: {trunk: [m]}
        models:
          - {name: m, file: m.gguf, experts: {store: store, names: [french, german, swift]}}
        workers:
          - {name: a, experts: {names: [french, german], megabytes: 10}}
          - {name: b, experts: {names: [swift], megabytes: 10}}
        """

    private let plan: ExpertPlan

    init() throws {
        plan = ExpertPlan(try ClusterTopology(yaml: Self.yaml, path: "/srv/plan.yaml"))
    }

    private func publish(_ name: String, worker: String = "") -> ChangeExperts {
        ChangeExperts(
            id: .random(), change: .publish, expert: name, sha256: "aa", folder: "/experts/\(name)", worker: worker)
    }

    private func retire(_ name: String) -> ChangeExperts {
        ChangeExperts(id: .random(), change: .retire, expert: name)
    }

    private func refusal(_ change: ChangeExperts, _ manifest: ExpertsManifest.Model) -> Messaging.FailureKind? {
        do {
            _ = try plan.applying(change, to: manifest, of: "m", worker: "a")
            return nil
        } catch { return error.kind }
    }

    @Test("a retired expert of the topology can come back with other content, and leave again")
    func comesBack() throws {
        var manifest = ExpertsManifest.Model()
        manifest = try plan.applying(retire("swift"), to: manifest, of: "m", worker: "")
        #expect(plan.names(of: "m", manifest) == ["french", "german"] && manifest.version == 1)
        manifest = try plan.applying(publish("swift"), to: manifest, of: "m", worker: "a")
        #expect(plan.names(of: "m", manifest) == ["french", "german", "swift"])
        // The one that has a copy of its own from the topology does not hold it any more.
        let (own, other) = (arrangement("a", manifest), arrangement("b", manifest))
        #expect(own.published.map(\.expert) == ["swift"] && other.published.isEmpty && other.retired.contains("swift"))
        manifest = try plan.applying(retire("swift"), to: manifest, of: "m", worker: "")
        #expect(plan.names(of: "m", manifest) == ["french", "german"] && manifest.version == 3)
    }

    private func arrangement(_ worker: String, _ manifest: ExpertsManifest.Model) -> ArrangeExperts {
        plan.arrangement(for: worker, isTrunk: false, of: "m", manifest, request: 1, trunkSHA256: "")
    }

    @Test("names that are there, that are not, and the last one")
    func refusals() throws {
        var manifest = ExpertsManifest.Model()
        #expect(refusal(publish("french"), manifest) == .nameTaken)
        #expect(refusal(publish("../french"), manifest) == .invalidParameter)
        #expect(refusal(retire("nobody"), manifest) == .unknownExpert)
        for name in ["french", "german"] {
            manifest = try plan.applying(retire(name), to: manifest, of: "m", worker: "")
        }
        #expect(refusal(retire("swift"), manifest) == .invalidParameter)
        #expect(refusal(retire("french"), manifest) == .unknownExpert)
    }

    @Test("a shadow is no member until it is promoted, and nothing else changes meanwhile")
    func shadows() throws {
        var shadow = publish("dutch")
        shadow.shadow = true
        let manifest = try plan.applying(shadow, to: .init(), of: "m", worker: "a")
        #expect(plan.names(of: "m", manifest) == ["french", "german", "swift"])
        #expect(refusal(publish("danish"), manifest) == .busy && refusal(retire("swift"), manifest) == .busy)
        #expect(refusal(publish("dutch"), manifest) == .nameTaken)
        let promote = ChangeExperts(id: .random(), change: .promote, expert: "dutch")
        let promoted = try plan.applying(promote, to: manifest, of: "m", worker: "")
        #expect(plan.names(of: "m", promoted) == ["dutch", "french", "german", "swift"])
        #expect(refusal(promote, promoted) == .unknownExpert)
        let retired = try plan.applying(retire("dutch"), to: manifest, of: "m", worker: "")
        #expect(retired.isAsInTopology && retired.version == 2)
    }

    @Test("without a name the ready worker with the most room is chosen")
    func mostRoom() throws {
        let full = worker("a", bytes: 9 << 20), free = worker("b", bytes: 1 << 20)
        #expect(try plan.holder(for: publish("dutch"), of: "m", among: [full, free]) == "b")
        #expect(try plan.holder(for: publish("dutch", worker: "a"), of: "m", among: [full, free]) == "a")
        #expect(
            try plan.holder(for: publish("dutch"), of: "m", among: [worker("b", bytes: 0), worker("a", bytes: 0)])
                == "a")
        #expect(throws: Messaging.Failure.self) {
            try plan.holder(for: publish("dutch"), of: "m", among: [worker("b", bytes: 0, isReady: false)])
        }
    }

    private func worker(_ name: String, bytes: UInt64, isReady: Bool = true) -> ConnectedWorker {
        ConnectedWorker(
            name: name, connection: WorkerConnection(routingID: Array(name.utf8)), isReady: isReady, models: [],
            experts: [.init(expert: "x", trunkSHA256: "t", sha256: "s", bytes: bytes)], hasDataEndpoint: true)
    }

    @Test("the manifest comes back from its file as it was; a file that is none is refused")
    func file() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "skein-manifest-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "experts.json").path
        #expect(try ExpertsManifest(readingFrom: path) == ExpertsManifest())
        var manifest = ExpertsManifest()
        manifest.models["m"] = try plan.applying(publish("dutch"), to: .init(), of: "m", worker: "a")
        try manifest.write(to: path)
        #expect(try ExpertsManifest(readingFrom: path) == manifest)
        try "{".write(toFile: path, atomically: false, encoding: .utf8)
        #expect(throws: ManifestError.self) { try ExpertsManifest(readingFrom: path) }
    }
}
