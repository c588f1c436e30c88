/// The value types of GGUF metadata (`enum gguf_metadata_value_type` of the GGUF specification).
package enum MetadataType: UInt32, Sendable {
    case uint8 = 0
    case int8, uint16, int16, uint32, int32, float32, boolean, text, array, uint64, int64, float64

    /// Bytes of one value; nil for those with a length of their own.
    var byteCount: Int? {
        switch self {
        case .uint8, .int8, .boolean: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        case .text, .array: nil
        }
    }
}

/// One GGUF metadata value.
package enum MetadataValue: Sendable {
    /// Every unsigned type.
    case unsigned(UInt64)
    /// Every signed type.
    case signed(Int64)
    /// float32 (widened exactly) and float64.
    case float(Double)
    case boolean(Bool)
    case text(String)
    case array(MetadataArray)

    /// The value as an integer, if it is one that fits.
    package var integer: Int? {
        switch self {
        case .unsigned(let value): Int(exactly: value)
        case .signed(let value): Int(exactly: value)
        default: nil
        }
    }

    /// Reads a number or truth value of `type` at a checked offset.
    static func scalar(_ type: MetadataType, in bytes: FileBytes, at offset: Int) -> MetadataValue? {
        switch type {
        case .uint8: .unsigned(UInt64(bytes.integer(at: offset, as: UInt8.self)))
        case .uint16: .unsigned(UInt64(bytes.integer(at: offset, as: UInt16.self)))
        case .uint32: .unsigned(UInt64(bytes.integer(at: offset, as: UInt32.self)))
        case .uint64: .unsigned(bytes.integer(at: offset, as: UInt64.self))
        case .int8: .signed(Int64(bytes.integer(at: offset, as: Int8.self)))
        case .int16: .signed(Int64(bytes.integer(at: offset, as: Int16.self)))
        case .int32: .signed(Int64(bytes.integer(at: offset, as: Int32.self)))
        case .int64: .signed(bytes.integer(at: offset, as: Int64.self))
        case .float32: .float(Double(Float(bitPattern: bytes.integer(at: offset))))
        case .float64: .float(Double(bitPattern: bytes.integer(at: offset)))
        case .boolean: .boolean(bytes.integer(at: offset, as: UInt8.self) != 0)
        case .text, .array: nil
        }
    }
}
