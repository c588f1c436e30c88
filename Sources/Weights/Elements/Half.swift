/// IEEE half bits as a float, exactly, in plain integer and float arithmetic: baseline x86-64 converts `Float16` by a
/// library call per element, and these loops vectorise.
@inline(__always)
func float(half bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) &<< 16
    let magnitude = UInt32(bits & 0x7FFF) &<< 13
    let exponent = magnitude & 0x0F80_0000
    // Half's exponent bias is 15, float's 127: normal numbers move by 112 exponents, infinities and NaNs by as many
    // again.
    let infinite = exponent == 0x0F80_0000 ? UInt32(112 << 23) : 0
    let normal = magnitude &+ UInt32(112 << 23) &+ infinite
    // A subnormal is its mantissa times 2^-24: give it a normal exponent with the implicit bit, subtract the implicit
    // bit. No float subnormal appears on the way, so flush-to-zero modes cannot change the result.
    let subnormal = Float(bitPattern: magnitude &+ UInt32(113 << 23)) - Float(bitPattern: UInt32(113 << 23))
    let unsigned = exponent == 0 ? subnormal.bitPattern : normal
    return Float(bitPattern: unsigned | sign)
}

@inline(__always)
func float(brain bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) &<< 16) }

extension UnsafeRawPointer {
    /// The half-precision scale at `offset` of a block.
    @inline(__always)
    func half(at offset: Int) -> Float {
        float(half: UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    }

    @inline(__always)
    func byte(at offset: Int) -> UInt8 { load(fromByteOffset: offset, as: UInt8.self) }
}
