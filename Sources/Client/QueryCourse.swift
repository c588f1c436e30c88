import Messaging

/// One query as the client sees it: a value that takes in messages and moments and says what to do.
struct QueryCourse {
    enum Action: Equatable {
        case deliver(ClientEvent)
        /// Send the query (again), wanting what follows the position.
        case send(Query)
    }

    let query: Query
    /// Of the next token that is to be delivered.
    private(set) var nextPosition: UInt32
    /// Of the answer's text, delivered. Nil: the query began in the middle and has not seen any.
    private(set) var textBytes: UInt64?
    private(set) var wasSent = false
    private(set) var wasAccepted = false
    private(set) var leaseMilliseconds: UInt64 = 3000
    private(set) var renewAtMicroseconds: UInt64
    /// When the router must have ended it; past that its outcome is unknown.
    private(set) var giveUpAtMicroseconds: UInt64?
    /// Asked for what is missing, and nothing has come since.
    private var awaitsReplay = false
    private var askedForEnd = false
    private var resendsLeft = 3
    private let graceMilliseconds: UInt64

    init(_ query: Query, nowMicroseconds: UInt64, graceMilliseconds: Int) {
        self.query = query
        self.graceMilliseconds = UInt64(graceMilliseconds)
        nextPosition = query.fromPosition
        textBytes = query.fromPosition == 0 ? 0 : nil
        renewAtMicroseconds = nowMicroseconds + leaseMilliseconds * 1000 / 3
        setDeadline(query.deadlineMilliseconds, nowMicroseconds)
    }

    /// The query as it is to be sent now.
    var toSend: Query {
        var query = query
        query.fromPosition = nextPosition
        return query
    }

    mutating func sent() { wasSent = true }

    /// The connection is new: whatever was on its way is lost.
    mutating func reconnected() { awaitsReplay = false }

    /// Whether the lease is due; the next time is set.
    mutating func renewsLease(at nowMicroseconds: UInt64) -> Bool {
        guard nowMicroseconds >= renewAtMicroseconds else { return false }
        renewAtMicroseconds = nowMicroseconds + max(leaseMilliseconds * 1000 / 3, 10_000)
        return wasSent
    }

    mutating func accepted(_ message: Accepted, nowMicroseconds: UInt64) -> [Action] {
        if message.leaseMilliseconds > 0 { leaseMilliseconds = message.leaseMilliseconds }
        renewAtMicroseconds = min(renewAtMicroseconds, nowMicroseconds + leaseMilliseconds * 1000 / 3)
        setDeadline(message.deadlineMilliseconds, nowMicroseconds)
        defer { wasAccepted = true }
        return wasAccepted ? [] : [.deliver(.accepted(message))]
    }

    /// It is not given up before `moment`.
    mutating func grant(untilMicroseconds moment: UInt64) {
        giveUpAtMicroseconds = giveUpAtMicroseconds.map { max($0, moment) }
    }

    private mutating func setDeadline(_ milliseconds: UInt64, _ nowMicroseconds: UInt64) {
        guard milliseconds > 0 else { return }
        let (sum, overflow) = milliseconds.addingReportingOverflow(graceMilliseconds)
        let (micros, overflow2) = sum.multipliedReportingOverflow(by: 1000)
        guard !overflow, !overflow2, micros < UInt64.max / 2 else { return }
        giveUpAtMicroseconds = nowMicroseconds + micros
    }

    /// Drops what was delivered before, and asks again for what is missing in between.
    mutating func partial(_ message: Partial) -> [Action] {
        let seenText = textBytes ?? message.textOffset
        guard message.position <= nextPosition, message.textOffset <= seenText else { return replay() }
        let piece = message.dropping(
            tokens: Int(nextPosition - message.position), textBytes: Int(seenText - message.textOffset))
        guard !piece.tokens.isEmpty || !piece.text.isEmpty else { return [] }
        awaitsReplay = false
        nextPosition += UInt32(piece.tokens.count)
        textBytes = seenText + UInt64(piece.text.utf8.count)
        return [.deliver(.partial(piece))]
    }

    /// An ending that counts more tokens than came is held back once, and the rest asked for. (A stop string may end an
    /// answer before its last tokens.)
    mutating func final(_ message: Final) -> [Action] {
        if message.finishReason != .stopString, message.usage.generatedTokens > nextPosition, !askedForEnd {
            askedForEnd = true
            return [.send(toSend)]
        }
        return [.deliver(.final(message))]
    }

    /// `unknownQuery` for a query that ran means that the router has forgotten it: another process answers by now.
    mutating func failed(_ failure: Failure) -> [Action] {
        guard failure.kind == .unknownQuery else { return [.deliver(.failure(failure))] }
        if !wasAccepted, resendsLeft > 0 {
            resendsLeft -= 1
            return [.send(toSend)]
        }
        return [.deliver(.failure(unknownOutcome("the router was restarted and does not know the query any more")))]
    }

    func unknownOutcome(_ why: String) -> Failure {
        Failure(
            id: query.id, kind: .unknownOutcome,
            message: "\(why); whether the query ended is unknown: send it again with a new id", tokensSent: nextPosition
        )
    }

    private mutating func replay() -> [Action] {
        guard !awaitsReplay else { return [] }
        awaitsReplay = true
        return [.send(toSend)]
    }
}

extension Partial {
    /// Without its first tokens (and their logprobs) and the first bytes of its text.
    func dropping(tokens count: Int, textBytes: Int) -> Partial {
        guard count > 0 || textBytes > 0 else { return self }
        var rest = self
        rest.position += UInt32(min(count, tokens.count))
        rest.tokens = Array(tokens.dropFirst(count))
        rest.logprobs = Array(logprobs.dropFirst(count))
        rest.text = String(decoding: text.utf8.dropFirst(textBytes), as: UTF8.self)
        rest.textOffset += UInt64(min(textBytes, text.utf8.count))
        return rest
    }
}
