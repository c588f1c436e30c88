/// Where a tensor lies in its file, with every product already checked against overflow and the file's end.
struct TensorPlace: Sendable {
    let type: ElementType
    let shape: [Int]
    let rows: Int
    let columns: Int
    let rowByteCount: Int
    /// In bytes from the start of the file.
    let offset: Int

    var byteCount: Int { rows * rowByteCount }

    /// - Parameters:
    ///   - shape: outermost first, at most `Limits.dimensionsMax` dimensions, none zero or negative.
    ///   - field: how the file's format calls this tensor, for errors.
    init(type: ElementType, shape: [Int], offset: Int, in bytes: FileBytes, field: String) throws(WeightsError) {
        var rows = 1
        var columns = 1
        for (index, dimension) in shape.enumerated() {
            guard dimension > 0 else {
                throw WeightsError(
                    .malformed, file: bytes.file, field: "\(field).shape", "dimension \(index) is \(dimension)")
            }
            let (product, overflow) = (rows).multipliedReportingOverflow(by: columns)
            guard !overflow else { throw Self.tooLarge(bytes, field, shape) }
            rows = product
            columns = dimension
        }
        guard columns % type.blockSize == 0 else {
            throw WeightsError(
                .malformed, file: bytes.file, field: "\(field).shape",
                "rows of \(columns) elements are not whole blocks of \(type.blockSize) (\(type.name))")
        }
        let (rowBytes, rowOverflow) = (columns / type.blockSize).multipliedReportingOverflow(by: type.bytesPerBlock)
        let (total, overflow) = rows.multipliedReportingOverflow(by: rowBytes)
        guard !rowOverflow, !overflow else { throw Self.tooLarge(bytes, field, shape) }
        guard bytes.contains(offset: offset, length: total) else {
            throw WeightsError(
                .truncated, file: bytes.file, field: "\(field).offset",
                "\(total) bytes at offset \(offset) go beyond the file's \(bytes.count) bytes")
        }
        self.type = type
        self.shape = shape
        self.rows = rows
        self.columns = columns
        rowByteCount = rowBytes
        self.offset = offset
    }

    private static func tooLarge(_ bytes: FileBytes, _ field: String, _ shape: [Int]) -> WeightsError {
        WeightsError(.malformed, file: bytes.file, field: "\(field).shape", "the product of \(shape) overflows")
    }

    /// Refuses two tensors that share bytes: no writer does that, and a reader that allowed it would hide a broken
    /// file.
    static func refuseOverlaps(_ places: [(field: String, place: TensorPlace)], file: String) throws(WeightsError) {
        let sorted = places.sorted { ($0.place.offset, $0.field) < ($1.place.offset, $1.field) }
        for (before, after) in zip(sorted, sorted.dropFirst())
        where before.place.offset + before.place.byteCount > after.place.offset {
            throw WeightsError(
                .inconsistent, file: file, field: "\(after.field).offset", "its bytes overlap those of \(before.field)")
        }
    }
}
