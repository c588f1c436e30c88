/// Reads the part of Python's pattern syntax that decides about module names, straight into a program:
///
///     either   = sequence { "|" sequence }
///     sequence = { item [ "*" | "+" | "?" | "{m,n}" ] [ "?" ] }
///     item     = character | "." | "[...]" | "\d" ... | "(" either ")" | "(?:" either ")" | "(?P<name>" either ")"
///              | "^" | "$" | "\A" | "\Z" | "\b" | "\B"
struct ModulePatternParser {
    private typealias Program = [ModulePattern.Instruction]

    private let pattern: [UInt8]
    private let file: String
    private let field: String
    private var position = 0
    private var depth = 0

    /// Deeper nesting than any real pattern; bounds the recursion.
    private static let depthMax = 32

    init(pattern: [UInt8], file: String, field: String) {
        self.pattern = pattern
        self.file = file
        self.field = field
    }

    mutating func program() throws(WeightsError) -> [ModulePattern.Instruction] {
        let result = try either()
        guard position == pattern.count else { throw malformed("a parenthesis closes nothing") }
        return result
    }

    private func malformed(_ detail: String) -> WeightsError {
        WeightsError(.malformed, file: file, field: field, "pattern, byte \(position): \(detail)")
    }

    private func unsupported(_ what: String) -> WeightsError {
        WeightsError(.unsupported, file: file, field: field, "pattern, byte \(position): \(what) is not supported")
    }

    private var next: UInt8? { position < pattern.count ? pattern[position] : nil }

    private mutating func take(_ text: StaticString) -> Bool {
        let end = position + text.utf8CodeUnitCount
        guard end <= pattern.count, "\(text)".utf8.elementsEqual(pattern[position..<end]) else { return false }
        position = end
        return true
    }

    private func bounded(_ program: Program) throws(WeightsError) -> Program {
        guard program.count <= ModulePattern.instructionsMax else {
            throw WeightsError(
                .overLimit, file: file, field: field,
                "the pattern needs more than \(ModulePattern.instructionsMax) instructions")
        }
        return program
    }

    private mutating func either() throws(WeightsError) -> [ModulePattern.Instruction] {
        guard depth < Self.depthMax else {
            throw WeightsError(.overLimit, file: file, field: field, "groups nested deeper than \(Self.depthMax)")
        }
        depth += 1
        defer { depth -= 1 }
        var result = try sequence()
        while take("|") {
            let other = try sequence()
            // 0: split(1, n+2)  1...n: one  n+1: jump past the other
            result = try bounded(
                [.split(1, result.count + 2)] + Self.moved(result, by: 1)
                    + [.jump(result.count + 2 + other.count)] + Self.moved(other, by: result.count + 2))
        }
        return result
    }

    /// A program whose places are `offset` further on.
    private static func moved(_ program: Program, by offset: Int) -> Program {
        program.map { instruction in
            switch instruction {
            case .split(let one, let other): .split(one + offset, other + offset)
            case .jump(let target): .jump(target + offset)
            default: instruction
            }
        }
    }

    private mutating func sequence() throws(WeightsError) -> [ModulePattern.Instruction] {
        var result: Program = []
        while let byte = next, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            let part = try repeated(try item())
            result = try bounded(result + Self.moved(part, by: result.count))
        }
        return result
    }
}

extension ModulePatternParser {
    private mutating func repeated(_ item: Program) throws(WeightsError) -> [ModulePattern.Instruction] {
        let least: Int
        let most: Int?
        if take("*") {
            (least, most) = (0, nil)
        } else if take("+") {
            (least, most) = (1, nil)
        } else if take("?") {
            (least, most) = (0, 1)
        } else if let bounds = try bounds() {
            (least, most) = bounds
        } else {
            return item
        }
        if take("+") { throw unsupported("a possessive quantifier") }
        _ = take("?")  // lazy: the same names match
        if next == UInt8(ascii: "*") || next == UInt8(ascii: "+") || next == UInt8(ascii: "?") {
            throw malformed("a quantifier after a quantifier")
        }
        return try Self.times(item, least, most, bounded)
    }

    private static func times(
        _ item: Program, _ least: Int, _ most: Int?, _ bounded: (Program) throws(WeightsError) -> Program
    ) throws(WeightsError) -> Program {
        var result: Program = []
        for _ in 0..<least { result = try bounded(result + moved(item, by: result.count)) }
        guard let most else {
            // split(body, out), body, jump back
            let start = result.count
            result += [.split(start + 1, start + item.count + 2)] + moved(item, by: start + 1) + [.jump(start)]
            return try bounded(result)
        }
        for _ in least..<most {
            let start = result.count
            result += [.split(start + 1, start + 1 + item.count)] + moved(item, by: start + 1)
            result = try bounded(result)
        }
        return result
    }

