/// How PEFT calls tensors: `base_model.model.<module path>.<what>`.
enum PEFTNames {
    static let prefix = "base_model.model."
    static let down = ".lora_A.weight"
    static let up = ".lora_B.weight"
    static let gate = ".phatgoose_gate.weight"
    static let arrow = ".arrow_prototype.weight"
    static let average = ".average_activation.weight"

    static func tensor(_ site: String, _ ending: String) -> String { prefix + site + ending }

    /// The module path between prefix and `ending`; nil where the name has another form.
    static func site(of name: String, _ ending: String) -> String? {
        guard name.hasPrefix(prefix), name.hasSuffix(ending), name.utf8.count > prefix.utf8.count + ending.utf8.count
        else { return nil }
        let site = name.dropFirst(prefix.count).dropLast(ending.count)
        guard site.utf8.count <= Limits.siteNameBytesMax, site.utf8.allSatisfy(isPathByte) else { return nil }
        return String(site)
    }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        ByteSet.word.contains(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
    }

    /// Why a tensor that is no part of a pair is refused.
    static func explanation(of name: String) -> String {
        if name.contains(".lora_magnitude_vector") { return "a magnitude of DoRA, which is not additive" }
        if name.contains(".lora_embedding_") { return "a pair on an embedding; experts sit at linear layers" }
        if name.hasSuffix(".lora_B.bias") { return "a bias inside the pair (lora_bias)" }
        if name.contains(".phatgoose_gate") { return "a gate; gates belong in phatgoose_gates.safetensors" }
        if name.hasSuffix(".lora_a") || name.hasSuffix(".lora_b") {
            return "a tensor of mlx-lm or mttl; bring the file in with `skein expert import`"
        }
        return "is not \(prefix)<module>.lora_A.weight or .lora_B.weight"
    }
}
