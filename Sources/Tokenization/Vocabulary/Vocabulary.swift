/// Tokens as raw bytes, and how they merge. A 49,152-token vocabulary takes under 3 MB.
struct Vocabulary: Sendable {
    /// By id: the bytes a token stands for in text.
    let pieces: PackedStrings
    private let kinds: [VocabularySource.TokenKind]
    let merges: MergeTable
    /// The token of each single byte; -1 where the vocabulary lacks it, and the byte is dropped, as in `tokenizers`.
    let tokenOfByte: [Int32]
    /// Whole words, where the model ignores merges.
    private let words: PieceTable?

    init(_ source: VocabularySource) throws(TokenizationError) {
        if let id = source.kinds.firstIndex(of: .byte) {
            throw .unsupported(feature: "byte fallback (token \(id) has type 'byte')")
        }
        var builder = VocabularyBuilder(source)
        builder.decodePieces()
        tokenOfByte = builder.singleBytes()
        merges = try builder.resolveMerges()
        pieces = builder.pieces
        kinds = source.kinds
        words = source.ignoresMerges ? builder.table : nil
    }

    /// The token that is the whole word, where the model ignores merges. Added tokens are never words: text is inert.
    func wholeWord(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int32? {
        guard let id = words?.find(bytes, range, in: pieces), kinds[Int(id)] == .normal else { return nil }
        return id
    }
}

/// Turns the byte-level alphabet of a source into raw bytes and ids.
private struct VocabularyBuilder {
    let source: VocabularySource
    var pieces = PackedStrings()
    /// Tokens that text can reach without parsing special ones.
    var table: PieceTable
    private var scratch: [UInt8] = []

    init(_ source: VocabularySource) {
        self.source = source
        table = PieceTable(capacity: source.tokens.count)
    }

    mutating func decodePieces() {
        for id in 0..<source.tokens.count {
            let text = source.tokens[id]
            let kind = source.kinds[id]
            // An added token's text is what it says, not the byte-level alphabet.
            let isPlain = (kind == .normal || kind == .userDefined) && !text.isEmpty
            scratch.removeAll(keepingCapacity: true)
            if kind == .normal && ByteAlphabet.decode(text, appendingTo: &scratch) {
                pieces.append(scratch)
            } else {
                pieces.append(text)
            }
            if isPlain { table.insert(id, of: pieces) }
        }
    }

    func singleBytes() -> [Int32] {
        (0..<256).map { byte in table.find([UInt8(byte)].span, 0..<1, in: pieces) ?? -1 }
    }

    mutating func resolveMerges() throws(TokenizationError) -> MergeTable {
        var merges = MergeTable(capacity: source.merges.count)
        let specials = Set(source.addedTokens.map { Array($0.text.utf8) })
        for rank in 0..<source.merges.count {
            let text = source.merges[rank]
            guard let space = text.firstIndex(of: 0x20), text.lastIndex(of: 0x20) == space else {
                throw .malformed(field: "merges[\(rank)]", reason: "expected two tokens and one space between them")
            }
            let (left, right) = (text[..<space], text[(space + 1)...])
            if let merge = resolve(left, right) {
                merges.append(merge)
                continue
            }
            // A merge that would spell a special token is left out: text never becomes one.
            guard [left, right, left + right].contains(where: { specials.contains(Array($0)) }) else {
                throw .malformed(
                    field: "merges[\(rank)]",
                    reason: "'\(String(decoding: text, as: UTF8.self))' names a token that the vocabulary lacks")
            }
        }
        return merges
    }

    private mutating func resolve(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> MergeTable.Merge? {
        scratch.removeAll(keepingCapacity: true)
        guard ByteAlphabet.decode(left, appendingTo: &scratch) else { return nil }
        let cut = scratch.count
        guard ByteAlphabet.decode(right, appendingTo: &scratch),
            let leftID = table.find(scratch.span, 0..<cut, in: pieces),
            let rightID = table.find(scratch.span, cut..<scratch.count, in: pieces),
            let result = table.find(scratch.span, 0..<scratch.count, in: pieces)
        else { return nil }
        return .init(left: leftID, right: rightID, result: result)
    }
}
