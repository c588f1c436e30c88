import Weights

/// The mixed corpus of make_goldens.py, generated again: ten scripts, code, digits, emoji, white space, special tokens spelled
/// out, random scalars, invalid bytes.
struct Corpus {
    static let chunkCount = 72
    private static let chunkBytes = 16384

    private let words: [[UInt8]]
    private let separators: [[UInt8]]
    private let specials: [[UInt8]]
    private let invalid: [[UInt8]]

    init() throws {
        let table = try Goldens.read("words.json")
        words = table["words"]?.texts.map { Array($0.utf8) } ?? []
        separators = table["separators"]?.texts.map { Array($0.utf8) } ?? []
        specials = table["specials"]?.texts.map { Array($0.utf8) } ?? []
        invalid = table["invalid"]?.arrayValue?.map(\.byteValues) ?? []
    }

    func chunk(_ index: Int) -> [UInt8] {
        var draw = Generator(state: UInt64(index) + 1)
        var out: [UInt8] = []
        while out.count < Self.chunkBytes {
            out += words[draw.below(words.count)]
            let kind = draw.below(24)
            switch kind {
            case 0: out += specials[draw.below(specials.count)]
            case 1: out += invalid[draw.below(invalid.count)]
            case 2: if let scalar = Unicode.Scalar(UInt32(draw.below(0x110000))) { out += Array(String(scalar).utf8) }
            case 3..<14:
                out.append(0x20)
                continue
            default: break
            }
            out += separators[draw.below(separators.count)]
        }
        return out
    }
}

/// Knuth's 64-bit linear congruential generator; the upper 31 bits count.
struct Generator {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
}

/// FNV-1a, 64 bits.
struct FNV {
    private var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func update(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    mutating func update(ids: [Int32]) {
        for id in ids {
            for shift in stride(from: 0, to: 32, by: 8) {
                update(CollectionOfOne(UInt8(truncatingIfNeeded: id >> shift)))
            }
        }
    }

    var hex: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    static func hash(ids: [Int32]) -> String {
        var hash = FNV()
        hash.update(ids: ids)
        return hash.hex
    }
}
