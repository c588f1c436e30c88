import ExpertStore
import Messaging
import Threading

/// The content of an expert that an operator publishes: found on this machine, or taken from the operator part by part. Runs on a
/// thread of its own and tells its end once.
final class ContentUpload: Sendable {
    private let queue: ContentQueue

    init() throws(ThreadingError) { queue = try ContentQueue() }

    /// - Parameters:
    ///   - ask: brings a request to the operator.
    ///   - end: the folder with the content, or why there is none.
    func start(
        _ change: ChangeExperts, into store: ContentStore, ask: @escaping @Sendable (ContentRequest) -> Void,
        end: @escaping @Sendable (Result<String, Failure>) -> Void
    ) throws(ThreadingError) {
        let source = Source(queue: queue, sha256: change.sha256, send: ask)
        // The thread goes its own way; its end is told, and it waits for nothing without end.
        _ = try NamedThread(name: "upload") {
            if let here = ContentStore.expert(in: change.folder, change.sha256) { return end(.success(here.folder)) }
            let taken = Result { () throws(ExpertStoreError) in
                try store.take(change.sha256, name: change.expert, from: source).folder
            }
            end(
                taken.mapError {
                    Failure(
                        id: change.id, kind: .unfitExpert,
                        message:
                            "\(change.expert) with content \(change.sha256.prefix(12))… is neither in \(change.folder) on the "
                            + "router's machine nor does it come from the operator: \($0)")
                })
        }
    }

    func deliver(_ part: ContentPart, _ tensors: [Tensor]) { queue.deliver(part, tensors) }

    func abandon() { queue.abandon() }

    private struct Source: ContentSource {
        let queue: ContentQueue
        let sha256: String
        let send: @Sendable (ContentRequest) -> Void

        func ask(_ file: String, offset: UInt64) {
            send(ContentRequest(sha256: sha256, file: file, offset: offset))
        }

        func next() throws(ExpertStoreError) -> ContentPiece {
            let arrival = queue.next(of: sha256)
            guard let arrival, arrival.part.kind == nil else {
                throw ExpertStoreError(
                    .missing, file: "content \(sha256.prefix(12))…", field: "transfer",
                    arrival?.part.message ?? "nothing came for \(ContentQueue.patienceMilliseconds / 1000) s")
            }
            return ContentPiece(
                file: arrival.part.file, offset: arrival.part.offset, size: arrival.part.size, bytes: arrival.bytes)
        }
    }
}
