/// A mixture's experts on their way from one placement to another: who is to hold what next. Pure.
///
/// Rounds of three: every worker that lacks something takes on as much as it has room for; the trunk says that it finds every expert
/// where it is; every worker lets go of what it is to have no more and others have. The first round is the last one where there is room
/// for both. Where there is not, a worker takes on half as many, and half of that, down to one at a time: a worker has room for at least
/// one more than its bound while experts move, so that two full ones can swap. Between two steps every expert is with at least one
/// worker that the trunk can ask, and with as many as before or after, whichever are fewer.
package struct ShareMove: Sendable, Equatable {
    package enum Step: Equatable, Sendable {
        /// The worker is to hold these and no others.
        case hold(worker: String, experts: [String])
        /// The trunk is to say that it finds each expert at all these places.
        case route([String: [String]])
        /// Everybody has what it is to have; some may have more.
        case done
        /// These have no room for one more expert, and nobody has anything to let go of.
        case stuck([String])
    }

    private enum Phase: Equatable, Sendable {
        case gaining(ArraySlice<String>)
        case routing
        case releasing(ArraySlice<String>)
    }

    /// By worker: what each is to have; sorted.
    package let after: [String: [String]]
    /// By worker: what each had; sorted.
    package let before: [String: [String]]
    /// By worker: what each has said it holds.
    private var held: [String: Set<String>]
    private var phase: Phase
    /// By worker: how many it takes on at once; without one all.
    private var portions: [String: Int] = [:]
    /// In this round.
    private var hasGained = false, hasReleased = false

    package init(before: [String: [String]], after: [String: [String]]) {
        self.before = before.mapValues { $0.sorted() }
        self.after = after.mapValues { $0.sorted() }
        held = before.mapValues { Set($0) }
        phase = .gaining([])
        phase = .gaining(workers[...])
    }

    /// Sorted.
    package var workers: [String] { Set(before.keys).union(after.keys).sorted() }

    /// Workers that hold something that they are not to have; sorted.
    package var losing: [String] { workers.filter { !surplus($0).isEmpty } }

    private func lacking(_ worker: String) -> Set<String> { Set(after[worker] ?? []).subtracting(held[worker] ?? []) }
    private func surplus(_ worker: String) -> Set<String> { (held[worker] ?? []).subtracting(after[worker] ?? []) }
    private var isComplete: Bool { workers.allSatisfy { lacking($0).isEmpty } }

    /// What is to be done now; the same until `took` or `isFull` says what has become of it.
    package mutating func next() -> Step {
        while true {
            switch phase {
            case .gaining(let queue):
                guard let worker = queue.first else {
                    // Also where nobody has anything to load: only the trunk knows whether every expert has a place.
                    phase = hasGained || isComplete ? .routing : .releasing(workers[...])
                    continue
                }
                let lacking = lacking(worker).sorted()
                let portion = min(portions[worker] ?? lacking.count, lacking.count)
                if portion > 0 {
                    let experts = (held[worker] ?? []).union(lacking.prefix(portion))
                    return .hold(worker: worker, experts: experts.sorted())
                }
                phase = .gaining(queue.dropFirst())
            case .routing: return .route(isComplete ? after : held.mapValues { $0.sorted() })
            case .releasing(let queue):
                // What is over at the end goes once the placement is written down.
                if isComplete { return .done }
                guard let worker = queue.first else {
                    guard hasGained || hasReleased else { return .stuck(workers.filter { !lacking($0).isEmpty }) }
                    (hasGained, hasReleased) = (false, false)
                    phase = .gaining(workers[...])
                    continue
                }
                let spare = surplus(worker).filter { expert in
                    held.contains { $0.key != worker && $0.value.contains(expert) }
                }
                if !spare.isEmpty {
                    return .hold(worker: worker, experts: (held[worker] ?? []).subtracting(spare).sorted())
                }
                phase = .releasing(queue.dropFirst())
            }
        }
    }

    /// The step has been done.
    package mutating func took() {
        switch (phase, next()) {
        case (.gaining(let queue), .hold(let worker, let experts)):
            held[worker] = Set(experts)
            hasGained = true
            phase = .gaining(queue.dropFirst())
        case (.releasing(let queue), .hold(let worker, let experts)):
            held[worker] = Set(experts)
            hasReleased = true
            phase = .releasing(queue.dropFirst())
        case (.routing, _): phase = .releasing(workers[...])
        default: break
        }
    }

    /// The worker has no room for what it was asked to hold. Returns whether it can be asked for less, or others first.
    package mutating func isFull() -> Bool {
        guard case .gaining(let queue) = phase, case .hold(let worker, let experts) = next() else { return false }
        let portion = experts.count - (held[worker] ?? []).count
        portions[worker] = max(1, portion / 2)
        if portion == 1 { phase = .gaining(queue.dropFirst()) }
        return true
    }
}
