/// Ends a stream of text at the first stop string, and holds back what may become one.
///
/// The string that is completed first wins; of those completed by the same byte the longest. How the text was cut into pieces
/// makes no difference. Strings are compared byte for byte.
package struct StopMatcher: Sendable {
    package static let stringsMax = 16
    package static let bytesMax = 256

    /// A stop string and its failure function (Knuth, Morris, Pratt 1977).
    private struct Pattern: Sendable {
        var bytes: [UInt8]
        var failure: [Int]
        /// How many of `bytes` the text ends with.
        var matched = 0

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            failure = [0]
            var length = 0
            for index in 1..<max(bytes.count, 1) {
                while length > 0 && bytes[index] != bytes[length] { length = failure[length - 1] }
                if bytes[index] == bytes[length] { length += 1 }
                failure.append(length)
            }
        }

        mutating func step(_ byte: UInt8) {
            while matched > 0 && bytes[matched] != byte { matched = failure[matched - 1] }
            if bytes[matched] == byte { matched += 1 }
        }
    }

    private var patterns: [Pattern] = []
    private var held: [UInt8] = []
    /// The index of the stop string that was met; after it no text comes out.
    package private(set) var stop: Int?

    /// - Throws: `invalidStopString` for too many, an empty or a too long one.
    package init(_ stops: [String]) throws(TokenizationError) {
        for (index, stop) in stops.enumerated() {
            guard index < Self.stringsMax else {
                throw .invalidStopString(index: index, reason: "at most \(Self.stringsMax) are allowed")
            }
            guard !stop.isEmpty else { throw .invalidStopString(index: index, reason: "is empty") }
            guard stop.utf8.count <= Self.bytesMax else {
                throw .invalidStopString(
                    index: index, reason: "has \(stop.utf8.count) bytes, at most \(Self.bytesMax) are allowed")
            }
            patterns.append(Pattern(Array(stop.utf8)))
        }
    }

    /// The text that is certainly before any stop string.
    package mutating func append(_ text: String) -> String {
        guard stop == nil else { return "" }
        if patterns.isEmpty { return text }
        for byte in text.utf8 {
            held.append(byte)
            for index in patterns.indices { patterns[index].step(byte) }
            if let met = longestComplete() { return end(at: met) }
        }
        return release(keeping: patterns.map(\.matched).max() ?? 0)
    }

    /// The end of the stream: what was held back is text after all.
    package mutating func finish() -> String {
        release(keeping: 0)
    }

    private func longestComplete() -> Int? {
        patterns.indices.filter { patterns[$0].matched == patterns[$0].bytes.count }
            .max { patterns[$0].bytes.count < patterns[$1].bytes.count }
    }

    private mutating func end(at index: Int) -> String {
        stop = index
        let text = release(keeping: patterns[index].bytes.count)
        held = []
        return text
    }

    private mutating func release(keeping count: Int) -> String {
        let text = String(decoding: held.dropLast(count), as: UTF8.self)
        held = Array(held.suffix(count))
        return text
    }
}
