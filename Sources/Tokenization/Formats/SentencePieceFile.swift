import FoundationEssentials

/// The part of a SentencePiece model (`tokenizer.model`, `spiece.model`; sentencepiece_model.proto) that decides ids.
struct SentencePieceFile {
    enum ModelType: UInt64 {
        case unigram = 1
        case bpe = 2
        case word = 3
        case character = 4
    }

    var pieces = PackedStrings()
    var scores: [Double] = []
    var kinds: [VocabularySource.TokenKind] = []
    // Defaults are those of the .proto.
    var modelType = ModelType.unigram
    var hasByteFallback = false
    var unknown: Int32 = 0
    var beginOfSequence: Int32 = 1
    var endOfSequence: Int32 = 2
    var characterMap: CharacterMap?
    var addsDummyPrefix = true
    var removesExtraSpaces = true

    static let bytesMax = 1 << 27

    init(path: String) throws(TokenizationError) {
        let bytes: [UInt8]
        do {
            // Mapped, so that a file of any size costs nothing before its size is checked.
            let data = try Data(contentsOf: URL(filePath: path), options: .alwaysMapped)
            try VocabularyLimits.check(path + " in bytes", data.count, Self.bytesMax)
            bytes = Array(data)
        } catch let error as TokenizationError {
            throw error
        } catch {
            throw .unreadable(path: path, reason: "\(error)")
        }
        try self.init(bytes, file: path)
    }

    init(_ bytes: [UInt8], file: String) throws(TokenizationError) {
        var reader = ProtobufReader(bytes, file: file)
        while let (field, value) = try reader.next() {
            guard case .range(let range) = value else { continue }
            switch field {
            case 1: try readPiece(reader.message(range))
            case 2: try readTrainer(reader.message(range))
            case 3: try readNormalizer(reader.message(range))
            case 5: try refuseRules(reader.message(range))
            default: break
            }
        }
        guard pieces.count > 0 else {
            throw .malformed(field: file, reason: "holds no pieces; is it a SentencePiece model?")
        }
    }

    private mutating func readPiece(_ message: ProtobufReader) throws(TokenizationError) {
        try VocabularyLimits.check(message.file + " in pieces", pieces.count + 1, VocabularyLimits.tokensMax)
        var message = message
        var text: [UInt8] = []
        var score: Float = 0
        var kind = VocabularySource.TokenKind.normal
        while let (field, value) = try message.next() {
            switch (field, value) {
            case (1, .range(let range)): text = Array(try message.text(range).utf8)
            case (2, .word(let bits)): score = Float(bitPattern: bits)
            case (3, .integer(let raw)):
                guard let known = UInt8(exactly: raw).flatMap(VocabularySource.TokenKind.init) else {
                    throw .malformed(
                        field: "\(message.file): piece \(pieces.count)", reason: "its type \(raw) is none of 1 to 6")
                }
                kind = known
            default: break
            }
        }
        pieces.append(text)
        scores.append(Double(score))
        kinds.append(kind)
    }

    private mutating func readTrainer(_ message: ProtobufReader) throws(TokenizationError) {
        var message = message
        while let (field, value) = try message.next() {
            guard case .integer(let raw) = value else { continue }
            switch field {
            case 3:
                guard let type = ModelType(rawValue: raw), type == .unigram || type == .bpe else {
                    throw .unsupported(
                        feature: "SentencePiece model_type \(raw) in \(message.file); unigram and bpe are read")
                }
                modelType = type
            case 24 where raw != 0: throw .unsupported(feature: "treat_whitespace_as_suffix in \(message.file)")
            case 35: hasByteFallback = raw != 0
            // Ids are int32 and may be -1, for none.
            case 40: unknown = Int32(truncatingIfNeeded: raw)
            case 41: beginOfSequence = Int32(truncatingIfNeeded: raw)
            case 42: endOfSequence = Int32(truncatingIfNeeded: raw)
            default: break
            }
        }
    }

    private mutating func readNormalizer(_ message: ProtobufReader) throws(TokenizationError) {
        var message = message
        while let (field, value) = try message.next() {
            switch (field, value) {
            case (2, .range(let range)):
                characterMap = try CharacterMap(
                    Array(message.bytes[range]), field: "\(message.file): precompiled_charsmap")
            case (3, .integer(let raw)): addsDummyPrefix = raw != 0
            case (4, .integer(let raw)): removesExtraSpaces = raw != 0
            case (5, .integer(0)): throw .unsupported(feature: "escape_whitespaces: false in \(message.file)")
            default: break
            }
        }
    }

    /// A denormaliser changes decoded text.
    private func refuseRules(_ message: ProtobufReader) throws(TokenizationError) {
        var message = message
        while let (field, value) = try message.next() {
            guard case (2, .range(let range)) = (field, value), !range.isEmpty else { continue }
            throw .unsupported(feature: "denormalizer_spec with rules in \(message.file)")
        }
    }
}
