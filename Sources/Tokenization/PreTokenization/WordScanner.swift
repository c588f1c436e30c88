/// Matches the pre-tokenizers' patterns by hand: at each position the first alternative that matches, as a backtracking
/// engine would, but in one pass. All offsets are bytes of valid UTF-8.
struct WordScanner {
    private let classes = ScalarClasses.shared
    private let pattern: PreTokenizer

    init(_ pattern: PreTokenizer) {
        self.pattern = pattern
    }

    /// Calls `word` with every word of `text[range]`, in order; together they cover the range.
    @inline(__always)
    func forEachWord(in text: Span<UInt8>, _ range: Range<Int>, _ word: (Range<Int>) -> Void) {
        var start = range.lowerBound
        while start < range.upperBound {
            // The part up to the next digit is a text of its own: look-ahead does not see past it.
            let partEnd = pattern == .smollm ? endOfPart(text, start, range.upperBound) : range.upperBound
            while start < partEnd {
                let end =
                    pattern == .gpt2 || pattern == .smollm
                    ? endOfGPT2Word(text, start, partEnd) : endOfSplitWord(text, start, partEnd)
                word(start..<end)
                start = end
            }
        }
    }

    // MARK: Patterns

    private func endOfGPT2Word(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        if let contraction = endOfContraction(text, start, end, ignoringCase: false) { return contraction }
        let first = look(text, start, end)
        if text[start] == 0x20 {
            // ` ?` before a run of letters, numbers or others.
            let next = look(text, first.next, end)
            if next.kind != .space && next.kind != .end { return endOfRun(text, next, end) }
        }
        if first.kind != .space { return endOfRun(text, first, end) }
        return endOfSpaces(text, first.next, end, splitsAfterNewlines: false, start: start)
    }

    private func endOfSplitWord(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        if let contraction = endOfContraction(text, start, end, ignoringCase: true) { return contraction }
        let first = look(text, start, end)
        if first.kind == .letter { return endOfRun(text, first, end) }
        if first.kind == .number { return endOfNumbers(text, first.next, end) }
        let isNewline = text[start] == 0x0A || text[start] == 0x0D
        let next = look(text, first.next, end)
        if !isNewline && next.kind == .letter { return endOfRun(text, next, end) }
        if first.kind == .other { return endOfNewlines(text, endOfRun(text, first, end), end) }
        if text[start] == 0x20 && next.kind == .other { return endOfNewlines(text, endOfRun(text, next, end), end) }
        return endOfSpaces(text, first.next, end, splitsAfterNewlines: true, start: start)
    }

    // MARK: Runs

    /// The end of the scalars of `first`'s class.
    @inline(__always)
    private func endOfRun(_ text: Span<UInt8>, _ first: Look, _ end: Int) -> Int {
        var position = first.next
        while position < end {
            let next = look(text, position, end)
            if next.kind != first.kind { break }
            position = next.next
        }
        return position
    }

    /// `\p{N}{1,3}` or `\p{N}`, whose first number ends at `position`.
    private func endOfNumbers(_ text: Span<UInt8>, _ position: Int, _ end: Int) -> Int {
        var position = position
        for _ in 1..<(pattern == .llama3 ? 3 : 1) {
            let next = look(text, position, end)
            if next.kind != .number { break }
            position = next.next
        }
        return position
    }

    private func endOfNewlines(_ text: Span<UInt8>, _ position: Int, _ end: Int) -> Int {
        var position = position
        while position < end && (text[position] == 0x0A || text[position] == 0x0D) { position += 1 }
        return position
    }

    /// `\s*[\r\n]+` (where the pattern has it), `\s+(?!\S)`, `\s+`; the first white space ends at `second`.
    ///
    /// A run of white space ends after its last line break; without one it leaves its last scalar to the word that follows.
    private func endOfSpaces(
        _ text: Span<UInt8>, _ second: Int, _ end: Int, splitsAfterNewlines: Bool, start: Int
    ) -> Int {
        var position = second
        var last = start
        var afterNewline = splitsAfterNewlines && (text[start] == 0x0A || text[start] == 0x0D) ? second : start
        while position < end {
            let next = look(text, position, end)
            if next.kind != .space { break }
            last = position
            if splitsAfterNewlines && (text[position] == 0x0A || text[position] == 0x0D) { afterNewline = next.next }
            position = next.next
        }
        if afterNewline > start { return afterNewline }
        return position == end || last == start ? position : last
    }

    /// `'s|'t|'re|'ve|'m|'ll|'d`
    private func endOfContraction(_ text: Span<UInt8>, _ start: Int, _ end: Int, ignoringCase: Bool) -> Int? {
        guard text[start] == 0x27, start + 1 < end else { return nil }
        let fold: UInt8 = ignoringCase ? 0x20 : 0
        let second = start + 2 < end ? text[start + 2] | fold : 0
        switch text[start + 1] | fold {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"): return second == UInt8(ascii: "e") ? start + 3 : nil
        case UInt8(ascii: "l"): return second == UInt8(ascii: "l") ? start + 3 : nil
        // U+017F, the long s, folds to s.
        case 0xE5 where ignoringCase && text[start + 1] == 0xC5 && second == 0xBF && text[start + 2] == 0xBF:
            return start + 3
        default: return nil
        }
    }

    private func endOfPart(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        var position = start
        while position < end {
            let next = look(text, position, end)
            if next.kind == .number || isLaterDigit(text, position, end) {
                return position == start ? next.next : position
            }
            position = next.next
        }
        return end
    }

    // MARK: Scalars

    private struct Look {
        var kind: ScalarClass
        var next: Int
    }

    /// The class of the scalar at `position` for the patterns, and where the next one begins.
    @inline(__always)
    private func look(_ text: Span<UInt8>, _ position: Int, _ end: Int) -> Look {
        guard position < end else { return Look(kind: .end, next: position) }
        let (scalar, next) = Self.scalar(text, position)
        let kind = classes[scalar]
        return Look(kind: kind == .laterDigit ? .other : kind, next: next)
    }

    private func isLaterDigit(_ text: Span<UInt8>, _ position: Int, _ end: Int) -> Bool {
        text[position] >= 0xF0 && classes[Self.scalar(text, position).scalar] == .laterDigit
    }

    @inline(__always)
    private static func scalar(_ text: Span<UInt8>, _ position: Int) -> (scalar: UInt32, next: Int) {
        let first = UInt32(text[position])
        if first < 0x80 { return (first, position + 1) }
        let second = UInt32(text[position + 1] & 0x3F)
        if first < 0xE0 { return ((first & 0x1F) << 6 | second, position + 2) }
        let third = UInt32(text[position + 2] & 0x3F)
        if first < 0xF0 { return ((first & 0x0F) << 12 | second << 6 | third, position + 3) }
        let fourth = UInt32(text[position + 3] & 0x3F)
        return ((first & 0x07) << 18 | second << 12 | third << 6 | fourth, position + 4)
    }
}
