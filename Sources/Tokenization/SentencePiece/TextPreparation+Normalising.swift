extension TextPreparation {
    /// `▁`, which stands for a space.
    static let mark: [UInt8] = Array("▁".utf8)

    /// The normalised words of `text`, valid UTF-8.
    /// - Parameters:
    ///   - atStart: the text is the beginning of the prompt.
    ///   - fixed: pieces that normalisation leaves alone.
    func words(of text: [UInt8], atStart: Bool, fixed: PieceTrie) -> [[UInt8]] {
        switch self {
        case .whole(let map, let prefix, let removes):
            var normalizer = WholeText(map: map, fixed: fixed, removesExtraSpaces: removes)
            let normal = normalizer.normalize(text, addsPrefix: prefix)
            return normal.isEmpty ? [] : [normal]
        case .steps(let steps, let rule):
            let normal = steps.reduce(text) { $1.apply($0) }
            return normal.isEmpty ? [] : rule.words(of: normal, atStart: atStart)
        }
    }
}

/// sentencepiece's `Normalizer::Normalize` (normalizer.cc).
private struct WholeText {
    let map: CharacterMap?
    let fixed: PieceTrie
    let removesExtraSpaces: Bool
    var out: [UInt8] = []

    init(map: CharacterMap?, fixed: PieceTrie, removesExtraSpaces: Bool) {
        self.map = map
        self.fixed = fixed
        self.removesExtraSpaces = removesExtraSpaces
    }

    mutating func normalize(_ text: [UInt8], addsPrefix: Bool) -> [UInt8] {
        out.reserveCapacity(text.count + text.count / 2 + 3)
        let span = text.span
        var position = 0
        if removesExtraSpaces {
            while position < text.count, case let (part, end) = next(span, position), part == [0x20] { position = end }
        }
        guard position < text.count else { return [] }
        if addsPrefix { out += TextPreparation.mark }
        var afterSpace = removesExtraSpaces
        while position < text.count {
            let (part, end) = next(span, position)
            afterSpace = append(part, afterSpace: afterSpace) && removesExtraSpaces
            position = end
        }
        if removesExtraSpaces {
            while out.suffix(3).elementsEqual(TextPreparation.mark) { out.removeLast(3) }
        }
        return out
    }

    /// Returns whether the text now ends with a space.
    private mutating func append(_ part: [UInt8], afterSpace: Bool) -> Bool {
        let rest = afterSpace ? part.drop { $0 == 0x20 } : part[...]
        guard let last = rest.last else { return afterSpace }
        for byte in rest {
            if byte == 0x20 { out += TextPreparation.mark } else { out.append(byte) }
        }
        return last == 0x20
    }

    /// What the text at `position` becomes, and where what follows begins.
    private func next(_ text: Span<UInt8>, _ position: Int) -> ([UInt8], Int) {
        if !fixed.isEmpty, let piece = fixed.longest(of: text, at: position) {
            return (text.copy(position..<piece.end), piece.end)
        }
        if let map, let match = map.longest(in: text, at: position) {
            return (Array(map.replacement(match)), position + match.length)
        }
        let end = text.endOfScalar(at: position)
        return (text.copy(position..<end), end)
    }
}

extension TextStep {
    /// As the normaliser of that name in the `tokenizers` library.
    fileprivate func apply(_ text: [UInt8]) -> [UInt8] {
        switch self {
        case .map(let map): return map.applyToClusters(text)
        case .strip(let left, let right):
            let scalars = String(decoding: text, as: UTF8.self).unicodeScalars[...]
            func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }
            let begun = left ? scalars.drop(while: isSpace) : scalars
            let end =
                right ? begun.lastIndex { !isSpace($0) }.map(begun.index(after:)) ?? begun.startIndex : begun.endIndex
            return Array(String(begun[..<end]).utf8)
        case .collapseSpaces(let content): return Self.collapse(text, Array(content.utf8))
        case .replace(let old, let new): return Self.replace(text, Array(old.utf8), Array(new.utf8))
        case .prepend(let head): return text.isEmpty ? text : Array(head.utf8) + text
        }
    }

    /// Byte for byte: a space is one whatever mark follows it.
    private static func replace(_ text: [UInt8], _ old: [UInt8], _ new: [UInt8]) -> [UInt8] {
        guard let first = old.first else { return text }
        var out: [UInt8] = []
        var index = 0
        while index < text.count {
            if text[index] == first, text[index...].starts(with: old) {
                out += new
                index += old.count
            } else {
                out.append(text[index])
                index += 1
            }
        }
        return out
    }

    private static func collapse(_ text: [UInt8], _ content: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var index = 0
        while index < text.count {
            var end = index
            while end < text.count, text[end] == 0x20 { end += 1 }
            if end - index >= 2 {
                out += content
                index = end
            } else {
                out.append(text[index])
                index += 1
            }
        }
        return out
    }
}

extension CharacterMap {
    /// Grapheme clusters of under six bytes as a whole, all else scalar by scalar, and of the keys at its beginning the shortest: not what
    /// sentencepiece does, but what `tokenizers` does (normalizers/precompiled.rs), and the ids of a `tokenizer.json` are its ids.
    fileprivate func applyToClusters(_ text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        let span = text.span
        var start = 0
        for character in String(decoding: text, as: UTF8.self) {
            let end = start + character.utf8.count
            if end - start < 6, let match = shortest(in: span, start..<end) {
                out += replacement(match)
            } else {
                var position = start
                while position < end {
                    let next = span.endOfScalar(at: position)
                    if let match = shortest(in: span, position..<next) {
                        out += replacement(match)
                    } else {
                        out += text[position..<next]
                    }
                    position = next
                }
            }
            start = end
        }
        return out
    }
}

extension WordRule {
    fileprivate func words(of text: [UInt8], atStart: Bool) -> [[UInt8]] {
        guard splitsAtWhiteSpace else { return marked(text, isFirst: atStart) }
        let scalars = String(decoding: text, as: UTF8.self).unicodeScalars
        let runs = scalars.split { $0.properties.isWhitespace }
        return runs.flatMap { run in
            marked(Array(String(run).utf8), isFirst: atStart && run.startIndex == scalars.startIndex)
        }
    }

    /// Metaspace: spaces become marks, one goes before, and each may begin a word.
    private func marked(_ text: [UInt8], isFirst: Bool) -> [[UInt8]] {
        guard let prefix else { return [text] }
        let mark = TextPreparation.mark
        var out: [UInt8] = []
        out.reserveCapacity(text.count + text.count / 2 + 3)
        for byte in text { if byte == 0x20 { out += mark } else { out.append(byte) } }
        if prefix == .always || prefix == .first && isFirst, !out.starts(with: mark) { out = mark + out }
        guard splitsAtMarks else { return [out] }
        var words: [[UInt8]] = []
        var start = 0
        for index in out.indices.dropFirst() where out[index...].starts(with: mark) {
            words.append(Array(out[start..<index]))
            start = index
        }
        return words + [Array(out[start...])]
    }
}

extension Span<UInt8> {
    func copy(_ range: Range<Int>) -> [UInt8] { range.map { self[$0] } }

    /// Where the scalar that begins at `position` ends, by its first byte; never beyond the text.
    @inline(__always)
    func endOfScalar(at position: Int) -> Int {
        let width =
            switch self[position] {
            case 0xC0...0xDF: 2
            case 0xE0...0xEF: 3
            case 0xF0...0xFF: 4
            default: 1
            }
        return Swift.min(position + width, count)
    }
}
