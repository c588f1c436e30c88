import Learning
import Testing
import Weights

/// Pairs and gates in some layers only: the way back ends at the lowest of them.
struct LayerChoiceTests {
    private static let plan = PassPlan(shards: 2, blocksMax: 3, blockTokensMax: 17, traceBytesMax: 1 << 20)

    private static func parameters(
        _ goldens: TorchGoldens, layers: Set<Int>?, sites: Set<Site> = Set(Site.allCases), newRows: Int = 3,
        trained: Set<ParameterPlan.Kind>
    ) throws -> Parameters {
        let plan = ParameterPlan(
            sites: sites, layers: layers, rank: 4, scale: 1.5, hasGates: true, newRows: newRows, trained: trained)
        let parameters = Parameters(plan, for: goldens.trunk.configuration)
        for entry in parameters.entries { parameters.set(entry, to: try goldens.floats(entry.name)) }
        return parameters
    }

    /// B of layer 0 zero: what is computed is what a model without pairs there computes.
    private static func silenced(_ goldens: TorchGoldens) throws -> Parameters {
        let all = try parameters(goldens, layers: nil, trained: [.pairs, .gates, .rows])
        for entry in all.entries where entry.name.contains("layers.0.") && entry.name.hasSuffix("lora_B.weight") {
            all.set(entry, to: Array(repeating: 0, count: entry.count))
        }
        return all
    }

    @Test(arguments: [Set(Site.allCases), [.q, .v], [.o, .down], [.up], [.down]], [0, 1 << 30])
    func theGradientOfTheUpperLayerIsThatOfTheWholeModel(sites: Set<Site>, traceBytesMax: Int) throws {
        let goldens = try TorchGoldens()
        let some = try Self.parameters(goldens, layers: [1], sites: sites, trained: [.pairs, .gates])
        #expect(some.lowestReached == 1)
        #expect(some.entries.count == 3 + 3 * sites.count - (goldens.trunk.configuration.tiedEmbeddings ? 2 : 1))
        let whole = try Self.silenced(goldens)
        for entry in whole.entries where entry.name.hasSuffix("lora_B.weight") {
            guard !some.entries.contains(where: { $0.name == entry.name }) else { continue }
            whole.set(entry, to: Array(repeating: 0, count: entry.count))
        }
        var plan = Self.plan
        plan.traceBytesMax = traceBytesMax
        let blocks = try goldens.blocks
        let (few, full) = (BatchPass(goldens.trunk, some, plan), BatchPass(goldens.trunk, whole, plan))
        #expect(few.run(blocks, weight: 1) == full.run(blocks, weight: 1))
        for entry in some.entries.filter({ $0.name.contains("layers.1.") }) {
            let twin = try #require(whole.entries.first { $0.name == entry.name })
            #expect(few.gradient(of: entry) == full.gradient(of: twin), "\(entry.name)")
            #expect(few.gradient(of: entry).contains { $0 != 0 })
        }
    }

    /// Rows are read below every layer: with a choice of layers that part of their gradient is left out, the head's stays.
    @Test func newRowsLearnWhereTheyArePredicted() throws {
        let goldens = try TorchGoldens()
        let blocks = try goldens.blocks
        let rowsOnly = try Self.parameters(goldens, layers: [1], trained: [.rows])
        #expect(rowsOnly.lowestReached == goldens.trunk.configuration.layerCount)
        let both = try Self.parameters(goldens, layers: [1], trained: [.rows, .pairs])
        #expect(both.lowestReached == 1)
        #expect(try Self.parameters(goldens, layers: nil, trained: [.rows]).lowestReached == 0)
        let (head, pairs) = (
            BatchPass(goldens.trunk, rowsOnly, Self.plan), BatchPass(goldens.trunk, both, Self.plan)
        )
        let loss = head.run(blocks, weight: 1)
        #expect(loss == pairs.run(blocks, weight: 1))
        let rows = rowsOnly.entries.filter { $0.name.hasSuffix("new_rows") }
        for entry in rows {
            let twin = try #require(both.entries.first { $0.name == entry.name })
            #expect(head.gradient(of: entry) == pairs.gradient(of: twin), "\(entry.name)")
        }
        let name = try #require(rows.last).name
        let entry = try #require(rowsOnly.entries.first { $0.name == name })
        #expect(head.gradient(of: entry).contains { $0 != 0 })
    }

    @Test func layersBelowTakeNoMemoryForTraces() throws {
        let goldens = try TorchGoldens()
        let configuration = goldens.trunk.configuration
        let all = try Self.parameters(goldens, layers: nil, newRows: 0, trained: [.pairs])
        let some = try Self.parameters(goldens, layers: [1], newRows: 0, trained: [.pairs])
        #expect(BatchPass(goldens.trunk, all, Self.plan).keptLayers == 2)
        #expect(BatchPass(goldens.trunk, some, Self.plan).keptLayers == 1)
        let bound = { BatchPass.bytesMax(configuration, $0, Self.plan) }
        #expect(bound(some) < bound(all))
    }
}
