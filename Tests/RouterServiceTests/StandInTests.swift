import Messaging
import RouterService
import Routing
import Testing
import Topology

@Suite("Who holds the experts of lost workers") struct StandInTests {
    private static let yaml = """
        name: plan
        router: {trunk: [m]}
        models:
          - name: m
            file: m.gguf
            experts: {store: store, names: [french, german, swift, manual], pinned: [manual]ON_LOSS}
        workers:
          - {name: a, experts: {names: [french, german, manual], megabytes: 10}}
          - {name: b, experts: {names: [swift], megabytes: 10}}
          - {name: c, experts: {names: [swift], megabytes: 20}}
        """

    private func plan(onLoss: String = "") throws -> ExpertPlan {
        ExpertPlan(try ClusterTopology(yaml: Self.yaml.replacing("ON_LOSS", with: onLoss), path: "/srv/plan.yaml"))
    }

    private func worker(
        _ name: String, _ experts: [String], standIns: [String] = [], isReady: Bool = true, megabytes: UInt64 = 4
    ) -> ConnectedWorker {
        let holdings = (experts + standIns).map {
            Routing.ExpertHolding(
                expert: $0, trunkSHA256: "t", sha256: "sha of \($0)", bytes: megabytes << 20,
                standIn: standIns.contains($0))
        }
        return ConnectedWorker(
            name: name, connection: WorkerConnection(routingID: Array(name.utf8)), isReady: isReady, models: [],
            experts: holdings, hasDataEndpoint: true)
    }

    private var all: [ConnectedWorker] {
        [worker("a", ["french", "german", "manual"]), worker("b", ["swift"]), worker("c", ["swift"])]
    }

    private func held(_ standIns: StandIns) -> [String: [String]] { standIns.held.mapValues { $0.map(\.expert) } }

    @Test("nothing while all are there, or have never been; then whoever has most room, and back")
    func lossAndReturn() throws {
        let plan = try plan(), manifest = ExpertsManifest()
        var standIns = StandIns()
        #expect(standIns.update([worker("b", ["swift"])], plan, manifest).isEmpty)
        #expect(standIns.update(all, plan, manifest).isEmpty)
        #expect(standIns.update(Array(all[1...]), plan, manifest) == ["c"])
        #expect(held(standIns) == ["c": ["french", "german"]])
        #expect(standIns.placed(on: "c").first?.folder == "/srv/store/french")
        #expect(standIns.placed(on: "c").allSatisfy { $0.standIn })
        // Told, it says so; nothing changes by that.
        let told = [worker("b", ["swift"]), worker("c", ["swift"], standIns: ["french", "german"])]
        #expect(standIns.update(told, plan, manifest).isEmpty)
        // The lost one loads: not yet. It is ready: the other may let go.
        #expect(standIns.update(told + [worker("a", [], isReady: false)], plan, manifest).isEmpty)
        #expect(standIns.update(told + [all[0]], plan, manifest) == ["c"])
        #expect(standIns.held.isEmpty)
    }

    @Test("of an expert that another holds nothing is placed; a stand-in that is lost is followed by the next")
    func replicasAndSecondLoss() throws {
        let plan = try plan(), manifest = ExpertsManifest()
        var standIns = StandIns()
        _ = standIns.update(all, plan, manifest)
        #expect(standIns.update([all[0], all[1]], plan, manifest).isEmpty, "b has swift as well")
        _ = standIns.update(all, plan, manifest)
        _ = standIns.update([all[1], all[2]], plan, manifest)
        #expect(standIns.update([all[1]], plan, manifest) == ["b"])
        #expect(held(standIns) == ["b": ["french"]], "10 MiB hold swift and one more")
    }

    @Test("a worker that begins again is told anew, also when nothing else has changed")
    func beginsAgain() throws {
        let plan = try plan(), manifest = ExpertsManifest()
        var standIns = StandIns()
        _ = standIns.update(all, plan, manifest)
        _ = standIns.update([all[1], all[2]], plan, manifest)
        #expect(held(standIns) == ["c": ["french", "german"]])
        // The same process on a new connection has what it says; a new one has nothing of it.
        standIns.greet("c", holding: ["sha of french"])
        #expect(held(standIns) == ["c": ["french"]])
        #expect(standIns.update([all[1], all[2]], plan, manifest) == ["c"])
        standIns.greet("c", holding: [])
        #expect(standIns.held.isEmpty)
        #expect(standIns.update([all[1], all[2]], plan, manifest) == ["c"])
        #expect(held(standIns) == ["c": ["french", "german"]])
    }

    @Test("a worker that cannot is not asked again")
    func refusal() throws {
        let plan = try plan(), manifest = ExpertsManifest()
        var standIns = StandIns()
        _ = standIns.update(all, plan, manifest)
        _ = standIns.update([all[1], all[2]], plan, manifest)
        standIns.refused(by: "c")
        #expect(standIns.update([all[1], all[2]], plan, manifest) == ["b"])
        #expect(held(standIns) == ["b": ["french"]])
        standIns.refused(by: "b")
        #expect(standIns.update([all[1], all[2]], plan, manifest) == ["b"])
        #expect(held(standIns) == ["b": ["german"]], "there was no room for it beside the other")
        standIns.refused(by: "b")
        #expect(standIns.update([all[1], all[2]], plan, manifest).isEmpty && standIns.held.isEmpty)
    }

    @Test("on_loss: wait places nothing; nor does what was retired or is pinned come back")
    func left() throws {
        var standIns = StandIns()
        let waiting = try plan(onLoss: ", on_loss: wait")
        _ = standIns.update(all, waiting, ExpertsManifest())
        #expect(standIns.update([all[1], all[2]], waiting, ExpertsManifest()).isEmpty)
        standIns = StandIns()
        var manifest = ExpertsManifest()
        manifest.models["m", default: .init()].retired = ["german"]
        let plan = try plan()
        _ = standIns.update(all, plan, manifest)
        _ = standIns.update([all[1], all[2]], plan, manifest)
        #expect(held(standIns) == ["c": ["french"]])
    }
}
