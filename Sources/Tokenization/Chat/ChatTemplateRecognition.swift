extension ChatTemplate {
    /// Which renderer a model's Jinja template stands for.
    ///
    /// Short templates are compared as a whole; the long ones, mostly about tools, by what decides the rendering of messages
    /// without tools. Anything else is refused: a nearly right template makes a quietly worse model.
    package static func recognise(_ jinja: String) throws(TokenizationError) -> ChatTemplate {
        // Files differ in whether the line breaks inside Jinja's quotes are escaped.
        let template = jinja.replacing("\\n", with: "\n").trimmingNewlines()
        if let chatML = simpleChatML(template) ?? toolChatML(template) ?? llama(template) { return chatML }
        throw .unknownChatTemplate(String(jinja.prefix(80)))
    }

    private static let chatMLLoop = "{% for message in messages %}"
    private static let chatMLTurn =
        "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

    /// SmolLM, SmolLM2, Qwen2: one line, with or without a default system message.
    private static func simpleChatML(_ template: String) -> ChatTemplate? {
        if template == chatMLLoop + chatMLTurn { return .chatML(defaultSystem: nil) }
        let head =
            chatMLLoop + "{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
        let tail = "<|im_end|>\n' }}{% endif %}" + chatMLTurn
        guard template.hasPrefix(head), template.hasSuffix(tail), template.count > head.count + tail.count else {
            return nil
        }
        return literal(template.dropFirst(head.count).dropLast(tail.count)).map { .chatML(defaultSystem: $0) }
    }

    /// Qwen2.5: tools in the system turn, else the conversation's system message or the template's own.
    private static func toolChatML(_ template: String) -> ChatTemplate? {
        let turn =
            "{%- if (message.role == \"user\") or (message.role == \"system\" and not loop.first) "
            + "or (message.role == \"assistant\" and not message.tool_calls) %}\n"
            + "        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}"
        let given = "{{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}\n    {%- else %}\n"
        guard template.contains(turn), !template.contains("<think>"),
            let end = template.firstRange(of: given)?.upperBound,
            let own = template[end...].firstRange(of: "{{- '<|im_start|>system\n"),
            template[end..<own.lowerBound].allSatisfy({ $0 == " " }),
            let close = template[own.upperBound...].firstRange(of: "<|im_end|>\n' }}")
        else { return nil }
        return literal(template[own.upperBound..<close.lowerBound]).map { .chatML(defaultSystem: $0) }
    }

    private static func llama(_ template: String) -> ChatTemplate? {
        let old =
            "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>'"
            + " + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}"
            + "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
        let prompt = "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
        if template == old + "{% if add_generation_prompt %}" + prompt + "{% endif %}" { return .llama3 }
        let marks = [
            "{{- bos_token }}", "{%- set system_message = messages[0]['content']|trim %}",
            "{{- \"<|start_header_id|>system<|end_header_id|>\n\n\" }}",
            "{{- \"Cutting Knowledge Date: December 2023\n\" }}", "{{- \"Today Date: \" + date_string + \"\n\n\" }}",
            "{%- set date_string = \"\(llama31DefaultDate)\" %}",
            "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>'",
        ]
        return marks.allSatisfy { template.contains($0) } ? .llama31(today: llama31DefaultDate) : nil
    }

    /// The text of a Jinja literal's inside, when it is one and has no escape but a backslash's.
    private static func literal(_ inside: some StringProtocol) -> String? {
        let text = String(inside).replacing("\\\\", with: "\u{0}")
        guard !text.contains("'"), !text.contains("\\") else { return nil }
        return text.replacing("\u{0}", with: "\\")
    }
}

extension String {
    /// Without line breaks at the end, which Jinja drops from a file (one) and editors add.
    fileprivate func trimmingNewlines() -> String {
        var text = self[...]
        while text.last?.isNewline == true { text.removeLast() }
        return String(text)
    }
}