    /// {m}, {m,}, {,n} or {m,n}; as in Python, a brace that begins none of these is a character.
    private mutating func bounds() throws(WeightsError) -> (Int, Int?)? {
        let start = position
        guard take("{") else { return nil }
        let least = number()
        let hasComma = take(",")
        let most = hasComma ? number() : least
        guard take("}"), least != nil || hasComma else {
            position = start
            return nil
        }
        let limit = ModulePattern.instructionsMax
        guard (least ?? 0) <= limit, (most ?? 0) <= limit else { throw malformed("a repetition over \(limit)") }
        guard (least ?? 0) <= (most ?? limit) else { throw malformed("a repetition whose bounds are reversed") }
        return (least ?? 0, most)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let byte = next, ByteSet.digit.contains(byte) {
            position += 1
            value = min((value ?? 0) * 10 + Int(byte - UInt8(ascii: "0")), 1 << 20)
        }
        return value
    }

    private mutating func item() throws(WeightsError) -> [ModulePattern.Instruction] {
        if take("(") { return try group() }
        if take("[") { return [.bytes(try set())] }
        if take(".") { return [.bytes(.anythingButNewline)] }
        if take("^") { return [.start] }
        if take("$") { return [.end] }
        if take("\\") { return [try escape()] }
        guard let byte = next else { throw malformed("ends too soon") }
        if byte == UInt8(ascii: "*") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "?") {
            throw malformed("a quantifier with nothing before it")
        }
        position += 1
        return [.bytes(ByteSet(byte...byte))]
    }

    private mutating func group() throws(WeightsError) -> [ModulePattern.Instruction] {
        if take("?P<") {
            while let byte = next, ByteSet.word.contains(byte) { position += 1 }
            guard take(">") else { throw malformed("a group's name does not end") }
        } else if take("?:") {
        } else if next == UInt8(ascii: "?") {
            throw unsupported("look-around, a flag or another extension (?...)")
        }
        let inner = try either()
        guard take(")") else { throw malformed("a parenthesis is not closed") }
        return inner
    }

    private mutating func escape() throws(WeightsError) -> ModulePattern.Instruction {
        guard let byte = next else { throw malformed("ends with a backslash") }
        switch byte {
        case UInt8(ascii: "A"): position += 1; return .start
        case UInt8(ascii: "Z"): position += 1; return .end
        case UInt8(ascii: "b"): position += 1; return .boundary(true)
        case UInt8(ascii: "B"): position += 1; return .boundary(false)
        default: return .bytes(try escapedSet())
        }
    }

    /// After a backslash, where a set of bytes stands.
    private mutating func escapedSet() throws(WeightsError) -> ByteSet {
        guard let byte = next else { throw malformed("ends with a backslash") }
        position += 1
        switch byte {
        case UInt8(ascii: "d"): return .digit
        case UInt8(ascii: "D"): return ByteSet.digit.inverted
        case UInt8(ascii: "w"): return .word
        case UInt8(ascii: "W"): return ByteSet.word.inverted
        case UInt8(ascii: "s"): return .space
        case UInt8(ascii: "S"): return ByteSet.space.inverted
        case let byte where ByteSet.word.contains(byte) && byte != UInt8(ascii: "_"):
            throw unsupported("the escape \\\(Character(Unicode.Scalar(byte)))")
        default: return ByteSet(byte...byte)
        }
    }

    /// After the opening bracket.
    private mutating func set() throws(WeightsError) -> ByteSet {
        let inverts = take("^")
        var result = ByteSet()
        var isFirst = true
        while isFirst || next != UInt8(ascii: "]") {
            isFirst = false
            guard let byte = next else { throw malformed("a bracket is not closed") }
            position += 1
            guard byte != UInt8(ascii: "\\") else {
                result.formUnion(try escapedSet())
                continue
            }
            guard next == UInt8(ascii: "-"), position + 1 < pattern.count, pattern[position + 1] != UInt8(ascii: "]")
            else {
                result.insert(byte...byte)
                continue
            }
            let last = pattern[position + 1]
            guard last >= byte, last != UInt8(ascii: "\\") else { throw malformed("a range that is reversed") }
            position += 2
            result.insert(byte...last)
        }
        position += 1
        return inverts ? result.inverted : result
    }
}
