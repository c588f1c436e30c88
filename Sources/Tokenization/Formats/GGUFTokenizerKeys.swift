import Weights

/// Typed look-ups whose errors are this target's.
struct GGUFTokenizerKeys {
    private let metadata: GGUFMetadata

    init(_ metadata: GGUFMetadata) {
        self.metadata = metadata
    }

    func text(_ key: String) throws(TokenizationError) -> String {
        guard let text = try optionalText(key) else { throw missing(key) }
        return text
    }

    func optionalText(_ key: String) throws(TokenizationError) -> String? {
        do { return try metadata.text(key) } catch { throw mistyped(key, error) }
    }

    func flag(_ key: String) throws(TokenizationError) -> Bool? {
        do { return try metadata.flag(key) } catch { throw mistyped(key, error) }
    }

    func id(_ key: String) throws(TokenizationError) -> Int32? {
        let value: Int?
        do { value = try metadata.integer(key) } catch { throw mistyped(key, error) }
        guard let value else { return nil }
        guard let id = Int32(exactly: value) else {
            throw .malformed(field: key, reason: "\(value) in \(metadata.file) is no token id")
        }
        return id
    }

    func strings(_ key: String, countMax: Int) throws(TokenizationError) -> PackedStrings {
        let array = try array(key, of: .text)
        try VocabularyLimits.check(key, array.count, countMax)
        var strings = PackedStrings()
        for index in 0..<array.count {
            strings.append(array.textBytes(at: index))
            try VocabularyLimits.check(key + " in bytes", strings.bytes.count, VocabularyLimits.textBytesMax)
        }
        return strings
    }

    func kinds(_ key: String, count: Int) throws(TokenizationError) -> [VocabularySource.TokenKind] {
        let array = try array(key, of: nil)
        guard array.count == count else {
            throw .malformed(field: key, reason: "has \(array.count) entries for \(count) tokens in \(metadata.file)")
        }
        var kinds: [VocabularySource.TokenKind] = []
        kinds.reserveCapacity(count)
        for index in 0..<count {
            let value = array.integer(at: index).flatMap { UInt8(exactly: $0) }
            guard let value, let kind = VocabularySource.TokenKind(rawValue: value) else {
                throw .malformed(field: "\(key)[\(index)]", reason: "is no token type (1 to 6) in \(metadata.file)")
            }
            kinds.append(kind)
        }
        return kinds
    }

    func numbers(_ key: String, count: Int) throws(TokenizationError) -> [Double] {
        let array = try array(key, of: .float32)
        guard array.count == count else {
            throw .malformed(field: key, reason: "has \(array.count) entries for \(count) tokens in \(metadata.file)")
        }
        return (0..<count).map { if case .float(let value)? = array.value(at: $0) { value } else { .nan } }
    }

    /// An array of 8-bit integers, signed or not; empty where there is none.
    func bytes(_ key: String, countMax: Int) throws(TokenizationError) -> [UInt8] {
        let found: MetadataArray?
        do { found = try metadata.array(key) } catch { throw mistyped(key, error) }
        guard let found else { return [] }
        try VocabularyLimits.check(key, found.count, countMax)
        guard found.elementType == .uint8 || found.elementType == .int8 else {
            throw .malformed(field: key, reason: "is not an array of bytes in \(metadata.file)")
        }
        return (0..<found.count).map { UInt8(truncatingIfNeeded: found.integer(at: $0) ?? 0) }
    }

    private func array(_ key: String, of type: MetadataType?) throws(TokenizationError) -> MetadataArray {
        let array: MetadataArray?
        do { array = try metadata.array(key, of: type) } catch { throw mistyped(key, error) }
        guard let array else { throw missing(key) }
        return array
    }

    private func missing(_ key: String) -> TokenizationError {
        .malformed(field: key, reason: "is missing from \(metadata.file)")
    }

    private func mistyped(_ key: String, _ error: WeightsError) -> TokenizationError {
        .malformed(field: key, reason: "\(error)")
    }
}
