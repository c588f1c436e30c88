import Foundation
import Gating

/// What transformers' routers and DeepSeek's load balancer made of random inputs (Goldens/make_layer_goldens.py).
struct LayerGoldens: Decodable {
    struct Gate: Decodable {
        let family: String
        let topK: Int
        let logits: [[Float]]
        /// In ascending id.
        let experts: [[Int32]]
        let weights: [[Float]]
        let norm: Bool?
        let scale: Float?
        let groups: [Int]?
        let bias: [Float]?

        func gate() throws -> LayerGate {
            let count = logits[0].count
            let limited = groups.map { (count: $0[0], kept: $0[1]) }
            switch family {
            case "mixtral": return try .mixtral(experts: count, topK: topK)
            case "qwen": return try .qwen(experts: count, topK: topK, normTopKProb: norm == true)
            case "openMoE": return try .openMoE(experts: count, topK: topK)
            case "deepSeekV2": return try .deepSeekV2(experts: count, topK: topK, scale: scale ?? 0, groups: limited)
            case "deepSeekV3":
                return try .deepSeekV3(
                    experts: count, topK: topK, scale: scale ?? 0, groups: limited ?? (0, 0), bias: bias ?? [],
                    normTopKProb: norm == true)
            case "gptOSS": return try .gptOSS(experts: count, topK: topK)
            case "granite": return try .granite(experts: count, topK: topK)
            default: throw LayerGateError(field: "family", problem: "is \(family)")
            }
        }
    }

    struct Plan: Decodable {
        let load: [Float]
        let replicas, groups, nodes, devices: Int
        let experts: [Int]
        let places: [[Int]]

        var shape: ReplicaShape { ReplicaShape(replicas: replicas, groups: groups, nodes: nodes, devices: devices) }
    }

    let gates: [Gate]
    let plans: [Plan]

    static func load() throws -> LayerGoldens {
        let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Goldens/layers.json")
        return try JSONDecoder().decode(LayerGoldens.self, from: Data(contentsOf: url))
    }
}
