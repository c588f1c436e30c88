/// A regular expression of Python's `re`, matched against a whole module name: what PEFT lets `target_modules`,
/// `exclude_modules`, `rank_pattern` and `alpha_pattern` hold.
///
/// Compiled to a program that is run on all its places at once (K. Thompson, "Regular Expression Search Algorithm",
/// CACM 11:6, 1968): the time is at most length · instructions, so no pattern that a file brings can stall its reader.
/// Greediness makes no difference to whether the whole name matches. Look-around, back-references and flags are refused.
struct ModulePattern: Sendable {
    /// In bytes and in instructions.
    static let lengthMax = 1 << 12
    static let instructionsMax = 1 << 12

    enum Instruction {
        case bytes(ByteSet)
        /// Goes on at both places.
        case split(Int, Int)
        case jump(Int)
        case start
        case end
        /// A boundary between a word character and none; with false, the opposite.
        case boundary(Bool)
    }

    /// Ends where the program ends.
    private let program: [Instruction]

    /// Compiles `pattern`; errors name `file` and `field`.
    init(_ pattern: String, file: String, field: String) throws(WeightsError) {
        guard pattern.utf8.count <= Self.lengthMax else {
            throw WeightsError(
                .overLimit, file: file, field: field, "a pattern of \(pattern.utf8.count) bytes, over \(Self.lengthMax)"
            )
        }
        var parser = ModulePatternParser(pattern: Array(pattern.utf8), file: file, field: field)
        program = try parser.program()
    }

    /// Whether all of `name` matches, as `re.fullmatch` has it.
    func matchesWhole(_ name: some Collection<UInt8>) -> Bool {
        let name = Array(name)
        var places = PlaceSet(count: program.count + 1)
        var next = PlaceSet(count: program.count + 1)
        add(0, at: 0, of: name, to: &places)
        for (position, byte) in name.enumerated() {
            next.removeAll()
            for place in places.members {
                if place < program.count, case .bytes(let set) = program[place], set.contains(byte) {
                    add(place + 1, at: position + 1, of: name, to: &next)
                }
            }
            swap(&places, &next)
            if places.members.isEmpty { return false }
        }
        return places.contains(program.count)
    }

    func matchesWhole(_ name: String) -> Bool { matchesWhole(name.utf8) }

    /// Follows everything that consumes no byte. The stack holds at most two entries per instruction.
    private func add(_ first: Int, at position: Int, of name: [UInt8], to places: inout PlaceSet) {
        var stack = [first]
        while let place = stack.popLast() {
            guard places.insert(place), place < program.count else { continue }
            switch program[place] {
            case .bytes: break
            case .split(let one, let other): stack += [other, one]
            case .jump(let target): stack.append(target)
            case .start: if position == 0 { stack.append(place + 1) }
            case .end: if position == name.count { stack.append(place + 1) }
            case .boundary(let wanted):
                let before = position > 0 && ByteSet.word.contains(name[position - 1])
                let after = position < name.count && ByteSet.word.contains(name[position])
                if (before != after) == wanted { stack.append(place + 1) }
            }
        }
    }
}

/// Places of a program, without repetition, in the order they were reached.
private struct PlaceSet {
    private(set) var members: [Int] = []
    private var isMember: [Bool]

    init(count: Int) { isMember = [Bool](repeating: false, count: count) }

    func contains(_ place: Int) -> Bool { isMember[place] }

    /// Whether it was new.
    mutating func insert(_ place: Int) -> Bool {
        guard !isMember[place] else { return false }
        isMember[place] = true
        members.append(place)
        return true
    }

    mutating func removeAll() {
        for place in members { isMember[place] = false }
        members.removeAll(keepingCapacity: true)
    }
}

/// A set of bytes: what one position of a pattern accepts.
struct ByteSet: Sendable {
    private var words = SIMD4<UInt64>()

    init() {}

    init(_ ranges: ClosedRange<UInt8>...) {
        for range in ranges { insert(range) }
    }

    static let digit = ByteSet(UInt8(ascii: "0")...UInt8(ascii: "9"))
    static let word = ByteSet(
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_")...UInt8(ascii: "_"))
    static let space = ByteSet(9...13, 28...32)
    static let anythingButNewline = ByteSet(10...10).inverted

    var inverted: ByteSet {
        var result = self
        result.words = ~words
        return result
    }

    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] & (1 << UInt64(byte & 63)) != 0 }

    mutating func insert(_ range: ClosedRange<UInt8>) {
        for byte in range { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
    }

    mutating func formUnion(_ other: ByteSet) { words |= other.words }
}
