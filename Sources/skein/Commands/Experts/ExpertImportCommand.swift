import ArgumentParser
import ExpertStore

struct ExpertImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Brings an adapter into a store as an expert.",
        discussion: """
            Reads a PEFT folder, a LoRA of llama.cpp (.gguf), or .safetensors with the key names of mttl or of \
            r-three/phatgoose; never a pickle. Where there are no Arrow prototypes they are computed and stored.
            """)

    @Argument(help: "The folder or file to bring in.") var source: String
    @Option(help: ArgumentHelp("The trunk that the adapter was made for.", valueName: "file")) var model: String
    @Option(help: "The expert's name: 1 to 64 of A-Z a-z 0-9 . _ -") var name: String
    @Option(help: "What the trunk's folder in the store is called.") var trunk: String
    @Option(help: "The store.") var store: String = "experts"
    @Option(help: "An SPDX licence expression.") var licence: String = "unknown"
    @Option(help: "Where it comes from, for people.") var provenance: String?
    @Option(help: "Which one, of a file that holds several.") var expert: String?
    @Option(help: "s = alpha / rank, for formats that do not store alpha.") var alpha: Double?
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        guard ExpertManifest.isName(name) else { throw ValidationError("--name \(name) is no expert's name") }
        guard ExpertManifest.isName(trunk) else { throw ValidationError("--trunk \(trunk) is no folder's name") }
        guard alpha?.isFinite ?? true else { throw ValidationError("--alpha must be a finite number") }
    }

    func run() throws {
        let facts = try TrunkFacts(path: model)
        let imported = try ExpertImport(
            source: source, store: store, name: name, trunkName: trunk, trunk: facts.configuration,
            trunkHash: facts.hash, licence: licence, provenance: provenance.map { ["source": $0] } ?? [:],
            expert: expert, alpha: alpha
        ).run()
        if json { return try JSONOutput.print(ExpertSummary(imported)) }
        print("\(imported.id) is in \(imported.folder)")
    }
}
