import Digest

/// `phatgoose_config.json`: what the gates beside it were trained on and how they are to be read.
package struct GateConfiguration: Sendable, Equatable {
    package static let fileName = "phatgoose_config.json"
    /// The one format version read here.
    package static let format = 1

    /// Of `adapter_model.safetensors`.
    package let adapterHash: SHA256Digest
    package let baseModel: String?
    /// What is added to variances under the root.
    package let epsilon: Double
    /// k, unless a request says otherwise.
    package let topK: Int
    /// What the training data was.
    package let label: String?

    package init(path: String) throws(WeightsError) {
        let fields = try AdapterFields(path: path)
        guard let format = try fields.integer("format", in: 0...Int.max) else { throw fields.missing("format") }
        guard format == Self.format else {
            throw WeightsError(
                .unsupported, file: path, field: "format", "\(format); this program reads \(Self.format)")
        }
        guard let hash = try fields.text("adapter_sha256") else { throw fields.missing("adapter_sha256") }
        guard let digest = SHA256Digest(hex: hash) else {
            throw WeightsError(.malformed, file: path, field: "adapter_sha256", "is not 64 hexadecimal digits")
        }
        if let normalisation = try fields.text("normalisation"), normalisation != "layernorm" {
            throw WeightsError(
                .unsupported, file: path, field: "normalisation", "\(normalisation); gates are standardised (layernorm)"
            )
        }
        adapterHash = digest
        baseModel = try fields.text("base_model")
        epsilon = try fields.number("eps") ?? 1e-5
        guard epsilon >= 0, epsilon <= 1 else {
            throw WeightsError(.malformed, file: path, field: "eps", "\(epsilon) is not in 0...1")
        }
        topK = try fields.integer("top_k", in: 1...Limits.adapterNamesMax) ?? 2
        label = try fields.text("label")
    }
}
