/// The linear layers of a decoder layer that a LoRA pair and a gate can sit at, in the order a token meets them.
package enum Site: Int, CaseIterable, Sendable {
    case q, k, v, o, gate, up, down

    /// As `target_modules` of PEFT names it.
    package var module: String {
        switch self {
        case .q, .k, .v, .o: "\(self)_proj"
        case .gate: "gate_proj"
        case .up: "up_proj"
        case .down: "down_proj"
        }
    }

    /// The Hugging Face module name, such as `model.layers.3.self_attn.q_proj`.
    package func path(layer: Int) -> String {
        let block = rawValue <= Site.o.rawValue ? "self_attn" : "mlp"
        return "model.layers.\(layer).\(block).\(module)"
    }

    /// The name as people give it on a command line, `q` or `q_proj`.
    package init?(name: String) {
        guard let site = Site.allCases.first(where: { "\($0)" == name || $0.module == name }) else { return nil }
        self = site
    }
}
