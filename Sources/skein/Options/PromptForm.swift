import ArgumentParser
import Messaging
import Tokenization

/// How a prompt becomes tokens: through the chat template, or as it is.
struct PromptForm: ParsableArguments {
    @Flag(help: "No chat template: the prompt as it is.") var raw = false

    @Flag(name: .customLong("parse-special"), help: "With --raw: read special tokens in the prompt.")
    var parseSpecial = false

    func validate() throws {
        // Text that passes through a template is somebody's message; it never becomes structure.
        if parseSpecial && !raw { throw ValidationError("--parse-special is only possible with --raw") }
    }

    func tokens(_ prompt: String, _ text: ModelText) throws -> [Int32] {
        try refuseEmpty(prompt)
        return raw ? text.encode(raw: prompt, parseSpecial: parseSpecial) : try text.encode([.init(.user, prompt)])
    }

    func wire(_ prompt: String) throws -> Prompt {
        try refuseEmpty(prompt)
        return raw ? .text(prompt, parseSpecial: parseSpecial) : .chat([.init(role: .user, content: prompt)])
    }

    /// A template makes tokens of nothing, and the model would answer a question that nobody asked.
    private func refuseEmpty(_ prompt: String) throws {
        if prompt.isEmpty { throw CommandFailure.usage("the prompt is empty; give at least one character") }
    }
}
