// ggml's "K" blocks of 256: sub-blocks with small integer scales, under half-precision scales for the whole block.

/// The 6-bit scale and minimum of sub-block `index` (0..<8), packed into 12 bytes: the first four of each lie in the
/// low six bits of bytes 0-3 and 4-7; the other four have their low halves in bytes 8-11 and their top two bits in the
/// top bits of bytes 0-7.
@inline(__always)
private func scaleAndMinimum(_ packed: UnsafeRawPointer, _ index: Int) -> (scale: Float, minimum: Float) {
    if index < 4 {
        return (Float(packed.byte(at: index) & 63), Float(packed.byte(at: index &+ 4) & 63))
    }
    let low = packed.byte(at: index &+ 4)
    let scale = (low & 0x0F) | ((packed.byte(at: index &- 4) &>> 6) &<< 4)
    let minimum = (low &>> 4) | ((packed.byte(at: index) &>> 6) &<< 4)
    return (Float(scale), Float(minimum))
}

/// Q4_K: d, dmin, 12 bytes of scales, 128 bytes. w = (d · sc) · q - dmin · mn; each 32 bytes hold two sub-blocks of 32,
/// one in the low halves, one in the high.
@inline(__always)
func dequantiseQ4K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = block.half(at: 0)
    let dmin = block.half(at: 2)
    for half in 0..<8 {
        let (scale, minimum) = scaleAndMinimum(block + 4, half)
        let step = d * scale
        let floor = dmin * minimum
        let integers = block + (16 &+ (half &>> 1) &* 32)
        let shift = UInt8((half & 1) &* 4)
        let target = output + half &* 32
        for l in 0..<32 { target[l] = step * Float(Int32(integers.byte(at: l) &>> shift & 0x0F)) - floor }
    }
}

/// Q5_K: d, dmin, 12 bytes of scales, 32 bytes of fifth bits (bit s of byte l belongs to sub-block s), 128 bytes as
/// Q4_K.
@inline(__always)
func dequantiseQ5K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = block.half(at: 0)
    let dmin = block.half(at: 2)
    for half in 0..<8 {
        let (scale, minimum) = scaleAndMinimum(block + 4, half)
        let step = d * scale
        let floor = dmin * minimum
        let high = block + 16
        let integers = block + (48 &+ (half &>> 1) &* 32)
        let shift = UInt8((half & 1) &* 4)
        let bit = UInt8(half)
        let target = output + half &* 32
        for l in 0..<32 {
            let q = (integers.byte(at: l) &>> shift & 0x0F) | ((high.byte(at: l) &>> bit & 1) &<< 4)
            target[l] = step * Float(Int32(q)) - floor
        }
    }
}

/// Q6_K: 128 bytes of low halves, 64 bytes of top two bits, 16 × Int8 scales for 16 elements each, d. w = (d · sc) · (q
/// - 32)
///
/// Elements come in two halves of 128, each in four runs of 32: runs 0 and 2 share 32 low bytes (low half, high half),
/// runs 1 and 3 the next 32; run r has its top bits at bit 2r of the half's 32 high bytes.
@inline(__always)
func dequantiseQ6K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = block.half(at: 208)
    for run in 0..<8 {
        let half = run &>> 2
        let quarter = run & 3
        let low = block + (half &* 64 &+ (quarter & 1) &* 32)
        let lowShift = UInt8((quarter &>> 1) &* 4)
        let high = block + (128 &+ half &* 32)
        let highShift = UInt8(quarter &* 2)
        for part in 0..<2 {
            let scale = d * Float(Int8(bitPattern: block.byte(at: 192 &+ run &* 2 &+ part)))
            let target = output + (run &* 32 &+ part &* 16)
            for l in 0..<16 {
                let place = part &* 16 &+ l
                let q = (low.byte(at: place) &>> lowShift & 0x0F) | ((high.byte(at: place) &>> highShift & 3) &<< 4)
                target[l] = scale * Float(Int32(q) &- 32)
            }
        }
    }
}
