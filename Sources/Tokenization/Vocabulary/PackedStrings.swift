/// Byte strings laid end to end: 4 bytes of overhead each, where an array of arrays takes 40 and an allocation.
package struct PackedStrings: Sendable, Equatable {
    package private(set) var bytes: [UInt8] = []
    private var ends: [UInt32] = []

    package init() {}

    package init(_ strings: some Sequence<String>) {
        for string in strings { append(string.utf8) }
    }

    package var count: Int { ends.count }

    /// Grows by one string. The total stays under 4 GiB (`VocabularyLimits` refuses long before).
    package mutating func append(_ string: some Sequence<UInt8>) {
        bytes.append(contentsOf: string)
        precondition(bytes.count <= UInt32.max, "packed strings over 4 GiB: \(bytes.count) bytes")
        ends.append(UInt32(bytes.count))
    }

    package func range(_ index: Int) -> Range<Int> {
        (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
    }

    package subscript(index: Int) -> ArraySlice<UInt8> { bytes[range(index)] }

    package func string(_ index: Int) -> String { String(decoding: self[index], as: UTF8.self) }
}
