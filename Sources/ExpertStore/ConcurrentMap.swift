import Dispatch
import Synchronization

extension Array where Element: Sendable {
    /// `map` with the elements shared out among the machine's cores; of several failures the first in order is thrown. For a process that is
    /// starting or has nothing better to do with its cores.
    package func concurrentMap<Value: Sendable, Failure: Error>(
        _ transform: @Sendable (Element) throws(Failure) -> Value
    ) throws(Failure) -> [Value] {
        let results = Mutex([Result<Value, Failure>?](repeating: nil, count: count))
        DispatchQueue.concurrentPerform(iterations: count) { index in
            let result = Result { () throws(Failure) in try transform(self[index]) }
            results.withLock { $0[index] = result }
        }
        var values: [Value] = []
        values.reserveCapacity(count)
        for case .some(let result) in results.withLock({ $0 }) { values.append(try result.get()) }
        return values
    }
}
