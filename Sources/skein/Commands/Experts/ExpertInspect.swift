import ArgumentParser
import ExpertStore
import Weights

struct ExpertInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Shows what one expert is made of.")

    @Argument(help: "The expert's folder.") var folder: String
    @Flag(help: "Print one JSON object.") var json = false

    private struct Site: Encodable {
        let site: String
        let rank: Int
        let scale: Float
        let inputs: Int
        let outputs: Int
        let type: String
    }

    private struct Output: Encodable {
        let expert: ExpertSummary
        let bytes: Int
        let gates: Bool
        let prototypes: Bool
        let averageActivations: Bool
        let topK: Int?
        let epsilon: Double?
        let sites: [Site]
    }

    func run() throws {
        let expert = try StoredExpert(folder: folder)
        let adapter = try expert.adapter()
        if json { return try JSONOutput.print(output(expert, adapter)) }
        print("\(expert.id) (\(expert.manifest.kind.rawValue)) on \(expert.manifest.trunk.name)")
        print("trunk SHA-256 \(expert.manifest.trunk.hash)")
        print("licence \(expert.manifest.licence.printable)")
        for (key, value) in expert.manifest.provenance.sorted(by: { $0.key < $1.key }) {
            print("\(key): \(value)".printable)
        }
        print("\(adapter.pairs.count) sites, \(adapter.byteCount) bytes, \(routing(adapter))")
        for row in ExpertTable.aligned(Self.rows(adapter)) { print(row) }
    }

    private func output(_ expert: StoredExpert, _ adapter: AdapterFolder) -> Output {
        Output(
            expert: ExpertSummary(expert), bytes: adapter.byteCount, gates: adapter.gates != nil,
            prototypes: adapter.prototypes != nil, averageActivations: adapter.averageActivations != nil,
            topK: adapter.gateConfiguration?.topK, epsilon: adapter.gateConfiguration?.epsilon,
            sites: adapter.pairs.map { pair in
                Site(
                    site: pair.site, rank: pair.rank, scale: pair.scale, inputs: pair.inputs, outputs: pair.outputs,
                    type: pair.down.type.name)
            })
    }

    private func routing(_ adapter: AdapterFolder) -> String {
        let kinds = [
            adapter.gates == nil ? nil : "PHATGOOSE gates", adapter.prototypes == nil ? nil : "Arrow prototypes",
            adapter.averageActivations == nil ? nil : "average activations",
        ].compactMap { $0 }
        return kinds.isEmpty ? "nothing to route by" : kinds.joined(separator: ", ")
    }

    /// Sites of one shape together: a model has hundreds of them.
    private static func rows(_ adapter: AdapterFolder) -> [[String]] {
        var groups: [[String]: Int] = [:]
        for pair in adapter.pairs {
            let module = pair.site.split(separator: ".").last.map(String.init) ?? pair.site
            let key = [
                module, "\(pair.rank)", "\(pair.scale)", "\(pair.inputs) -> \(pair.outputs)", pair.down.type.name,
            ]
            groups[key, default: 0] += 1
        }
        let rows = groups.map { $0.key + ["\($0.value)"] }.sorted {
            $0.joined(separator: " ") < $1.joined(separator: " ")
        }
        return [["module", "rank", "scale", "maps", "type", "sites"]] + rows
    }
}
