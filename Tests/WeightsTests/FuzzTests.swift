import Testing
import Weights

/// Valid files with random bytes changed either fail with a typed error or open and can be read to the last element. A
/// crash is the failure; the seeds are fixed, so a debugger stops at the same one each time.
struct FuzzTests {
    private static let iterations = 4000

    /// SplitMix64 (Steele, Lea, Flood 2014).
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    /// Up to eight changes in the first `header` bytes: bit flips, random bytes, all-ones words, and sometimes a cut.
    private static func damaged(_ bytes: [UInt8], header: Int, _ seed: UInt64) -> [UInt8] {
        var generator = Generator(state: seed)
        var result = bytes
        for _ in 0..<Int.random(in: 1...8, using: &generator) {
            let place = Int.random(in: 0..<min(header, result.count - 8), using: &generator)
            switch UInt8.random(in: 0..<8, using: &generator) {
            case 0: result.replaceSubrange(place..<place + 8, with: [UInt8](repeating: 0xFF, count: 8))
            case 1: result[place] = UInt8.random(in: .min ... .max, using: &generator)
            case 2: result[place] = result[place] &+ 1
            default: result[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
        }
        if generator.next() % 8 == 0 { result.removeLast(Int.random(in: 1..<result.count - 16, using: &generator)) }
        return result
    }

    private static func run(
        _ bytes: [UInt8], header: Int, seeds: UInt64, _ open: ([UInt8]) throws -> Void
    ) -> (opened: Int, refused: Int) {
        var outcome = (opened: 0, refused: 0)
        for seed in seeds..<seeds + UInt64(iterations) {
            do {
                try open(damaged(bytes, header: header, seed))
                outcome.opened += 1
            } catch is WeightsError {
                outcome.refused += 1
            } catch {
                Issue.record("seed \(seed): \(error) is not a WeightsError")
            }
        }
        return outcome
    }

    private static func readAll(_ tensor: TensorView) -> Int {
        var sum = 0
        for row in 0..<tensor.rows { sum &+= tensor.withRow(row) { $0.byteCount } }
        return sum &+ tensor.floats().count
    }

    private static func readAll(_ metadata: GGUFMetadata) -> Int {
        var sum = 0
        for case .array(let array) in metadata.keys.compactMap({ metadata[$0] }) {
            for index in 0..<array.count {
                sum &+= array.elementType == .text ? array.textBytes(at: index).count : array.integer(at: index) ?? 0
            }
        }
        return sum
    }

    @Test func damagedGGUFFiles() throws {
        let outcome = Self.run(try Goldens.bytes("types.gguf"), header: 1800, seeds: 1_000_000) { bytes in
            let file = try GGUFFile(bytes: bytes, file: "fuzz")
            var sum = Self.readAll(file.metadata)
            for name in file.tensorNames { sum &+= Self.readAll(try file.tensor(name)) }
            #expect(sum != .min)
        }
        #expect(outcome.opened > 0 && outcome.refused > 0, "\(outcome)")
    }

    @Test func damagedGGUFModels() throws {
        let outcome = Self.run(try Goldens.bytes("tiny-llama.gguf"), header: 2600, seeds: 2_000_000) { bytes in
            let checkpoint = try Checkpoint(gguf: bytes, file: "fuzz")
            for name in checkpoint.tensorNames {
                #expect(Self.readAll(try checkpoint.tensor(name)) > 0)
            }
        }
        #expect(outcome.opened > 0 && outcome.refused > 0, "\(outcome)")
    }

    @Test func damagedSafetensorsFiles() throws {
        let outcome = Self.run(try Goldens.bytes("halves.safetensors"), header: 500, seeds: 3_000_000) { bytes in
            let file = try SafetensorsFile(bytes: bytes, file: "fuzz")
            for name in file.tensorNames { #expect(Self.readAll(try file.tensor(name)) > 0) }
        }
        #expect(outcome.opened > 0 && outcome.refused > 0, "\(outcome)")
    }
}
