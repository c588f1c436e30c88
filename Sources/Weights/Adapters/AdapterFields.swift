/// The fields of one JSON object; absent and null are the same. A wrong type is an error that names the field.
struct AdapterFields {
    let file: String
    let object: [ExactText: JSONValue]

    init(path: String) throws(WeightsError) {
        guard let object = try JSONValue(path: path).objectValue else {
            throw WeightsError(.malformed, file: path, field: "JSON", "is not an object")
        }
        self.init(object, file: path)
    }

    init(_ object: [ExactText: JSONValue], file: String) {
        self.object = object
        self.file = file
    }

    func value(_ name: String) -> JSONValue? {
        guard let value = object[ExactText(name)], !value.isNull else { return nil }
        return value
    }

    func wrongType(_ name: String, _ expected: String) -> WeightsError {
        WeightsError(.malformed, file: file, field: name, "is not \(expected)")
    }

    func missing(_ name: String) -> WeightsError {
        WeightsError(.missing, file: file, field: name, "is required")
    }

    func flag(_ name: String) throws(WeightsError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard let flag = value.booleanValue else { throw wrongType(name, "true or false") }
        return flag
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(WeightsError) -> Int? {
        guard let value = value(name) else { return nil }
        return try integer(value, name, in: range)
    }

    func integer(_ value: JSONValue, _ name: String, in range: ClosedRange<Int>) throws(WeightsError) -> Int {
        guard let integer = value.integerValue else { throw wrongType(name, "an integer") }
        guard range.contains(integer) else {
            throw WeightsError(.overLimit, file: file, field: name, "\(integer) is not in \(range)")
        }
        return integer
    }

    func number(_ name: String) throws(WeightsError) -> Double? {
        guard let value = value(name) else { return nil }
        return try number(value, name)
    }

    func number(_ value: JSONValue, _ name: String) throws(WeightsError) -> Double {
        guard let number = value.numberValue else { throw wrongType(name, "a number") }
        guard number.magnitude <= Limits.adapterNumberMax else {
            throw WeightsError(.overLimit, file: file, field: name, "\(number) is beyond ±\(Limits.adapterNumberMax)")
        }
        return number
    }

    func text(_ name: String) throws(WeightsError) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.textValue else { throw wrongType(name, "a string") }
        return text
    }

    /// A list of strings.
    func texts(_ value: JSONValue, _ name: String) throws(WeightsError) -> [String] {
        guard let values = value.arrayValue else { throw wrongType(name, "a list of strings") }
        guard values.count <= Limits.adapterNamesMax else {
            throw WeightsError(
                .overLimit, file: file, field: name, "\(values.count) entries, over \(Limits.adapterNamesMax)")
        }
        var result: [String] = []
        for value in values {
            guard let text = value.textValue else { throw wrongType(name, "a list of strings") }
            result.append(text)
        }
        return result
    }
}
