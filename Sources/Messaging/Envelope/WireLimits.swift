/// The most of everything that one message may hold. Documentation/Protocol.md lists those that clients meet.
package enum WireLimits {
    package static let envelopeBytesMax = 1 << 20
    package static let tensorsMax = 8
    package static let dimensionsMax = 4
    package static let tensorBytesMax = 256 << 20
    /// Names of nodes, workers, models, counters, states.
    package static let nameBytesMax = 256
    /// Explanations: of a failure, of an ending.
    package static let messageBytesMax = 16 << 10
    /// Prompts and answers; the envelope's own bound holds as well.
    package static let textBytesMax = envelopeBytesMax
    package static let chatMessagesMax = 1024
    package static let tokensMax = 1 << 18
    package static let stopsMax = 16
    package static let stopBytesMax = 256
    package static let logprobTokensMax = 1024
    package static let alternativesMax = 64
    package static let attemptsMax = 64
    package static let leaseIDsMax = 1024
    package static let scopesMax = 1024
    package static let countersMax = 256
    package static let modelsMax = 256
    package static let workersMax = 1024
    package static let nodesMax = 1024
    package static let expertsMax = 4096
    /// Of one master.
    package static let functionalTokensMax = 1024
    /// Nodes that one query visits.
    package static let walkStepsMax = 256
    /// Words and quotations that a rewrite lost, as told.
    package static let lostMax = 64
    /// Of a rewrite.
    package static let rewriteBytesMax = 16 << 10
    /// (site, expert) pairs of one dispatch.
    package static let selectionsMax = 16_384
    /// Rows of one dispatch.
    package static let dispatchRowsMax = 8192
    package static let groupsMax = 4096
    /// Tokens of a prompt that a receipt repeats.
    package static let receiptTokensMax = 1 << 16
    /// Tokens whose experts a trace tells; of more, the last.
    package static let routedTokensMax = 1 << 14
    /// Sites of one routing report.
    package static let sitesMax = 8192
    package static let entropyBinsMax = 64
    package static let sitesPerGroupMax = 16
    package static let addressBytesMax = 1024
    package static let pathBytesMax = 4096

    /// What decoding may allocate for an envelope of this size: protobuf-c's structs are larger than what they come
    /// from (an empty message of two bytes becomes one of 40), and a hostile envelope makes the most of that.
    static func decodingBytesMax(envelopeBytes: Int) -> Int { (256 << 10) + 8 * envelopeBytes }
}
