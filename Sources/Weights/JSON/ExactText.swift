/// A text as a key: equal to another where the bytes are, as in JSON and in every vocabulary. Swift's own strings are equal where they are
/// canonically equivalent, which takes `é` and `e` with U+0301, two pieces of a vocabulary, for one.
package struct ExactText: Hashable, Comparable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    package let text: String

    package init(_ text: String) { self.text = text }
    package init(stringLiteral text: String) { self.text = text }

    package var description: String { text }

    package static func == (a: ExactText, b: ExactText) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

    /// By bytes, which is the order of scalars.
    package static func < (a: ExactText, b: ExactText) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }

    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
        hasher.combine(UInt8.max)  // Never in UTF-8: what follows in a composite key cannot run into it.
    }
}
