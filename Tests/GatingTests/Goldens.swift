import Foundation

/// What torch made of the equations (Goldens/make_goldens.py).
struct Goldens: Decodable {
    struct Case: Decodable {
        let label: String
        let width: Int
        let mean, variance, norm: Float
        let gateSums, gateDots, prototypeDots: [Float]
        let methods: [Method]
        /// Only in small cases.
        let u: [Float]?
        let gates: [[Float]]?
    }

    struct Method: Decodable {
        let name: String
        let scores: [Float]
        let choices: [Chosen]
        let entropy: Float
        let full: [Float]
    }

    struct Chosen: Decodable {
        let k: Int
        let temperature: Float
        let experts: [Int32]
        let weights: [Float]
    }

    let cases: [Case]

    static func load() throws -> Goldens {
        let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Goldens/scores.json")
        return try JSONDecoder().decode(Goldens.self, from: Data(contentsOf: url))
    }
}

func exponentialByFoundation(_ x: Double) -> Double { exp(x) }
