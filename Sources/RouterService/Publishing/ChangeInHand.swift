import ExpertStore
import Messaging
import Routing
import Threading

/// The one change of experts that is under way.
struct ChangeInHand: Sendable {
    enum Stage: Sendable {
        /// The content comes to the router.
        case uploading
        /// The worker loads and verifies.
        case holding
        /// The trunk takes the next set.
        case routing
    }

    /// Loading an expert, packing the gates of all, and opening the set everywhere take less.
    static let patienceMicroseconds: UInt64 = 45_000_000

    var change: ChangeExperts
    let client: ClientConnection
    let model: String
    let before: ExpertsManifest.Model
    var after: ExpertsManifest.Model
    /// Who is to hold what is published.
    let worker: String
    let trunk: ConnectedWorker
    var stage: Stage
    var upload: ContentUpload?
    /// Of a mixture's experts that move.
    var move: ShareMove?
    /// Workers that were asked to hold something else than before, of a move.
    var asked: Set<String> = []
    /// Who is to answer now, and where it was asked.
    var lastAsked = ""
    var connection: WorkerConnection?
    /// What the answers name.
    var request: UInt64
    /// By which the one that is asked must have answered.
    var deadlineMicroseconds: UInt64

    static var nextDeadline: UInt64 { MonotonicClock.nowMicroseconds + patienceMicroseconds }

    /// For messages.
    var what: String { move == nil ? "change of expert \(change.expert)" : "placement of the experts of \(model)" }

    var trunkSHA256: String { trunk.models.first { $0.model == model }?.sha256 ?? "" }
}

/// What the shell keeps about experts that come and go.
struct Publishing: Sendable {
    let plan: ExpertPlan
    let path: String
    /// What was published over the wire.
    let content: ContentStore
    var manifest: ExpertsManifest
    var inHand: ChangeInHand?
    var lastRequest: UInt64 = 0
    /// By worker: the connection on which it heard what the manifest says.
    var told: [String: WorkerConnection] = [:]
    /// Workers came, went or changed since `placeStandIns`.
    var hasNewWorkers = false
    var standIns = StandIns()
    /// By request: the worker that was asked.
    var standInRequests: [UInt64: String] = [:]
    var shadows: ShadowBook

    /// A shadow without rehearsals has an empty report.
    var shadowReports: [ShadowReport] {
        manifest.models.sorted { $0.key < $1.key }.compactMap { model, entry in
            entry.published.first(where: \.isShadow).map { shadow in
                shadows.report(of: shadow.expert, model)
                    ?? ShadowReport(model: model, expert: shadow.expert)
            }
        }
    }

    /// Where this machine has a content that some worker is to hold.
    func place(of sha256: String) -> (name: String, folder: String)? {
        let models = manifest.models.values.map { $0 } + (inHand.map { [$0.after] } ?? [])
        if let found = models.lazy.flatMap(\.published).first(where: { $0.sha256 == sha256 }) {
            return (found.expert, found.folder)
        }
        return standIns.folder(of: sha256)
    }

    /// The hashes of all contents that somebody is to hold, or may be told to.
    var contentInUse: Set<String> {
        let models = manifest.models.values.map { $0 } + (inHand.map { [$0.after] } ?? [])
        return Set(models.flatMap(\.published).map(\.sha256)).union(standIns.hashes)
    }

    func model(_ name: String) -> ExpertsManifest.Model { manifest.models[name] ?? .init() }
}
