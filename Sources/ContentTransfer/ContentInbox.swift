import ExpertStore
import Messaging
import Synchronization
import Threading

/// The content of experts that is asked for over the wire: a loop puts the answers in, a thread that takes an expert in takes them out.
/// One expert is on its way at a time.
package final class ContentInbox: Sendable {
    /// Parts that are asked for and have not come.
    static let creditMax = 4
    /// Without a part for this long nobody is sending any more.
    static let patienceMilliseconds = 10_000

    /// A part, or a refusal, that came.
    private struct Arrival: Sendable {
        let part: ContentPart
        let bytes: [UInt8]
    }

    private let sender: String
    private let send: @Sendable (ContentRequest) -> Void
    private let arrivals: Mailbox<Arrival>
    private let wake: Wake
    private let isAbandoned = Atomic<Bool>(false)
    private let waiting = Mutex<[Arrival]>([])

    /// - Parameters:
    ///   - sender: who has the content, as messages call it.
    ///   - ask: brings a request to the sender; on any thread.
    package init(from sender: String, ask: @escaping @Sendable (ContentRequest) -> Void) throws(ThreadingError) {
        self.sender = sender
        send = ask
        wake = try Wake()
        arrivals = Mailbox(capacity: Self.creditMax, wake: wake)
    }

    /// On the loop. More than was asked for goes.
    package func deliver(_ part: ContentPart, _ tensors: [Tensor]) {
        _ = arrivals.push(Arrival(part: part, bytes: tensors.first?.bytes ?? []))
    }

    /// Whoever waits goes on with nothing.
    package func abandon() {
        isAbandoned.store(true, ordering: .releasing)
        wake.signal()
    }

    /// Where a content comes from. What came too late for somebody who has given up is forgotten.
    package func source(of sha256: String) -> some ContentSource & Sendable {
        _ = arrivals.drain()
        waiting.withLock { $0 = [] }
        return Source(inbox: self, sha256: sha256)
    }

    /// The next answer that concerns a content; nil where none came in time, or nobody wants it any more.
    private func next(of sha256: String) -> Arrival? {
        let deadline = MonotonicClock.nowMicroseconds + UInt64(Self.patienceMilliseconds) * 1000
        while !isAbandoned.load(ordering: .acquiring) {
            let first = waiting.withLock { waiting in
                waiting += arrivals.drain().filter { $0.part.sha256 == sha256 }
                return waiting.isEmpty ? nil : waiting.removeFirst()
            }
            if let first { return first }
            let now = MonotonicClock.nowMicroseconds
            guard now < deadline else { return nil }
            _ = wake.wait(milliseconds: Int((deadline - now) / 1000) + 1)
        }
        return nil
    }

    private struct Source: ContentSource {
        let inbox: ContentInbox
        let sha256: String

        func ask(_ file: String, offset: UInt64) {
            inbox.send(ContentRequest(sha256: sha256, file: file, offset: offset))
        }

        func next() throws(ExpertStoreError) -> ContentPiece {
            let arrival = inbox.next(of: sha256)
            guard let arrival, arrival.part.kind == nil else {
                throw ExpertStoreError(
                    .missing, file: "content \(sha256.prefix(12))…", field: "transfer",
                    arrival?.part.message
                        ?? "\(inbox.sender) sent nothing for \(ContentInbox.patienceMilliseconds / 1000) s")
            }
            return ContentPiece(
                file: arrival.part.file, offset: arrival.part.offset, size: arrival.part.size, bytes: arrival.bytes)
        }
    }
}
