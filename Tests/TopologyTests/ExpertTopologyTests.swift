import Testing
import Topology

@Suite("Topology: experts, their trunk and their wires")
struct ExpertTopologyTests {
    @Test func everyKeyIsRead() throws {
        let topology = try parse(
            """
            name: full
            router: {trunk: {models: [m], threads: 2, capacity: 3, kv_megabytes: 64}}
            security: {keys: k, server_key: r.key}
            models:
              - name: m
                file: m.gguf
                experts:
                  store: ../store
                  names: [swift, french, german]
                  pinned: [swift]
                  cacheable: [german]
                  cache_megabytes: 12
                  route: {method: "single:french", top_k: 3, top_k_max: 4, temperature: 0.5, null: on,
                    methods: [single, arrow:unit]}
                  on_missing: trunkOnly
            workers:
              - {name: a, experts: {model: m, names: [french], store: mine}, key: a.key,
                  data: {bind: "tcp://*:7080", advertise: "tcp://host:7080"}}
              - {name: b, experts: {names: [german, french]}}
            """)
        let experts = try #require(topology.model("m")?.experts)
        #expect(experts.store == "/srv/store" && experts.onMissing == .trunkOnly)
        #expect(experts.experts.map(\.name) == ["french", "german", "swift"])
        #expect(experts.experts.map(\.placement) == [.remote, .cacheable, .pinned] && experts.cacheMegabytes == 12)
        let route = experts.route
        #expect(route.method == "single:french" && route.topK == 3 && route.topKMax == 4)
        #expect(route.temperature == 0.5 && route.null == "on" && route.methods == ["single", "arrow:unit"])
        let a = try #require(topology.worker("a"))
        #expect(a.models.isEmpty && a.experts?.names == ["french"] && a.experts?.store == "/srv/skein/mine")
        #expect(a.data?.bind.description == "tcp://*:7080" && a.data?.advertise.description == "tcp://host:7080")
        #expect(topology.worker("b")?.experts?.store == "/srv/store")
        let trunk = try #require(topology.trunk)
        #expect(trunk.name == "trunk" && trunk.models == ["m"] && trunk.host == .router)
        #expect(trunk.capacity == 3 && trunk.kvMegabytes == 64 && trunk.threads == .count(2))
        #expect(topology.localWorkers.map(\.name) == ["a", "b"])
    }

    @Test func theDefaultsAreThePapers() throws {
        let topology = try parse(routed(workers: "  - {name: a, experts: {names: [french, german]}, replicas: 2}"))
        let experts = try #require(topology.model("m")?.experts)
        #expect(experts.onMissing == .fail && experts.experts.allSatisfy { $0.placement == .remote })
        #expect(experts.cacheMegabytes == 256)
        #expect(experts.route.method == "phatgoose" && experts.route.topK == 2 && experts.route.null == "off")
        #expect(experts.route.temperature == 1 && experts.route.methods == nil)
        #expect(topology.workers.map(\.name) == ["a-1", "a-2", "trunk"])
        // Each replica has a socket of its own, in the private folder.
        let sockets = topology.workers.compactMap { $0.data?.bind.description }
        #expect(sockets == ["a-1", "a-2"].map { "ipc://" + topology.paths.socket("data-\($0)") })
        #expect(topology.defaultNode == "m")
    }

    /// A trunk waits while its experts' workers compute.
    @Test func trunkAndExpertsEachShareAllCores() throws {
        let topology = try parse(routed(workers: "  - {name: a, experts: {names: [french, german]}, replicas: 2}"))
        #expect(topology.workers.map { topology.threads(of: $0, cores: 4) } == [2, 2, 4])
    }

    @Test func theRouterCanServeAlone() throws {
        let topology = try parse(
            """
            name: alone
            router: {trunk: [m]}
            models: [{name: m, file: f, experts: {store: s, names: [x], pinned: [x]}}]
            """)
        #expect(topology.workers.map(\.name) == ["trunk"])
    }
}
