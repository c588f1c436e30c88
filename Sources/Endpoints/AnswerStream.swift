import Foundation

/// The body of an answer as it comes: server-sent events (WHATWG HTML, section 9.2), each with a piece of the answer as JSON. Pure and
/// bounded.
struct AnswerStream {
    static let lineBytesMax = 1 << 20
    static let answerBytesMax = 16 << 20

    /// Why the answer ended, as the server put it; nil until it did.
    private(set) var finishReason: String?
    /// `data: [DONE]` has come: nothing follows.
    private(set) var isDone = false
    private var line: [UInt8] = []
    private var bytes = 0

    /// Whether everything is there.
    var isComplete: Bool { isDone || finishReason != nil }

    /// The text in these bytes.
    mutating func take(_ input: some Sequence<UInt8>) throws(EndpointFault) -> [UInt8] {
        var text: [UInt8] = []
        for byte in input where !isDone {
            if byte != UInt8(ascii: "\n") {
                line.append(byte)
                guard line.count <= Self.lineBytesMax else {
                    throw EndpointFault(.tooLong, "it sent a line of over \(Self.lineBytesMax) bytes")
                }
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            defer { line.removeAll(keepingCapacity: true) }
            text += try event(line)
        }
        bytes += text.count
        guard bytes <= Self.answerBytesMax else {
            throw EndpointFault(.tooLong, "its answer is over \(Self.answerBytesMax) bytes")
        }
        return text
    }

    private mutating func event(_ line: [UInt8]) throws(EndpointFault) -> [UInt8] {
        guard line.starts(with: Array("data:".utf8)) else { return [] }
        let data = line.dropFirst(5).drop { $0 == UInt8(ascii: " ") }
        if data.elementsEqual("[DONE]".utf8) {
            isDone = true
            return []
        }
        guard let chunk = try? JSONDecoder().decode(Chunk.self, from: Data(data)) else {
            throw EndpointFault(
                .malformed,
                "it sent an event that is no piece of an answer: \(String(decoding: data.prefix(80), as: UTF8.self))")
        }
        if let error = chunk.error { throw EndpointFault(.status, "it broke off: \(error.message ?? "unknown error")") }
        guard let choice = chunk.choices?.first else { return [] }
        if let reason = choice.finishReason { finishReason = reason }
        return Array((choice.delta?.content ?? choice.message?.content ?? "").utf8)
    }

    /// A server that does not stream sends all at once.
    static func whole(_ body: [UInt8]) throws(EndpointFault) -> (text: [UInt8], reason: String) {
        guard let chunk = try? JSONDecoder().decode(Chunk.self, from: Data(body)),
            let choice = chunk.choices?.first, let text = choice.message?.content
        else { throw EndpointFault(.malformed, "it sent JSON that is no answer: \(excerpt(body))") }
        return (Array(text.utf8), choice.finishReason ?? "stop")
    }

    /// What a server says of an error.
    static func message(_ body: [UInt8]) -> String {
        (try? JSONDecoder().decode(Chunk.self, from: Data(body)))?.error?.message ?? excerpt(body)
    }

    private static func excerpt(_ body: [UInt8]) -> String {
        let text = String(decoding: body.prefix(160), as: UTF8.self)
        return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private struct Chunk: Decodable {
        struct Content: Decodable { let content: String? }
        struct Choice: Decodable {
            let delta, message: Content?
            let finishReason: String?

            enum CodingKeys: String, CodingKey {
                case delta, message
                case finishReason = "finish_reason"
            }
        }
        struct Problem: Decodable { let message: String? }

        let choices: [Choice]?
        let error: Problem?
    }
}
