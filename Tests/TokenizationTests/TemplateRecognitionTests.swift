import Testing
import Tokenization

@Suite struct TemplateRecognitionTests {
    private static let turn =
        "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    private static let loop = "{% for message in messages %}"

    private static func withDefault(_ system: String) -> String {
        loop
            + "{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n\(system)<|im_end|>\n' }}"
            + "{% endif %}" + turn
    }

    @Test func theDefaultModelsOwn() throws {
        let template = try #require(try Goldens.tokenizer("default").chatTemplate)
        #expect(
            try ChatTemplate.recognise(template)
                == .chatML(defaultSystem: "You are a helpful AI assistant named SmolLM, trained by Hugging Face"))
    }

    @Test func chatMLWithAndWithoutADefault() throws {
        #expect(try ChatTemplate.recognise(Self.loop + Self.turn) == .chatML(defaultSystem: nil))
        let template = Self.withDefault("You are a helpful assistant.")
        #expect(try ChatTemplate.recognise(template) == .chatML(defaultSystem: "You are a helpful assistant."))
        // Line breaks inside the quotes may be escaped, and the file may end with one.
        let escaped = template.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n") + "\n"
        #expect(try ChatTemplate.recognise(escaped) == .chatML(defaultSystem: "You are a helpful assistant."))
    }

    /// The parts of Qwen2.5's template that decide a rendering without tools.
    private static func qwen(_ system: String, extra: String = "") -> String {
        #"""
        {%- if tools %}
            {{- '<|im_start|>system\n' }}
        {%- else %}
            {%- if messages[0]['role'] == 'system' %}
                {{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}
            {%- else %}
                {{- '<|im_start|>system\n\#(system)<|im_end|>\n' }}
            {%- endif %}
        {%- endif %}
        {%- for message in messages %}
            {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
                {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
            {%- endif %}\#(extra)
        {%- endfor %}
        """#
    }

    @Test func chatMLWithTools() throws {
        #expect(try ChatTemplate.recognise(Self.qwen("You are Qwen.")) == .chatML(defaultSystem: "You are Qwen."))
        #expect(
            try ChatTemplate.recognise(Self.qwen(#"Put it in \\boxed{}."#))
                == .chatML(defaultSystem: #"Put it in \boxed{}."#)
        )
    }

    @Test func anyOtherTemplateIsRefusedByItsHead() {
        let others = [
            "", "{{ bos_token }}[INST] {{ messages[0]['content'] }} [/INST]",
            Self.withDefault("x") + "{{ 'more' }}", Self.withDefault("it's {{ x }}'"),
            Self.qwen("x", extra: "{{- '<think>' }}"), Self.loop + Self.turn.replacing("assistant", with: "bot"),
        ]
        for template in others {
            #expect(throws: TokenizationError.unknownChatTemplate(String(template.prefix(80)))) {
                try ChatTemplate.recognise(template)
            }
        }
    }
}
