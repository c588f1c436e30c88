import Deciding

/// A worker's connection on the control socket.
package struct WorkerConnection: Hashable, Sendable {
    package let routingID: [UInt8]

    package init(routingID: [UInt8]) {
        self.routingID = routingID
    }
}

/// Names one attempt of one query on one worker; never used again in this router's life.
package struct AssignmentID: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static func < (left: AssignmentID, right: AssignmentID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// A model that a worker holds.
package struct ModelHolding: Hashable, Sendable {
    package var model: String
    /// Of the weight file, hex.
    package var sha256: String
    /// Tokens.
    package var contextLength: Int
    package var vocabulary: Int
    /// Its experts live elsewhere: the worker wants to know where.
    package var routed: Bool
    /// Of a master, in the order of their ids, which are the vocabulary's last.
    package var functionalTokens: [String]
    /// Of a master.
    package var temperature: Float

    package init(
        model: String, sha256: String, contextLength: Int, vocabulary: Int, routed: Bool = false,
        functionalTokens: [String] = [], temperature: Float = 1
    ) {
        self.model = model
        self.sha256 = sha256
        self.contextLength = contextLength
        self.vocabulary = vocabulary
        self.routed = routed
        self.functionalTokens = functionalTokens
        self.temperature = temperature
    }
}

/// A registration, or its renewal: sent again when `ready` turns true and after every reconnection.
package struct Hello: Hashable, Sendable {
    package var worker: String
    /// Grows with every start of the process.
    package var incarnation: UInt64
    package var numerics: String
    package var models: [ModelHolding]
    /// Assignments held at once.
    package var capacity: Int
    /// Weights loaded and verified.
    package var ready: Bool
    package var experts: [ExpertHolding]
    /// Where there are experts.
    package var data: DataEndpoint?

    package init(
        worker: String, incarnation: UInt64, numerics: String, models: [ModelHolding], capacity: Int, ready: Bool,
        experts: [ExpertHolding] = [], data: DataEndpoint? = nil
    ) {
        self.worker = worker
        self.incarnation = incarnation
        self.numerics = numerics
        self.models = models
        self.capacity = capacity
        self.ready = ready
        self.experts = experts
        self.data = data
    }
}

package struct Heartbeat: Hashable, Sendable {
    package var incarnation: UInt64
    /// Grows with every engine step while there is work.
    package var progress: UInt64
    package var inFlight: Int
    package var residentBytes: UInt64

    package init(incarnation: UInt64, progress: UInt64, inFlight: Int = 0, residentBytes: UInt64 = 0) {
        self.incarnation = incarnation
        self.progress = progress
        self.inFlight = inFlight
        self.residentBytes = residentBytes
    }
}

/// Tokens of one assignment; `position` is that of `tokens[0]` among all generated tokens of the query.
package struct Generated: Hashable, Sendable {
    package var assignment: AssignmentID
    package var position: Int
    package var tokens: [Int32]
    /// Empty, or one per token.
    package var logprobs: [TokenLogprobs]

    package init(assignment: AssignmentID, position: Int, tokens: [Int32], logprobs: [TokenLogprobs] = []) {
        self.assignment = assignment
        self.position = position
        self.tokens = tokens
        self.logprobs = logprobs
    }
}

package struct Ended: Hashable, Sendable {
    /// Raw values are the wire's.
    package enum Kind: Int32, Hashable, Sendable {
        case endToken = 1
        case maxTokens = 2
        case withdrawn = 3
        case refused = 4
        case failed = 5
        /// An expert that the query needs is gone; the worker itself is well.
        case expertMissing = 6
        /// The request itself is wrong: no other worker would take it.
        case invalid = 7
        /// The score that was asked for.
        case scored = 8
        /// The reading that was asked for.
        case decided = 9
    }

    package var assignment: AssignmentID
    package var kind: Kind
    package var message: String
    /// On the worker's own clock.
    package var prefillMicroseconds: UInt64
    package var decodeMicroseconds: UInt64
    package var missing: [MissingExpert]
    /// Of the query by now, those of earlier attempts included. Nil: it did not say.
    package var generatedTokens: Int?
    /// With `.scored`.
    package var score: Score?
    package var routed: RoutedTokens?
    /// With `.decided`.
    package var reading: MasterReading?
    package var relocated: [Relocation]
    package var drops: [LayerDrops]

    package init(
        assignment: AssignmentID, kind: Kind, message: String = "", prefillMicroseconds: UInt64 = 0,
        decodeMicroseconds: UInt64 = 0, missing: [MissingExpert] = [], generatedTokens: Int? = nil,
        score: Score? = nil, routed: RoutedTokens? = nil, reading: MasterReading? = nil, relocated: [Relocation] = [],
        drops: [LayerDrops] = []
    ) {
        self.drops = drops
        self.relocated = relocated
        self.assignment = assignment
        self.kind = kind
        self.message = message
        self.prefillMicroseconds = prefillMicroseconds
        self.decodeMicroseconds = decodeMicroseconds
        self.missing = missing
        self.generatedTokens = generatedTokens
        self.score = score
        self.routed = routed
        self.reading = reading
    }
}

/// Work for a worker: the prompt, then whatever earlier attempts already generated.
package struct Assign: Hashable, Sendable {
    package var assignment: AssignmentID
    package var worker: String
    package var connection: WorkerConnection
    package var query: QueryKey
    package var model: String
    package var tokens: [Int32]
    /// How many of `tokens`, at its end, earlier attempts generated.
    package var generatedBefore: Int
    package var sampling: Sampling
    /// Over all attempts, `generatedBefore` included; already cut to what the context holds.
    package var maxTokens: Int
    package var topLogprobs: Int
    /// Remaining time.
    package var deadlineMilliseconds: UInt64
    package var route: RouteOptions?
    /// Generate nothing, score `tokens`.
    package var score = false
    /// Tell at the end how the tokens found their experts.
    package var trace = false
    /// Of a master: generate nothing, read.
    package var decide = false
    /// Of a master, over 0: generate a rewrite of at most so many bytes.
    package var rewriteBytes = 0
}
