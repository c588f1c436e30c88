import ExpertStore
import Messaging
import Threading

/// The content of experts that this worker asks the router for: the control loop puts the answers in, the thread that arranges experts
/// takes them out. One expert is on its way at a time.
final class ContentInbox: Sendable {
    private let queue: ContentQueue
    private let ask: @Sendable (ContentRequest) -> Void

    /// - Parameter ask: brings a request to the router; on any thread.
    init(ask: @escaping @Sendable (ContentRequest) -> Void) throws(ThreadingError) {
        queue = try ContentQueue()
        self.ask = ask
    }

    func deliver(_ part: ContentPart, _ tensors: [Tensor]) { queue.deliver(part, tensors) }

    func source(of sha256: String) -> some ContentSource {
        queue.clear()
        return Source(queue: queue, sha256: sha256, send: ask)
    }

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
                    arrival?.part.message ?? "the router sent nothing for \(ContentQueue.patienceMilliseconds / 1000) s"
                )
            }
            return ContentPiece(
                file: arrival.part.file, offset: arrival.part.offset, size: arrival.part.size, bytes: arrival.bytes)
        }
    }
}
