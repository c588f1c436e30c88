import ArgumentParser
import Digest
import ExpertStore
import Weights

struct ExpertVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Hashes every file of experts, reads every number, and compares with a trunk.",
        discussion: "Ends with 3 where an expert is refused; all are looked at first.")

    @Argument(help: "A store, a trunk's folder in it, or an expert's folder.") var path: String = "experts"
    @Option(
        help: ArgumentHelp("The trunk: its hash and shapes must be those the experts were made for.", valueName: "file")
    )
    var model: String?
    @Flag(help: "Print one JSON object.") var json = false

    private struct Verdict: Encodable {
        let id: String
        let folder: String
        let ok: Bool
        let sites: Int?
        let error: String?
    }

    private struct Output: Encodable {
        let ok: Bool
        let experts: [Verdict]
    }

    func run() throws {
        let trunk = try model.map { try TrunkFacts(path: $0) }
        let verdicts = try ExpertStore.list(path).map { verdict($0, trunk) }
        let isGood = verdicts.allSatisfy(\.ok)
        if json {
            try JSONOutput.print(Output(ok: isGood, experts: verdicts))
        } else {
            for verdict in verdicts {
                print(
                    verdict.ok
                        ? "\(verdict.id): good, \(verdict.sites ?? 0) sites"
                        : "\(verdict.id): \(verdict.error ?? "")".printable)
            }
        }
        if !isGood { throw CommandFailure.refused("") }
    }

    private func verdict(_ expert: StoredExpert, _ trunk: TrunkFacts?) -> Verdict {
        do {
            let adapter = try expert.verify(trunk: trunk.map { ($0.configuration, $0.hash) })
            return Verdict(id: expert.id, folder: expert.folder, ok: true, sites: adapter.pairs.count, error: nil)
        } catch {
            return Verdict(id: expert.id, folder: expert.folder, ok: false, sites: nil, error: error.description)
        }
    }
}

/// What experts are compared with.
struct TrunkFacts {
    let configuration: ModelConfiguration
    let hash: SHA256Digest

    init(path: String) throws {
        let checkpoint = try Checkpoint.open(path)
        configuration = checkpoint.configuration
        hash = try ExpertStore.hash(of: checkpoint)
    }
}
