// ggml's blocks of 32: a half-precision scale d, for the _1 kinds a minimum m, then the integers. Four-bit integers are
// packed so that byte j holds element j in its low half and element j + 16 in its high half; the fifth bits of Q5 are
// one 32-bit word, bit j for element j.

/// Q8_0: d, 32 × Int8. w = q · d
@inline(__always)
func dequantiseQ80(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = block.half(at: 0)
    for j in 0..<32 { output[j] = Float(Int8(bitPattern: block.byte(at: 2 &+ j))) * d }
}

/// Q4_0: d, 16 bytes. w = (q - 8) · d
@inline(__always)
func dequantiseQ40(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = block.half(at: 0)
    for j in 0..<16 {
        let pair = Int32(block.byte(at: 2 &+ j))
        output[j] = Float((pair & 0x0F) &- 8) * d
        output[j &+ 16] = Float((pair &>> 4) &- 8) * d
    }
}

/// Q4_1: d, m, 16 bytes. w = q · d + m
@inline(__always)
func dequantiseQ41(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = block.half(at: 0)
    let m = block.half(at: 2)
    for j in 0..<16 {
        let pair = Int32(block.byte(at: 4 &+ j))
        output[j] = Float(pair & 0x0F) * d + m
        output[j &+ 16] = Float(pair &>> 4) * d + m
    }
}

/// Q5_0: d, 32 high bits, 16 bytes. w = (q - 16) · d
@inline(__always)
func dequantiseQ50(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = block.half(at: 0)
    let high = UInt32(littleEndian: block.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
    for j in 0..<16 {
        let pair = UInt32(block.byte(at: 6 &+ j))
        let first = (pair & 0x0F) | ((high &>> UInt32(j) & 1) &<< 4)
        let second = (pair &>> 4) | ((high &>> UInt32(j &+ 16) & 1) &<< 4)
        output[j] = Float(Int32(bitPattern: first) &- 16) * d
        output[j &+ 16] = Float(Int32(bitPattern: second) &- 16) * d
    }
}

/// Q5_1: d, m, 32 high bits, 16 bytes. w = q · d + m
@inline(__always)
func dequantiseQ51(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = block.half(at: 0)
    let m = block.half(at: 2)
    let high = UInt32(littleEndian: block.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    for j in 0..<16 {
        let pair = UInt32(block.byte(at: 8 &+ j))
        let first = (pair & 0x0F) | ((high &>> UInt32(j) & 1) &<< 4)
        let second = (pair &>> 4) | ((high &>> UInt32(j &+ 16) & 1) &<< 4)
        output[j] = Float(Int32(bitPattern: first)) * d + m
        output[j &+ 16] = Float(Int32(bitPattern: second)) * d + m
    }
}
