import Foundation

/// One question to an OpenAI-compatible server.
package struct EndpointRequest: Sendable, Equatable {
    package struct Message: Sendable, Equatable, Encodable {
        /// "system", "user" or "assistant".
        package let role: String
        package let content: String

        package init(role: String, content: String) {
            self.role = role
            self.content = content
        }
    }

    /// Up to and without `/chat/completions`.
    package var url: String
    /// As the server calls it.
    package var model: String
    package var messages: [Message]
    package var key: String?
    /// Certificates to trust instead of the system's.
    package var certificatesFile: String?
    package var connectMilliseconds = 3000
    /// The longest silence between two parts of an answer.
    package var silenceMilliseconds = 30_000
    /// For all of it.
    package var deadlineMilliseconds = 120_000
    package var maxTokens = 256
    package var temperature: Float = 0
    package var topP: Float = 1
    package var seed: UInt64 = 0
    package var stop: [String] = []

    package init(url: String, model: String, messages: [Message]) {
        self.url = url
        self.model = model
        self.messages = messages
    }

    /// The body of `POST /chat/completions` ("Create chat completion" in OpenAI's API reference).
    func body() -> [UInt8] {
        struct Body: Encodable {
            let model: String
            let messages: [Message]
            let stream = true
            let maxTokens: Int
            let temperature, topP: Float
            let seed: UInt64
            let stop: [String]?

            enum CodingKeys: String, CodingKey {
                case model, messages, stream, temperature, seed, stop
                case maxTokens = "max_tokens"
                case topP = "top_p"
            }
        }
        let body = Body(
            model: model, messages: messages, maxTokens: maxTokens, temperature: temperature,
            topP: topP == 0 ? 1 : topP,
            // Servers read it as a signed number.
            seed: seed & 0x7FFF_FFFF, stop: stop.isEmpty ? nil : Array(stop.prefix(4)))
        guard let data = try? JSONEncoder().encode(body) else { return [] }
        return Array(data)
    }
}

/// What comes of one.
package enum EndpointEvent: Sendable, Equatable {
    /// UTF-8, in order; a character may be cut in two.
    case text([UInt8])
    /// The last one.
    case ended(EndpointEnd)
}

package enum EndpointEnd: Sendable, Equatable {
    case finished(reason: String)
    case failed(EndpointFault)
}

/// Why a server gave no answer: what, where, and what to do.
package struct EndpointFault: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        case unreachable, certificate, silent, deadline, status, busy, key, notStream, halfStream, malformed, tooLong
    }

    package let kind: Kind
    package let description: String
    /// What the server asked for; 0: nothing.
    package var retryAfterMilliseconds: UInt64

    init(_ kind: Kind, _ description: String, retryAfterMilliseconds: UInt64 = 0) {
        self.kind = kind
        self.description = description
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }
}
