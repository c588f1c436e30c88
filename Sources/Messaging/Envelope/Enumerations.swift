// The wire's enumerations; the numbers are the wire's.

package enum ChatRole: UInt32, Sendable, CaseIterable {
    case system = 1
    case user = 2
    case assistant = 3
}

package enum FinishReason: UInt32, Sendable, CaseIterable {
    case endToken = 1
    case maxTokens = 2
    case stopString = 3
    /// A score was asked for.
    case scored = 4
}

/// How a worker's assignment ended.
package enum EndKind: UInt32, Sendable, CaseIterable {
    case endToken = 1
    case maxTokens = 2
    case withdrawn = 3
    /// Over capacity, or the prompt does not fit.
    case refused = 4
    case failed = 5
    /// An expert that the query needs is gone; the worker itself is well.
    case expertMissing = 6
    /// The request itself is wrong: no other worker would take it.
    case invalid = 7
    case scored = 8
    /// A master's reading.
    case decided = 9
}

/// Why a query, or another request, was not served.
package enum FailureKind: UInt32, Error, Sendable, CaseIterable {
    case malformed = 1
    case unknownVersion = 2
    case oversize = 3
    case wrongDType = 4
    case truncatedTensor = 5
    /// The key's role does not allow it.
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
    case `internal` = 21
    /// Never sent: the client library's word when the router is gone.
    case unknownOutcome = 22
    case numericsMismatch = 23
    case nameTaken = 24
    /// Nobody has said Hello on this connection; the worker says it again.
    case unknownWorker = 25
    /// The worker does not hold the expert, or holds other weights under its name.
    case unknownExpert = 26
    /// The trunk has no such site, or the expert does nothing there.
    case unknownSite = 27
    /// `OpenSet` comes first.
    case unknownSet = 28
    /// Made for another trunk, gates missing, numbers that are none, files that are not as named.
    case unfitExpert = 29
    /// The worker has no room for another expert.
    case workerFull = 30
    /// A refusal node took the query, or its walk met its bound.
    case refused = 31
    /// A server outside the cluster did not answer as it should.
    case endpointFailed = 32
}
