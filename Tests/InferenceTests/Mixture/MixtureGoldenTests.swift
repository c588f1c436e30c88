import Gating
import Inference
import Testing

@Suite("Mixtures of experts against transformers")
struct MixtureGoldenTests {
    /// The same weights in another file format give the same bits.
    @Test(arguments: MixtureGolden.inGGUF)
    func aGGUFGivesTheBitsOfTheFolder(name: String) throws {
        let ids = try MixtureGolden.read(name).ids
        let folder = try MixtureGolden.model(name).score(ids, team: TestModels.team)
        let gguf = try MixtureGolden.model(name, inGGUF: true).score(ids, team: TestModels.team)
        #expect(gguf.logitsSHA256 == folder.logitsSHA256)
    }

    @Test(arguments: MixtureGolden.names)
    func logitsAndRoutedExpertsAgree(name: String) throws {
        let golden = try MixtureGolden.read(name)
        var rows: [[Float]] = []
        var routed: [Int: [LayerChoice]] = [:]
        _ = try MixtureGolden.model(name).score(
            golden.ids, team: TestModels.team, chunk: 16,
            observer: { origin, layer, _, _, choice in
                #expect(Int(origin.position) == routed[layer, default: []].count)
                routed[layer, default: []].append(choice)
            },
            visit: { _, logits in rows.append(logits.indices.map { logits[$0] }) })
        let worst =
            golden.rows.flatMap { row in
                zip(rows[row.position], row.logits).map { abs($0 - $1) }
            }.max() ?? .infinity
        #expect(worst < 2e-4, "largest difference \(worst)")
        #expect(golden.rows.allSatisfy { $0.logits.count == rows[$0.position].count })
        #expect(Set(routed.keys) == Set(golden.routed.map(\.layer)))
        for layer in golden.routed {
            let ours = try #require(routed[layer.layer]).map(\.ascending)
            #expect(ours.map { $0.map(\.expert) } == layer.experts, "layer \(layer.layer)")
            let difference = zip(ours.flatMap { $0.map(\.weight) }, layer.weights.flatMap { $0 }).map { abs($0 - $1) }
            #expect(difference.count == golden.ids.count * layer.experts[0].count)
            #expect(difference.allSatisfy { $0 < 2e-5 })
        }
    }
}
