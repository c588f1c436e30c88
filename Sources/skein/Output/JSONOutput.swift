import Foundation

/// Prints values as JSON: one object, keys sorted, doubles with as many digits as they need to be read back exactly.
enum JSONOutput {
    static func text(_ value: some Encodable, pretty: Bool = false) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func print(_ value: some Encodable, pretty: Bool = false) throws {
        Terminal.write(try text(value, pretty: pretty) + "\n")
    }
}
