/// Why a query, or a worker's registration, was refused or ended without an answer. Raw values are the wire's.
package enum FailureKind: Int32, Hashable, Sendable, CaseIterable {
    case malformed = 1
    case unknownVersion = 2
    case oversize = 3
    case wrongDType = 4
    case truncatedTensor = 5
    case forbidden = 6
    case unknownNode = 7
    case emptyPrompt = 8
    case promptTooLong = 9
    case invalidParameter = 10
    case idConflict = 11
    case unknownQuery = 12
    case busy = 13
    case noWorker = 14
    case workerLost = 15
    case poisonQuery = 16
    case deadlineExceeded = 17
    case cancelled = 18
    case leaseExpired = 19
    case draining = 20
    case internalError = 21
    case unknownOutcome = 22
    case numericsMismatch = 23
    case nameTaken = 24
    /// A message on a connection where nobody has said Hello: the worker says it again.
    case unknownWorker = 25
    /// A refusal node took the query, or its walk met its bound.
    case refused = 31
    /// A server outside the cluster did not answer as it should.
    case endpointFailed = 32
}

/// A typed failure: what, where, and what to do.
package struct Failure: Hashable, Sendable {
    package var kind: FailureKind
    package var message: String
    /// 0: a retry will not help by itself.
    package var retryAfterMilliseconds: UInt64
    /// Generated tokens that the router had before the failure.
    package var tokensSent: Int
    /// Of a query that went through the graph.
    package var walk: WalkTrace?

    package init(_ kind: FailureKind, _ message: String, retryAfterMilliseconds: UInt64 = 0, tokensSent: Int = 0) {
        self.kind = kind
        self.message = message
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.tokensSent = tokensSent
    }
}
