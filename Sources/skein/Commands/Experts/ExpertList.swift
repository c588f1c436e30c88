import ArgumentParser
import Digest
import ExpertStore

struct ExpertList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the experts in a store, a trunk's folder, or one folder.",
        discussion: "Reads manifests only; `skein expert verify` reads the files.")

    @Argument(help: "A store, a trunk's folder in it, or an expert's folder.") var path: String = "experts"
    @Flag(help: "Print one JSON object.") var json = false

    private struct Output: Encodable {
        let experts: [ExpertSummary]
    }

    func run() throws {
        let experts = try ExpertStore.list(path)
        if json { return try JSONOutput.print(Output(experts: experts.map(ExpertSummary.init))) }
        let rows = experts.map {
            [$0.id, $0.manifest.kind.rawValue, $0.manifest.trunk.name, $0.manifest.licence, $0.folder]
        }
        for row in ExpertTable.aligned([["expert", "kind", "trunk", "licence", "folder"]] + rows) { print(row) }
    }
}

/// What a manifest says, for JSON.
struct ExpertSummary: Encodable {
    let id: String
    let name: String
    let kind: String
    let trunk: String
    let trunkSHA256: String
    let licence: String
    let folder: String
    let files: [String: String]
    let provenance: [String: String]

    init(_ expert: StoredExpert) {
        let manifest = expert.manifest
        id = expert.id
        name = expert.name
        kind = manifest.kind.rawValue
        trunk = manifest.trunk.name
        trunkSHA256 = manifest.trunk.hash.hex
        licence = manifest.licence
        folder = expert.folder
        files = manifest.files.mapValues(\.hex)
        provenance = manifest.provenance
    }
}

/// Columns of text.
enum ExpertTable {
    static func aligned(_ rows: [[String]]) -> [String] {
        let rows = rows.map { row in row.map(\.printable) }
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).enumerated().map { index, cell in
                index == row.count - 1 ? cell.0 : cell.0 + String(repeating: " ", count: cell.1 - cell.0.count)
            }.joined(separator: "  ")
        }
    }
}
