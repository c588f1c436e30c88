import Synchronization
import Threading

/// Parts of one expert's content between the loop that receives them and the thread that asked for them.
package final class ContentQueue: Sendable {
    /// Parts that are asked for and have not come.
    package static let creditMax = 4
    /// Without a part for this long nobody is sending any more.
    package static let patienceMilliseconds = 10_000

    /// A part, or a refusal, that came.
    package struct Arrival: Sendable {
        package let part: ContentPart
        package let bytes: [UInt8]
    }

    private let arrivals: Mailbox<Arrival>
    private let wake: Wake
    private let isAbandoned = Atomic<Bool>(false)
    private let waiting = Mutex<[Arrival]>([])

    package init() throws(ThreadingError) {
        wake = try Wake()
        arrivals = Mailbox(capacity: Self.creditMax, wake: wake)
    }

    /// On the loop. More than was asked for goes.
    package func deliver(_ part: ContentPart, _ tensors: [Tensor]) {
        _ = arrivals.push(Arrival(part: part, bytes: tensors.first?.bytes ?? []))
    }

    /// Forgets what came too late for somebody who has given up.
    package func clear() {
        _ = arrivals.drain()
        waiting.withLock { $0 = [] }
    }

    /// Whoever waits goes on with nothing.
    package func abandon() {
        isAbandoned.store(true, ordering: .releasing)
        wake.signal()
    }

    /// The next answer that concerns a content; nil where none came in time, or nobody wants it any more.
    package func next(of sha256: String) -> Arrival? {
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
}
