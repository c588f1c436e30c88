import Digest
import ExpertStore
import Inference
import Kernels
import Messaging
import Topology
import Weights

/// The version of the arithmetic on low-rank pairs: two sides that name the same give the same bits.
enum PairNumerics {
    static let id = "pairs-1"
}

/// One expert as a worker hosts it: verified, packed, by the names of its sites.
struct HostedExpert: Sendable {
    var holding: ExpertHolding
    let pairs: [String: PackedPair]

    var name: String { holding.expert }

    init(_ stored: StoredExpert) throws(WorkerFault) {
        let adapter: AdapterFolder
        do { adapter = try stored.verify() } catch { throw WorkerFault("expert \(stored.name): \(error)") }
        var pairs: [String: PackedPair] = [:]
        do throws(ExpertSetError) {
            for pair in adapter.pairs { pairs[pair.site] = try pair.packed(of: stored.name) }
        } catch { throw WorkerFault(error.message) }
        self.pairs = pairs
        let manifest = stored.manifest
        holding = ExpertHolding(
            expert: stored.name, trunkSHA256: manifest.trunk.hash.hex, sha256: manifest.contentHash.hex,
            gatesSHA256: manifest.files[SiteVectors.Kind.gate.fileName]?.hex ?? "",
            bytes: UInt64(pairs.values.reduce(0) { $0 + $1.bytes }))
    }
}

/// Everything that a worker hosts for trunks elsewhere. Sorted by name.
struct HostedExperts: Sendable {
    let experts: [HostedExpert]

    var bytes: UInt64 { experts.reduce(0) { $0 + $1.holding.bytes } }

    /// - Parameter trunk: the routed model, for its hash where the topology gives it.
    static func load(_ entry: WorkerExperts, trunk: ModelEntry?) throws(WorkerFault) -> HostedExperts {
        let experts = try entry.names.sorted().concurrentMap { name throws(WorkerFault) in
            let stored: StoredExpert
            do { stored = try StoredExpert(folder: "\(entry.store)/\(name)") } catch {
                throw WorkerFault("expert \(name): \(error)")
            }
            let expert = try HostedExpert(stored)
            if let wanted = trunk?.sha256, wanted != expert.holding.trunkSHA256 {
                throw WorkerFault(
                    "expert \(name) was made for a trunk with SHA-256 \(expert.holding.trunkSHA256), \(entry.model) has "
                        + "\(wanted); choose experts of this trunk")
            }
            return expert
        }
        return HostedExperts(experts: experts)
    }

    var holdings: [ExpertHolding] { experts.map(\.holding) }

    func expert(_ name: String) -> HostedExpert? { experts.first { $0.name == name } }
}
