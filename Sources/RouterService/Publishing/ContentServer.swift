import Digest
import ExpertStore
import Logging
import Messaging
import Routing
import Synchronization
import Threading

/// Reads parts of experts for workers that ask for them, on a thread of its own: a disk may be slow, the router's loop may not.
final class ContentServer: Sendable {
    struct Job: Sendable {
        let request: ContentRequest
        /// The expert with that content; nil where this router knows of none.
        let place: (name: String, folder: String)?
        let connection: WorkerConnection
    }

    private enum Errand: Sendable {
        case read(Job)
        /// All but these hashes may go.
        case clean(ContentStore, keeping: Set<String>)
    }

    /// More than every worker may have out.
    private static let jobsMax = 1024

    private let jobs: Mailbox<Errand>
    private let wake: Wake
    private let stopping: Stopping
    private let thread: NamedThread

    private final class Stopping: Sendable {
        let isAsked = Atomic<Bool>(false)
    }

    init(log: Logger, reply: @escaping @Sendable (Envelope, WorkerConnection) -> Void) throws(ThreadingError) {
        let wake = try Wake(), stopping = Stopping()
        let jobs = Mailbox<Errand>(capacity: Self.jobsMax, wake: wake)
        self.wake = wake
        self.jobs = jobs
        self.stopping = stopping
        thread = try NamedThread(name: "content") {
            var reader = ContentReader()
            while !stopping.isAsked.load(ordering: .acquiring) {
                for errand in jobs.drain() {
                    switch errand {
                    case .read(let job): reply(reader.answer(job.request, from: job.place), job.connection)
                    case .clean(let store, let kept):
                        for hash in store.clean(keeping: kept) {
                            log.info("no expert has content \(hash.prefix(12))… any more")
                        }
                    }
                }
                _ = wake.wait(milliseconds: -1)
            }
        }
    }

    /// False when there is no room for more.
    func read(_ job: Job) -> Bool { jobs.push(.read(job)) }

    /// Where there is no room for it now, the next cleaning does.
    func clean(_ store: ContentStore, keeping kept: Set<String>) { _ = jobs.push(.clean(store, keeping: kept)) }

    func stop() {
        stopping.isAsked.store(true, ordering: .releasing)
        wake.signal()
        thread.join()
    }
}

/// Answers requests for parts, one expert at a time open.
struct ContentReader {
    private var last: StoredExpert?

    mutating func answer(_ request: ContentRequest, from place: (name: String, folder: String)?) -> Envelope {
        do throws(ExpertStoreError) {
            let piece = try expert(request, place).piece(
                request.file, offset: request.offset, bytesMax: ContentPart.bytesMax)
            let part = ContentPart(
                sha256: request.sha256, file: piece.file, offset: piece.offset, size: piece.size)
            do throws(WireError) { return try Envelope(part, bytes: piece.bytes) } catch {
                return Self.refusal(of: request, "\(error)")
            }
        } catch { return Self.refusal(of: request, "\(error)") }
    }

    private mutating func expert(
        _ request: ContentRequest, _ place: (name: String, folder: String)?
    ) throws(ExpertStoreError) -> StoredExpert {
        if let last, last.manifest.contentHash.hex == request.sha256, last.folder == place?.folder { return last }
        guard let place, let found = ContentStore.expert(in: place.folder, request.sha256) else {
            throw ExpertStoreError(
                .missing, file: place?.folder ?? "this router", field: "content",
                "has no expert with content \(request.sha256.prefix(12))…; publish it again")
        }
        last = found
        return found
    }

    static func refusal(of request: ContentRequest, _ message: String) -> Envelope {
        Envelope(
            .contentPart(
                ContentPart(
                    sha256: request.sha256, file: request.file, offset: request.offset, kind: .unknownExpert,
                    message: message)))
    }
}
