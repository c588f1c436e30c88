/// Text to ids by a SentencePiece model, equal to the `sentencepiece` library id for id (of a `tokenizer.json`: to `tokenizers`).
struct SentencePieceModel: Sendable {
    /// By id: the bytes a token stands for in text.
    let surfaces: PackedStrings
    /// Decoded text begins with a space that preparation put there.
    let addsDummyPrefix: Bool
    private let preparation: TextPreparation
    private let cutter: Cutter
    /// USER_DEFINED pieces: text becomes them always, and as it is spelled.
    private let fixed: PieceTrie
    /// -1 where the vocabulary lacks it; empty without byte fallback.
    private let tokenOfByte: [Int32]
    private let unknown: Int32?

    private enum Cutter: Sendable {
        case unigram(UnigramCutter)
        case merges(PieceMerger)
    }

    init(_ source: VocabularySource, _ options: SentencePieceSource) throws(TokenizationError) {
        try Self.check(source, options)
        surfaces = Self.surfaces(source)
        addsDummyPrefix = options.preparation.addsDummyPrefix
        preparation = options.preparation
        let userDefined = source.kinds.indices.filter { source.kinds[$0] == .userDefined && options.readsUserDefined }
        fixed = PieceTrie(source.tokens, userDefined.filter { !source.tokens[$0].isEmpty }.map { Int32($0) })
        tokenOfByte = options.hasByteFallback ? try Self.tokenOfByte(source) : []
        unknown = options.unknown
        cutter =
            options.algorithm == .unigram
            ? .unigram(UnigramCutter(source.tokens, source.kinds, options))
            : .merges(try PieceMerger(source, options, fixed: fixed))
    }

    /// - Parameter atStart: `text` is the beginning of the prompt.
    func append(_ text: [UInt8], atStart: Bool, to ids: inout [Int32]) {
        var cuts: [Cut] = []
        for word in preparation.words(of: text, atStart: atStart, fixed: fixed) {
            cuts.removeAll(keepingCapacity: true)
            switch cutter {
            case .unigram(let cutter): cutter.cut(word.span, into: &cuts)
            case .merges(let merger): merger.cut(word.span, into: &cuts)
            }
            append(cuts, of: word, to: &ids)
        }
    }

    /// What has no piece becomes its bytes' tokens, else the unknown one, once for each run of it.
    private func append(_ cuts: [Cut], of word: [UInt8], to ids: inout [Int32]) {
        var followsUnknown = false
        for cut in cuts {
            guard cut.id < 0 else {
                ids.append(cut.id)
                followsUnknown = false
                continue
            }
            if !tokenOfByte.isEmpty {
                for byte in word[cut.range] { ids.append(tokenOfByte[Int(byte)]) }
            } else if !followsUnknown, let unknown {
                ids.append(unknown)
                followsUnknown = true
            }
        }
    }

    private static func check(_ source: VocabularySource, _ options: SentencePieceSource) throws(TokenizationError) {
        let count = source.tokens.count
        if options.algorithm != .mergesByRank {
            guard options.scores.count == count else {
                throw .malformed(field: "scores", reason: "\(options.scores.count) scores for \(count) tokens")
            }
            if let id = options.scores.firstIndex(where: { !$0.isFinite }) {
                throw .malformed(field: "scores[\(id)]", reason: "is \(options.scores[id]), not a finite number")
            }
        }
        if let unknown = options.unknown, !(0..<count).contains(Int(unknown)) {
            throw .malformed(field: "unknown token", reason: "id \(unknown) is outside the vocabulary of \(count)")
        }
    }

    /// `▁` is a space, `<0x41>` a byte; control tokens are what they are called.
    private static func surfaces(_ source: VocabularySource) -> PackedStrings {
        var surfaces = PackedStrings()
        for id in 0..<source.tokens.count {
            let piece = source.tokens[id]
            switch source.kinds[id] {
            case .byte: surfaces.append(byte(of: piece).map { [$0] } ?? [])
            case .control, .unknown: surfaces.append(piece)
            case .normal, .userDefined, .unused: surfaces.append(spaced(piece))
            }
        }
        return surfaces
    }

    private static func spaced(_ piece: ArraySlice<UInt8>) -> [UInt8] {
        let mark = TextPreparation.mark
        var out: [UInt8] = []
        var index = piece.startIndex
        while index < piece.endIndex {
            if piece[index...].starts(with: mark) {
                out.append(0x20)
                index += mark.count
            } else {
                out.append(piece[index])
                index += 1
            }
        }
        return out
    }

    /// The byte that `<0x41>` names.
    static func byte(of piece: some Collection<UInt8>) -> UInt8? {
        guard piece.count == 6, piece.starts(with: Array("<0x".utf8)), piece.reversed().first == 0x3E else {
            return nil
        }
        return UInt8(String(decoding: piece.dropFirst(3).prefix(2), as: UTF8.self), radix: 16)
    }

    private static func tokenOfByte(_ source: VocabularySource) throws(TokenizationError) -> [Int32] {
        var tokens = [Int32](repeating: -1, count: 256)
        for id in 0..<source.tokens.count where source.kinds[id] == .byte {
            guard let byte = byte(of: source.tokens[id]) else {
                throw .malformed(
                    field: "token \(id)",
                    reason: "'\(source.tokens.string(id))' has type 'byte'; expected such as <0x41>")
            }
            tokens[Int(byte)] = Int32(id)
        }
        if let byte = tokens.firstIndex(of: -1) {
            throw .malformed(field: "byte fallback", reason: "the vocabulary has no token for the byte \(byte)")
        }
        return tokens
    }
}

extension SentencePieceSource {
    /// sentencepiece's own preparation knows user-defined pieces and always finds them in text; in a `tokenizer.json` they are added tokens.
    var readsUserDefined: Bool {
        if case .whole = preparation { true } else { false }
    }
}
