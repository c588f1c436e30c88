import Weights

/// A place in a JSON document: what is there, if anything, and how an error names it. `null` counts as absent.
struct JSONPlace {
    let value: JSONValue?
    let path: String

    init(_ value: JSONValue?, _ path: String) {
        self.value = value?.isNull == true ? nil : value
        self.path = path
    }

    init(path: String) throws(TokenizationError) {
        do { self.init(try JSONValue(path: path), path) } catch {
            throw .unreadable(path: path, reason: "\(error)")
        }
    }

    subscript(key: String) -> JSONPlace { JSONPlace(value?[key], "\(path): \(key)") }

    func text() throws(TokenizationError) -> String? { try read("a string", \.textValue) }
    func flag() throws(TokenizationError) -> Bool? { try read("true or false", \.booleanValue) }

    func id() throws(TokenizationError) -> Int32? {
        guard let integer = try read("an integer", \.integerValue) else { return nil }
        guard let id = Int32(exactly: integer), id >= 0 else { throw malformed("\(integer) is no token id") }
        return id
    }

    func elements() throws(TokenizationError) -> [JSONPlace]? {
        let values = try read("an array", \.arrayValue)
        return values?.enumerated().map { JSONPlace($1, "\(path)[\($0)]") }
    }

    func read<T>(_ expected: String, _ cast: (JSONValue) -> T?) throws(TokenizationError) -> T? {
        guard let value else { return nil }
        guard let result = cast(value) else { throw malformed("is not \(expected)") }
        return result
    }

    func required<T>(_ found: T?) throws(TokenizationError) -> T {
        guard let found else { throw malformed("is missing") }
        return found
    }

    func malformed(_ reason: String) -> TokenizationError { .malformed(field: path, reason: reason) }
}
