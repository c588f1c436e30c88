import Testing
import Topology

@Suite("Topology: mixtures spread over workers")
struct MixtureTopologyTests {
    @Test func everyKeyIsRead() throws {
        let topology = try parse(
            spread(
                "{placement: [{layers: 0-11, workers: [a]}, {layers: 12-29, experts: 3, workers: [a, b]}], on_missing: renormalise}",
                workers: "  - {name: a, experts: {model: m, megabytes: 12}}\n  - {name: b, experts: {file: mine.gguf}}")
        )
        let entry = try #require(topology.model("m")?.mixture)
        #expect(entry.onMissing == .renormalise)
        guard case .rules(let rules) = entry.placement else { throw Unexpected() }
        #expect(rules.map(\.layers) == [0...11, 12...29] && rules.map(\.experts) == [nil, 3...3])
        #expect(rules.map(\.workers) == [["a"], ["a", "b"]])
        let share = try #require(topology.worker("a")?.share)
        #expect(share.model == "m" && share.megabytes == 12 && share.file == "/srv/skein/m.gguf")
        #expect(topology.worker("b")?.share?.file == "/srv/skein/mine.gguf")
        #expect(topology.worker("b")?.data?.bind.description == "ipc://" + topology.paths.socket("data-b"))
    }

    @Test(arguments: [
        ("{placement: [{layers: 0-3, workers: [a]}, {layers: 3-9, workers: [b]}]}", "placed by line"),
        ("{placement: [{layers: 9-3, workers: [a]}, {workers: [b]}]}", "is no range"),
        ("{placement: [{layers: x, workers: [a]}, {layers: 1, workers: [b]}]}", "`x` is no range"),
        (
            "{placement: [{layers: 0, workers: [a, c]}, {layers: 1, workers: [b]}]}",
            "`c` is no worker with experts of `m`"
        ),
        ("{placement: [{workers: [a]}]}", "no rule of `m` places an expert on `b`"),
        ("{placement: [{layers: 0}, {layers: 1, workers: [a, b]}]}", "is missing or empty"),
        ("{placement: everywhere}", "expected a list"),
        ("{copies: 3}", "3 copies of the experts of `m` need as many workers"),
        ("{copies: 2, placement: [{workers: [a, b]}]}", "goes with placement: auto"),
        ("{on_missing: ignore}", "`ignore` is not known"),
    ])
    func mistakesAreNamed(_ entry: String, _ message: String) throws {
        let workers = "  - {name: a, experts: {model: m}}\n  - {name: b, experts: {model: m}}"
        let text = try problems(spread(entry, workers: workers))
        #expect(text.contains(message), "\(text)")
    }

    @Test func aModelNeedsWorkersAndATrunk() throws {
        #expect(
            try problems(spread("{}", workers: "  - {name: w, models: [m]}")).contains("no worker has experts of `m`"))
        let both = spread(
            "{}\n    experts: {store: s, names: [x], pinned: [x]}", workers: "  - {name: a, experts: {model: m}}")
        #expect(try problems(both).contains("go together in no model"))
        #expect(
            try problems(spread("{}", workers: "  - {name: a, experts: {model: m, names: [x]}}")).contains(
                "is about low-rank experts"))
    }

    private struct Unexpected: Error {}

    private func spread(_ entry: String, workers: String) -> String {
        """
        name: spread
        router: {trunk: [m]}
        models:
          - name: m
            file: m.gguf
            mixture: \(entry)
        workers:
        \(workers)
        """
    }

    private func problems(_ yaml: String) throws -> String {
        do {
            _ = try parse(yaml)
            return ""
        } catch let error as TopologyError { return "\(error)" }
    }
}

@Suite("Plans of mixtures' experts")
struct MixturePlanTests {
    private let shape = MixturePlan.Shape(layers: [0, 2], experts: 4, bytesPerExpert: 1 << 20)

    @Test func rulesAreFollowed() throws {
        let plan = try plan(
            "{placement: [{layers: 0, workers: [a]}, {layers: 2, experts: 0-2, workers: [b]}, {layers: 2, experts: 3, workers: [a, b]}]}"
        )
        #expect(plan["a"] == ["0.0", "0.1", "0.2", "0.3", "2.3"])
        #expect(plan["b"] == ["2.0", "2.1", "2.2", "2.3"])
    }

    @Test func memoryShares() throws {
        #expect(
            try plan("{}", megabytes: [30, 10]) == [
                "a": ["0.0", "0.1", "0.2", "2.0", "2.1", "2.2"], "b": ["0.3", "2.3"],
            ])
        let twice = try plan("{copies: 2}", megabytes: [10, 10])
        #expect(twice["a"] == twice["b"] && twice["a"]?.count == 8)
    }

    @Test(arguments: [
        (
            "{placement: [{layers: 0, workers: [a]}, {layers: 2, experts: 0-2, workers: [b]}]}",
            "expert 3 of layer 2 is nowhere"
        ),
        ("{placement: [{layers: 1, workers: [a]}, {layers: 2, workers: [b]}]}", "the model's mixture layers are 0, 2"),
        ("{placement: [{experts: 0-4, workers: [a, b]}]}", "a layer has experts 0-3"),
    ])
    func mistakesAreNamed(_ entry: String, _ message: String) throws {
        #expect { try plan(entry) } throws: { "\($0)".contains(message) }
    }

    @Test func whatDoesNotFitIsRefused() throws {
        #expect { try plan("{}", megabytes: [3, 3]) } throws: {
            "\($0)".contains("4 experts of 1024 KiB go to worker a")
        }
    }

    @Test("more places than a message can tell of are refused, copies counted", arguments: [(4096, 1), (2048, 2)])
    func tooMany(_ most: Int, _ copies: Int) throws {
        let entry = "{copies: \(copies)}"
        func placed(_ experts: Int) throws -> Int {
            let shape = MixturePlan.Shape(layers: Array(0..<16), experts: experts / 16, bytesPerExpert: 1)
            return try plan(entry, shape: shape).values.joined().count
        }
        #expect(try placed(most) == MixturePlan.placesMax)
        #expect { try placed(most + 16) } throws: { "\($0)".contains("at most 4096 can be spread") }
    }

    private func plan(
        _ entry: String, megabytes: [Int] = [64, 64], shape: MixturePlan.Shape? = nil
    ) throws -> [String: [String]] {
        let topology = try parse(
            """
            name: spread
            router: {trunk: [m]}
            models: [{name: m, file: m.gguf, mixture: \(entry)}]
            workers:
              - {name: a, experts: {model: m}}
              - {name: b, experts: {model: m}}
            """)
        let mixture = try #require(topology.model("m")?.mixture)
        let plan = try MixturePlan(
            mixture, shape ?? self.shape, workers: [("a", megabytes[0]), ("b", megabytes[1])])
        return plan.places.mapValues { $0.map { "\($0.layer).\($0.expert)" } }
    }
}
