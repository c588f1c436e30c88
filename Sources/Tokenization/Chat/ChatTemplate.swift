/// How a conversation becomes a prompt, for the families whose templates are known.
///
/// Special tokens go in by id and contents as inert text, so that no message can end its own turn. For messages that spell no
/// special token the ids are those of the model's Jinja template.
package enum ChatTemplate: Sendable, Equatable {
    /// `<|im_start|>role\ncontent<|im_end|>\n`, with a system message of its own when the conversation begins without one
    /// (SmolLM2: "You are a helpful AI assistant named SmolLM, …"; Qwen2.5: "You are Qwen, …").
    case chatML(defaultSystem: String?)
    /// `<|start_header_id|>role<|end_header_id|>\n\ncontent<|eot_id|>`, contents trimmed.
    case llama3
    /// As `llama3`, with a system turn that begins with the dates of knowledge and of today (3.1, 3.2, 3.3).
    case llama31(today: String)

    /// The date in Llama 3.1's template for callers that give none: a prompt must not depend on the clock.
    package static let llama31DefaultDate = "26 Jul 2024"

    /// A piece of a rendered conversation.
    package enum Part: Sendable, Equatable {
        case special(String)
        case text(String)
    }

    /// The conversation as parts; adjacent texts are one, since words may span them.
    ///
    /// - Parameter addGenerationPrompt: end with the head of the assistant's turn.
    package func parts(
        _ messages: [ChatMessage], addGenerationPrompt: Bool = true
    ) throws(TokenizationError) -> [Part] {
        guard let first = messages.first else { throw .emptyConversation }
        var rendering = Rendering()
        switch self {
        case .chatML(let defaultSystem):
            if let defaultSystem, first.role != .system { rendering.chatML(.init(.system, defaultSystem)) }
            for message in messages { rendering.chatML(message) }
            if addGenerationPrompt { rendering.chatMLHead(.assistant) }
        case .llama3:
            rendering.special("<|begin_of_text|>")
            for message in messages { rendering.llama3(message.role, Self.trim(message.content)) }
            if addGenerationPrompt { rendering.llama3Head(.assistant) }
        case .llama31(let today):
            rendering.special("<|begin_of_text|>")
            let system = first.role == .system ? Self.trim(first.content) : ""
            let dates = "Cutting Knowledge Date: December 2023\nToday Date: \(today)\n\n"
            rendering.llama3(.system, dates + system)
            for message in messages.dropFirst(first.role == .system ? 1 : 0) {
                rendering.llama3(message.role, Self.trim(message.content))
            }
            if addGenerationPrompt { rendering.llama3Head(.assistant) }
        }
        return rendering.parts
    }

    /// The conversation as token ids.
    package func render(
        _ messages: [ChatMessage], addGenerationPrompt: Bool = true, with tokenizer: Tokenizer
    ) throws(TokenizationError) -> [Int32] {
        var ids: [Int32] = []
        for part in try parts(messages, addGenerationPrompt: addGenerationPrompt) {
            switch part {
            case .text(let text): ids.append(contentsOf: tokenizer.encode(text))
            case .special(let text): ids.append(try Self.id(of: text, tokenizer))
            }
        }
        return ids
    }

    private static func id(of text: String, _ tokenizer: Tokenizer) throws(TokenizationError) -> Int32 {
        guard let token = tokenizer.addedToken(text) else { throw .missingSpecialToken(text) }
        guard !token.stripsLeft && !token.stripsRight else {
            throw .unsupported(feature: "white space stripped around '\(text)', which the chat template inserts")
        }
        return token.id
    }

    /// Jinja's `trim` is Python's `str.strip`: Unicode white space and the four separators U+001C…U+001F.
    private static func trim(_ text: String) -> String {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            (0x1C...0x1F).contains(scalar.value) || ScalarClasses.shared[scalar.value] == .space
        }
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !isSpace($0) }),
            let last = scalars.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(scalars[first...last])
    }
}

/// Collects parts and joins adjacent texts.
private struct Rendering {
    var parts: [ChatTemplate.Part] = []

    mutating func special(_ text: String) { parts.append(.special(text)) }

    mutating func text(_ text: String) {
        if case .text(let before)? = parts.last {
            parts[parts.count - 1] = .text(before + text)
        } else if !text.isEmpty {
            parts.append(.text(text))
        }
    }

    mutating func chatMLHead(_ role: ChatRole) {
        special("<|im_start|>")
        text(role.rawValue + "\n")
    }

    mutating func chatML(_ message: ChatMessage) {
        chatMLHead(message.role)
        text(message.content)
        special("<|im_end|>")
        text("\n")
    }

    mutating func llama3Head(_ role: ChatRole) {
        special("<|start_header_id|>")
        text(role.rawValue)
        special("<|end_header_id|>")
        text("\n\n")
    }

    mutating func llama3(_ role: ChatRole, _ content: String) {
        llama3Head(role)
        text(content)
        special("<|eot_id|>")
    }
}
