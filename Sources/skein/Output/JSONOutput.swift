import Foundation
import Synchronization

/// Prints values as JSON: one object, keys sorted, doubles with as many digits as they need to be read back exactly.
enum JSONOutput {
    static func text(_ value: some Encodable, pretty: Bool = false) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static let printed = Atomic(false)

    static func print(_ value: some Encodable, pretty: Bool = false) throws {
        printed.store(true, ordering: .relaxed)
        Terminal.write(try text(value, pretty: pretty) + "\n")
    }

    /// Who asked for JSON and got none finds why, once: `{"failure": {"kind", "message"}}`.
    static func printFailure(kind: String, _ message: String) {
        struct Output: Encodable {
            struct Failure: Encodable { let kind, message: String }
            let failure: Failure
        }
        guard CommandLine.arguments.contains("--json"), !printed.load(ordering: .relaxed) else { return }
        try? print(Output(failure: .init(kind: kind, message: message)))
    }
}
