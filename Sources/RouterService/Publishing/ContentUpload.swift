import ContentTransfer
import ExpertStore
import Messaging
import Threading

/// The content of an expert that an operator publishes: found on this machine, or taken from the operator part by part. Runs on a
/// thread of its own and tells its end once.
final class ContentUpload: Sendable {
    private let inbox: ContentInbox

    /// - Parameter ask: brings a request to the operator.
    init(ask: @escaping @Sendable (ContentRequest) -> Void) throws(ThreadingError) {
        inbox = try ContentInbox(from: "the operator", ask: ask)
    }

    /// - Parameter end: the folder with the content, or why there is none.
    func start(
        _ change: ChangeExperts, into store: ContentStore,
        end: @escaping @Sendable (Result<String, Failure>) -> Void
    ) throws(ThreadingError) {
        let source = inbox.source(of: change.sha256)
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

    func deliver(_ part: ContentPart, _ tensors: [Tensor]) { inbox.deliver(part, tensors) }

    func abandon() { inbox.abandon() }
}
