import Messaging

/// What one expert worker has open for a trunk, and what it is still to open: pure.
///
/// A worker's experts change while a question is on its way. So a refusal means only that it did not hold, at that moment, what the
/// router had said before: it is asked anew for what the router has said since, and where it has said nothing, at its next word.
/// Whatever the order of answers and of words, the last word is asked for. One question about a set is out at a time, since a
/// refusal does not say which it answers.
package struct SetOpenings: Sendable {
    /// A question that is not answered for this long went out on a connection that is gone.
    package static let answerMicroseconds: UInt64 = 2_000_000

    private struct Opening: Sendable {
        /// What the worker holds of the set, by the router's last word.
        var held: [SetExpert] = []
        /// What is to be open.
        var wanted: [SetExpert] = []
        /// The last question.
        var question: OpenSet?
        /// When it went out; nil once it is answered.
        var askedAtMicroseconds: UInt64?
        /// The router has said something since, were it the same.
        var hasHeardSince = false
        /// It was refused, and the router has said nothing since it went out.
        var isRefused = false
        /// What the worker has said it has open; it keeps an open set's experts though it may hold them no more.
        var opened: [SetExpert]?
        /// Ids of what can be asked for: behind a question that is out only what stays open.
        var serving: Set<UInt32> = []

        func isDue(nowMicroseconds: UInt64) -> Bool {
            if let asked = askedAtMicroseconds {
                return nowMicroseconds >= asked + SetOpenings.answerMicroseconds
            }
            return isUnanswered
        }

        /// Something is to be open that is not, and may be asked for.
        var isUnanswered: Bool { !wanted.isEmpty && opened != wanted && !isRefused }
    }

    private var openings: [UInt64: Opening] = [:]

    package init() {}

    /// Whether a set is open with an expert.
    package func serves(_ expert: Int, of set: UInt64) -> Bool {
        openings[set]?.serving.contains(UInt32(expert)) ?? false
    }

    /// An answer is still to come, or a question still to go.
    package var isSettling: Bool {
        openings.values.contains { $0.askedAtMicroseconds != nil || $0.isUnanswered }
    }

    /// A word of the router: what the worker holds of a set.
    ///
    /// - Parameter isDoneElsewhere: whether others serve all of these ids, which it holds no more. What only it can do stays open.
    package mutating func hear(_ held: [SetExpert], of set: UInt64, isDoneElsewhere: ([UInt32]) -> Bool) {
        var opening = openings[set] ?? Opening()
        opening.held = held
        opening.isRefused = false
        opening.hasHeardSince = true
        if opening.wanted != held {
            // Within a set an id stands for one expert with one content.
            let (ids, wanted) = (Set(held.map(\.id)), Set(opening.wanted.map(\.id)))
            let dropped = wanted.subtracting(ids).sorted()
            if !ids.isSubset(of: wanted) || isDoneElsewhere(dropped) { opening.wanted = held }
        }
        openings[set] = opening
    }

    /// The sets that are to be asked about now.
    package func due(nowMicroseconds: UInt64) -> [(set: UInt64, experts: [SetExpert])] {
        openings.filter { $0.value.isDue(nowMicroseconds: nowMicroseconds) }.sorted { $0.key < $1.key }
            .map { ($0.key, $0.value.wanted) }
    }

    /// The question has gone out.
    package mutating func asked(_ question: OpenSet, nowMicroseconds: UInt64) {
        openings[question.set]?.question = question
        openings[question.set]?.askedAtMicroseconds = nowMicroseconds
        openings[question.set]?.hasHeardSince = false
        openings[question.set]?.serving.formIntersection(question.experts.map(\.id))
    }

    /// Whether the answer is the one to our question, from the worker whom we asked.
    package mutating func take(_ answer: SetOpened) -> Bool {
        guard var opening = openings[answer.set], let question = opening.question, question.nonce == answer.nonce,
            question.worker == answer.worker, question.incarnation == answer.incarnation
        else { return false }
        opening.askedAtMicroseconds = nil
        opening.isRefused = false
        opening.opened = question.experts
        opening.serving = Set(question.experts.map(\.id))
        openings[answer.set] = opening
        return true
    }

    /// The worker does not open a set; what it had open stays open.
    ///
    /// - Returns: whether it is asked anew, because the router has said something meanwhile: the same word may mean that the worker
    ///   has let go of an expert and taken it back.
    package mutating func refused(_ set: UInt64) -> Bool {
        guard var opening = openings[set] else { return false }
        opening.askedAtMicroseconds = nil
        opening.serving = Set((opening.opened ?? []).map(\.id))
        opening.isRefused = opening.question?.experts == opening.held && !opening.hasHeardSince
        opening.wanted = opening.held
        openings[set] = opening
        return opening.isUnanswered
    }

    /// The worker knows nothing of what was open: the connection is a new one.
    package mutating func forgetAnswers() {
        for set in openings.keys {
            openings[set]?.askedAtMicroseconds = nil
            openings[set]?.isRefused = false
            openings[set]?.opened = nil
            openings[set]?.serving = []
        }
    }

    /// Other sets are of no use any more.
    package mutating func keep(_ sets: [UInt64]) { openings = openings.filter { sets.contains($0.key) } }
}
