import Foundation
import Gating
import Inference

/// `Goldens/phatgoose`: what make_phatgoose_goldens.py wrote.
struct RoutingGolden {
    struct Index: Decodable {
        struct Method: Decodable {
            let route: String
            let k: Int
        }
        struct Prompt: Decodable { let ids: [Int32] }
        struct Recorded: Decodable {
            let prompt: String
            let positions: [Int]
        }
        struct Likelihood: Decodable {
            let ids: [Int32]
            let mean: [String: Double]
        }
        struct Top: Decodable {
            let ids: [Int]
            let values: [Float]
        }
        struct Peft: Decodable {
            let prompt: String
            let ids: [Int]
            let values: [Float]
            let trunkDistance: Float
        }

        let experts: [String]
        let adapterSHA256: [String: String]
        let gatesSHA256: [String: String]
        let sites: [String]
        let methods: [String: Method]
        let prompts: [String: Prompt]
        let recorded: Recorded
        let nll: Likelihood
        let logitStride: Int
        let tops: [String: [String: Top]]
        let peft: Peft
    }

    static let folder = TestModels.goldens.appending(path: "phatgoose")
    static let methods = ["phatgoose:1", "phatgoose:2", "phatgoose:3", "arrow:3", "arrow:unit:3"]

    let index: Index
    private let tensors: [String: (shape: [Int], bytes: Data)]

    /// safetensors: the header's length in 8 bytes, the header in JSON, then the tensors.
    static func read() throws -> RoutingGolden {
        let index = try JSONDecoder().decode(Index.self, from: Data(contentsOf: folder.appending(path: "golden.json")))
        let file = try Data(contentsOf: folder.appending(path: "golden.safetensors"))
        let length = Int(file.prefix(8).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self).littleEndian })
        struct Entry: Decodable {
            let shape: [Int]
            let offsets: [Int]

            enum CodingKeys: String, CodingKey {
                case shape
                case offsets = "data_offsets"
            }
        }
        let entries = try JSONDecoder().decode([String: Entry].self, from: file[8..<8 + length])
        return RoutingGolden(
            index: index,
            tensors: entries.mapValues { entry in
                (entry.shape, file.subdata(in: 8 + length + entry.offsets[0]..<8 + length + entry.offsets[1]))
            })
    }

    func floats(_ name: String) throws -> [Float] {
        try numbers(name, Float.self)
    }

    func halves(_ name: String) throws -> [Float] { try numbers(name, Float16.self).map(Float.init) }

    func numbers<Number: BitwiseCopyable>(_ name: String, _: Number.Type) throws -> [Number] {
        guard let tensor = tensors[name] else { throw Missing(name: name) }
        return tensor.bytes.withUnsafeBytes { bytes in
            (0..<tensor.shape.reduce(1, *)).map {
                bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Number>.size, as: Number.self)
            }
        }
    }

    /// The same method here.
    func route(_ name: String) throws -> RouteOptions {
        let method = try named(name, in: index.methods)
        return RouteOptions(method: try RouteMethod(parsing: method.route), topK: method.k)
    }

    /// The reference's choices of one prompt, by (group, linear, position).
    func choices(_ prompt: String, _ method: String) throws -> (Int, Int, Int) -> Choice {
        let tokens = try named(prompt, in: index.prompts).ids.count
        let k = try named(method, in: index.methods).k
        let experts = try numbers("\(prompt).\(method).experts", UInt8.self)
        let weights = try halves("\(prompt).\(method).weights")
        return { group, linear, position in
            let first = (Self.site(group, linear) * tokens + position) * k
            return Choice(
                experts: experts[first..<first + k].map { Int32($0) }, weights: Array(weights[first..<first + k]))
        }
    }

    /// q k v | o | gate up | down: the place of a linear among the 7 of its layer.
    static func site(_ group: Int, _ linear: Int) -> Int { group / 4 * 7 + [0, 3, 4, 6][group % 4] + linear }

    private func named<Value>(_ name: String, in values: [String: Value]) throws -> Value {
        guard let value = values[name] else { throw Missing(name: name) }
        return value
    }

    struct Missing: Error {
        let name: String
    }
}
