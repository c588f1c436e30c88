import Deciding
import Messaging
import Routing
import Tokenization
import Topology

/// A query's words on the way to a node: the last thing that the user said, in the user's words or a master's.
package enum Wording {
    /// What a master reads; nil for token ids, which are no words.
    package static func query(of prompt: Prompt) -> String? {
        switch prompt {
        case .chat(let messages): messages.last { $0.role == .user }?.content
        case .text(let text, _): text
        case .tokens: nil
        }
    }

    /// The prompt with other words for what the user said last.
    package static func replacing(_ prompt: Prompt, with text: String) -> Prompt {
        switch prompt {
        case .chat(var messages):
            guard let index = messages.lastIndex(where: { $0.role == .user }) else { return prompt }
            messages[index].content = text
            return .chat(messages)
        case .text(_, let parseSpecial): return .text(text, parseSpecial: parseSpecial)
        case .tokens: return prompt
        }
    }

    /// What became of a rewrite, from its bytes under the grammar.
    package static func note(_ bytes: [UInt8], original: String) -> RewriteNote {
        guard let text = RewriteText.decode(bytes) else {
            return RewriteNote(text: "", lost: ["(not well formed)"], originalKept: true)
        }
        let lost = Faithfulness.lost(original: original, rewrite: text)
        return RewriteNote(
            text: text, lost: lost, originalKept: Faithfulness.chosen(original: original, rewrite: text) != text)
    }

    /// What the node gets.
    package static func prompt(_ prompt: Prompt, _ note: RewriteNote?, wants: QueryWording) -> Prompt {
        guard let note, !note.originalKept, let original = query(of: prompt) else { return prompt }
        return switch wants {
        case .original: prompt
        case .rewritten: replacing(prompt, with: note.text)
        case .both: replacing(prompt, with: "\(original)\n\n\(note.text)")
        }
    }
}
