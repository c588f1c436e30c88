import Foundation
import Testing
import Weights

struct JSONTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(bytes: Array(text.utf8), file: "text") }

    @Test func readsEveryKindOfValue() throws {
        let value = try parse(#" {"a" : [1, -2.5e3, true, false, null, "é\u00e9\ud83e\udd86\n\"\/"], "b":{}} "#)
        #expect(
            value
                == .object([
                    "a": .array([
                        .integer(1), .number(-2500), .boolean(true), .boolean(false), .null, .text("éé🦆\n\"/"),
                    ]), "b": .object([:]),
                ]))
        #expect(try parse("9223372036854775807").integerValue == .max)
        #expect(try parse("9223372036854775808") == .number(9_223_372_036_854_775_808))
    }

    @Test(arguments: [
        "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "1.", ".5", "+1", "-", "1e", "1e999", "tru", "nul", "\"",
        "\"\\x\"",
        "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\\u12\"", "\"\u{1}\"", "[1] 2", "{\"a\":1,\"a\":2}",
        "NaN", "'a'",
        "{\"a\" 1}", "[1 2]", "\"\\",
    ])
    func refusesWhatTheGrammarDoes(_ text: String) {
        #expect(throws: WeightsError.self) { try parse(text) }
    }

    /// Two spellings of `é`: one string to Swift, two keys to JSON.
    @Test func keysAreTheirBytes() throws {
        let value = try parse("{\"e\u{301}\": 1, \"\u{e9}\": 2}")
        #expect(value.objectValue?.count == 2)
        #expect(value["e\u{301}"] == .integer(1) && value["\u{e9}"] == .integer(2))
        #expect(throws: WeightsError.self) { try parse("{\"\\u00e9\": 1, \"\u{e9}\": 2}") }
    }

    @Test func refusesInvalidUTF8() {
        expectError(.malformed, "JSON") { try JSONValue(bytes: [0x22, 0xFF, 0x22], file: "bytes") }
    }

    @Test func depthAndNumberOfValuesAreBounded() throws {
        let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(throws: Never.self) { try parse(nested(64)) }
        expectError(.overLimit, "JSON") { try parse(nested(65)) }
        expectError(.overLimit, "JSON") { try parse("[" + String(repeating: "0,", count: 1 << 21) + "0]") }
        expectError(.malformed, "JSON") { try parse(String(repeating: "1", count: 2000)) }
    }

    /// A real configuration, against Foundation's reader.
    @Test func agreesWithFoundation() throws {
        let bytes = try Goldens.bytes("tiny-sharded/model.safetensors.index.json")
        let decoded = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
        let map = try #require(decoded?["weight_map"] as? [String: String])
        let value = try JSONValue(bytes: bytes, file: "index")
        let found = try #require(value["weight_map"]?.objectValue)
        #expect(Set(found.keys.map(\.text)) == Set(map.keys))
        for (name, file) in map { #expect(value["weight_map"]?[name]?.textValue == file) }
    }
}
