import Testing
import Weights

/// Every metadata type as gguf-py writes it.
struct MetadataTests {
    @Test func readsEveryType() throws {
        let metadata = try GGUFMetadata(path: Goldens.path("types.gguf"))
        #expect(try metadata.text("general.architecture") == "types")
        #expect(try metadata.integer("test.uint8") == 200)
        #expect(try metadata.integer("test.int8") == -100)
        #expect(try metadata.integer("test.uint16") == 60000)
        #expect(try metadata.integer("test.int16") == -30000)
        #expect(try metadata.integer("test.uint32") == 4_000_000_000)
        #expect(try metadata.integer("test.int32") == -2_000_000_000)
        #expect(try metadata.integer("test.int64") == -(1 << 62))
        #expect(try metadata.number("test.float32") == Double(Float(0.1)))
        #expect(try metadata.number("test.float64") == 0.1)
        #expect(try metadata.flag("test.bool") == true)
        #expect(try metadata.text("test.string") == "grüße 🦆")
    }

    @Test func readsArraysInPlace() throws {
        let metadata = try GGUFMetadata(path: Goldens.path("types.gguf"))
        let strings = try #require(try metadata.array("test.strings", of: .text))
        #expect((0..<strings.count).map(strings.text(at:)) == ["", "a", "grüße", String(repeating: "🦆", count: 20)])
        #expect(strings.textBytes(at: 2) == Array("grüße".utf8))
        #expect(strings.withText(at: 1) { $0.byteCount } == 1)
        let integers = try #require(try metadata.array("test.integers"))
        #expect((0..<integers.count).map(integers.integer(at:)) == [3, -4, 5])
        let floats = try #require(try metadata.array("test.floats", of: .float32))
        guard case .float(let value)? = floats.value(at: 1) else { throw Unexpected() }
        #expect(value == -0.25)
        #expect(floats.integer(at: 0) == nil)
    }

    @Test func wrongTypesAreErrorsThatNameTheKey() throws {
        let metadata = try GGUFMetadata(path: Goldens.path("types.gguf"))
        expectError(.malformed, "test.uint64") { try metadata.integer("test.uint64") }
        expectError(.malformed, "test.string") { try metadata.number("test.string") }
        expectError(.malformed, "test.int8") { try metadata.flag("test.int8") }
        expectError(.malformed, "test.bool") { try metadata.text("test.bool") }
        expectError(.malformed, "test.integers") { try metadata.array("test.integers", of: .text) }
        #expect(try metadata.integer("absent") == nil)
    }

    private struct Unexpected: Error {}
}

/// Expects a `WeightsError` with this reason about this field.
func expectError<R>(
    _ reason: WeightsError.Reason, _ field: String, _ location: SourceLocation = #_sourceLocation,
    _ body: () throws -> R
) {
    do {
        _ = try body()
        Issue.record("no error; expected \(reason) about \(field)", sourceLocation: location)
    } catch let error as WeightsError {
        #expect(error.reason == reason && error.field == field, "\(error)", sourceLocation: location)
        #expect(!error.file.isEmpty && !error.detail.isEmpty, sourceLocation: location)
    } catch {
        Issue.record("\(error) is not a WeightsError", sourceLocation: location)
    }
}
