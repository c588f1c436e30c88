import Weights

/// One expert of one mixture layer.
package struct MixtureCell: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Of the transformer, from 0.
    package let layer: Int
    package let expert: Int

    package init(layer: Int, expert: Int) {
        self.layer = layer
        self.expert = expert
    }

    package var description: String { "expert \(expert) of layer \(layer)" }

    /// What the feed-forward is called in the trunk.
    package var site: String { Self.site(ofLayer: layer) }

    package static func site(ofLayer layer: Int) -> String { "model.layers.\(layer).mlp" }

    package static func < (left: MixtureCell, right: MixtureCell) -> Bool {
        (left.layer, left.expert) < (right.layer, right.expert)
    }
}
