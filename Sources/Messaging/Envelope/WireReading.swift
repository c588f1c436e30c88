import CProtobufC

// Reading protobuf-c's structs with every length and count checked; `field` is the name that errors give.

func readText(_ data: ProtobufCBinaryData, _ field: String, max: Int) throws(WireError) -> String {
    guard data.len <= max else { throw .oversize("\(field) has \(data.len) bytes, at most \(max)") }
    guard data.len > 0 else { return "" }
    let bytes = UnsafeBufferPointer(start: data.data, count: data.len)
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed("\(field) is not UTF-8") }
    return text
}

func readBytes(_ data: ProtobufCBinaryData, _ field: String, count: Int) throws(WireError) -> [UInt8] {
    guard data.len == count else { throw .malformed("\(field) has \(data.len) bytes instead of \(count)") }
    return Array(UnsafeBufferPointer(start: data.data, count: data.len))
}

func readID(_ data: ProtobufCBinaryData, _ field: String) throws(WireError) -> QueryID {
    guard data.len == QueryID.byteCount, let id = QueryID(bytes: UnsafeBufferPointer(start: data.data, count: data.len))
    else { throw .malformed("\(field) has \(data.len) bytes instead of \(QueryID.byteCount)") }
    return id
}

/// Absent is an empty field.
func readOptionalID(_ data: ProtobufCBinaryData, _ field: String) throws(WireError) -> QueryID? {
    data.len == 0 ? nil : try readID(data, field)
}

func readList<C, Element>(
    _ list: UnsafeMutablePointer<C>?, _ count: Int, _ field: String, max: Int,
    _ read: (C) throws(WireError) -> Element
) throws(WireError) -> [Element] {
    guard count <= max else { throw .oversize("\(field) has \(count) entries, at most \(max)") }
    guard count > 0, let list else { return [] }
    var elements: [Element] = []
    elements.reserveCapacity(count)
    for index in 0..<count { elements.append(try read(list[index])) }
    return elements
}

func readMessages<C, Element>(
    _ list: UnsafeMutablePointer<UnsafeMutablePointer<C>?>?, _ count: Int, _ field: String, max: Int,
    _ read: (C) throws(WireError) -> Element
) throws(WireError) -> [Element] {
    try readList(list, count, field, max: max) { (message) throws(WireError) in
        guard let message else { throw .malformed("\(field) has an empty entry") }
        return try read(message.pointee)
    }
}

/// An enumeration's value; proto3 lets any number through.
func readCase<Value: RawRepresentable<UInt32>>(_ number: UInt32, _ field: String) throws(WireError) -> Value {
    guard let value = Value(rawValue: number) else { throw .malformed("\(field) has no value \(number)") }
    return value
}
