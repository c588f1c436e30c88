import Inference
import Weights

extension ParameterPlan {
    /// The plan that holds an adapter as it is: in each layer that has any, a pair for each module that the adapter has anywhere, of its
    /// largest rank. Smaller pairs are filled up with zeros, which add nothing.
    package init(
        _ adapter: AdapterFolder, for configuration: ModelConfiguration, hasGates: Bool = false, newRows: Int = 0,
        trained: Set<Kind>
    ) {
        let sites = Site.allCases.filter { site in adapter.pairs.contains { $0.site.hasSuffix(".\(site.module)") } }
        let layers = (0..<configuration.layerCount).filter { layer in
            sites.contains { adapter.pair(at: $0.path(layer: layer)) != nil }
        }
        self.init(
            sites: Set(sites), layers: layers.count == configuration.layerCount ? nil : Set(layers),
            rank: adapter.pairs.map(\.rank).max() ?? 1, scale: adapter.pairs.first?.scale ?? 1,
            hasGates: hasGates, newRows: newRows, trained: trained)
    }
}

extension Parameters {
    /// LoRA's start (Hu et al., arXiv 2106.09685, as PEFT draws it): A uniform in ±1 / sqrt(inputs), B zero, so that nothing changes at first.
    package func startPairs(seed: UInt64) {
        for (layer, row) in pairs.enumerated() {
            for pair in row.compactMap({ $0 }) {
                let bound = 1 / Double(pair.inputs).squareRoot()
                // A key of its own for every matrix, far from those of the data's order.
                let key = seed ^ (UInt64(pair.down + 1) &* 0xD6E8_FEB8_6659_FD93) ^ UInt64(layer)
                for index in 0..<pair.rank * pair.inputs {
                    let drawn = CounterRandom.uniform(seed: key, position: index)
                    values.base[pair.down + index] = Float((2 * drawn - 1) * bound)
                }
                (values.base + pair.up).update(repeating: 0, count: pair.outputs * pair.rank)
            }
        }
    }

    /// Sets every pair to the adapter's, zero where it has none; another scale s goes into B.
    package func setPairs(to adapter: AdapterFolder) {
        for (layer, row) in pairs.enumerated() {
            for site in Site.allCases {
                guard let place = row[site.rawValue] else { continue }
                (values.base + place.down).update(repeating: 0, count: place.rank * place.inputs)
                (values.base + place.up).update(repeating: 0, count: place.outputs * place.rank)
                guard let pair = adapter.pair(at: site.path(layer: layer)) else { continue }
                let (down, up) = (pair.down.floats(), pair.up.floats())
                for index in down.indices { values.base[place.down + index] = down[index] }
                let factor = pair.scale / place.scale
                for output in 0..<place.outputs {
                    for rank in 0..<pair.rank {
                        values.base[place.up + output * place.rank + rank] = up[output * pair.rank + rank] * factor
                    }
                }
            }
        }
    }

    /// All pairs as an adapter to write down.
    package var adapterPairs: [ImportedAdapter.Pair] {
        pairs.enumerated().flatMap { layer, row in
            Site.allCases.compactMap { site in
                row[site.rawValue].map { place in
                    ImportedAdapter.Pair(
                        site: site.path(layer: layer), rank: place.rank,
                        alpha: Double(place.scale) * Double(place.rank), inputs: place.inputs, outputs: place.outputs,
                        down: floats(at: place.down, place.rank * place.inputs),
                        up: floats(at: place.up, place.outputs * place.rank))
                }
            }
        }
    }

    /// Gates by site.
    package var gateVectors: [String: [Float]] {
        var result: [String: [Float]] = [:]
        for (layer, row) in gates.enumerated() {
            for site in Site.allCases {
                guard let gate = row[site.rawValue], let pair = pairs[layer][site.rawValue] else { continue }
                result[site.path(layer: layer)] = floats(at: gate, pair.inputs)
            }
        }
        return result
    }

    private func floats(at offset: Int, _ count: Int) -> [Float] {
        Array(UnsafeBufferPointer(start: values.base + offset, count: count))
    }
}
