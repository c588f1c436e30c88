/// What the pre-tokenizers' patterns distinguish.
enum ScalarClass: UInt8, Sendable {
    case other = 0
    case letter
    case number
    case space
    /// A digit for the `Digits` splitter only; `other` for the patterns.
    case laterDigit
    /// Past the end of the text.
    case end
}

/// The class of any scalar in two loads: 256-scalar pages, equal pages shared.
struct ScalarClasses: Sendable {
    static let shared = ScalarClasses()

    private var pageOfPrefix: [UInt8]
    private var pages: [UInt8]

    private init() {
        var flat = [UInt8](repeating: 0, count: 0x110000)
        Self.paint(&flat, UnicodeClassRanges.letters, .letter)
        Self.paint(&flat, UnicodeClassRanges.numbers, .number)
        Self.paint(&flat, UnicodeClassRanges.spaces, .space)
        Self.paint(&flat, UnicodeClassRanges.laterDigits, .laterDigit)
        pageOfPrefix = []
        pages = []
        var known: [ArraySlice<UInt8>: UInt8] = [:]
        for start in stride(from: 0, to: flat.count, by: 256) {
            let page = flat[start..<(start + 256)]
            if known[page] == nil {
                known[page] = UInt8(known.count)
                pages.append(contentsOf: page)
            }
            pageOfPrefix.append(known[page] ?? 0)
        }
    }

    @inline(__always)
    subscript(scalar: UInt32) -> ScalarClass {
        let page = Int(pageOfPrefix[Int(scalar >> 8)])
        return ScalarClass(rawValue: pages[page << 8 | Int(scalar & 0xFF)]) ?? .other
    }

    private static func paint(_ flat: inout [UInt8], _ ranges: [UInt32], _ value: ScalarClass) {
        for index in stride(from: 0, to: ranges.count, by: 2) {
            for scalar in ranges[index]...ranges[index + 1] { flat[Int(scalar)] = value.rawValue }
        }
    }
}
