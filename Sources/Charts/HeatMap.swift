/// A table of values as coloured cells.
package struct HeatMap: Sendable {
    package var title: String
    /// Said under the title: what is shown, and of which distribution.
    package var subtitle: String
    package var columns: [String]
    package var rows: [(name: String, values: [Double?])]
    package var scale: ColourScale
    /// Decimals written into each cell; nil writes none.
    package var decimals: Int?
    package var cell: (width: Double, height: Double)

    package init(
        title: String, subtitle: String, columns: [String], rows: [(name: String, values: [Double?])],
        scale: ColourScale, decimals: Int? = nil, cell: (width: Double, height: Double) = (48, 18)
    ) {
        self.title = title
        self.subtitle = subtitle
        self.columns = columns
        self.rows = rows
        self.scale = scale
        self.decimals = decimals
        self.cell = cell
    }

    /// Missing cells of a row are shown as absent.
    package var picture: SVGDocument {
        let left = 24 + 6.2 * Double(rows.map(\.name.count).max() ?? 0)
        let slant = 5.2 * Double(columns.map(\.count).max() ?? 0)
        let top = 58 + slant
        let width = left + cell.width * Double(columns.count) + 24 + slant
        var picture = SVGDocument(width: max(width, 420), height: top + cell.height * Double(rows.count) + 20)
        picture.text(title, x: 16, y: 22, size: 15)
        picture.text(subtitle, x: 16, y: 40)
        for (index, name) in columns.enumerated() {
            picture.text(name, x: left + cell.width * (Double(index) + 0.5), y: top - 6, turned: -45)
        }
        for (index, row) in rows.enumerated() { draw(row, at: top + cell.height * Double(index), left, &picture) }
        return picture
    }

    private func draw(
        _ row: (name: String, values: [Double?]), at y: Double, _ left: Double, _ picture: inout SVGDocument
    ) {
        let base = y + cell.height * 0.7
        picture.text(row.name, x: left - 8, y: base, anchor: .end)
        for (index, column) in columns.enumerated() {
            let value = index < row.values.count ? row.values[index] : nil
            let x = left + cell.width * Double(index)
            let colour = scale.colour(value)
            picture.rectangle(
                x: x, y: y, width: cell.width - 1, height: cell.height - 1, fill: colour,
                hint: "\(row.name), \(column): \(value.map { Self.text($0, 4) } ?? "no value")")
            guard let decimals, let value else { continue }
            picture.text(
                Self.text(value, decimals), x: x + cell.width / 2, y: base, size: 10, anchor: .middle,
                fill: colour.legible)
        }
    }

    /// A fixed number of decimals, halves away from zero.
    static func text(_ value: Double, _ decimals: Int) -> String {
        var scale: Int64 = 1
        for _ in 0..<min(max(decimals, 0), 9) { scale *= 10 }
        let scaled = (value * Double(scale)).rounded()
        guard scaled.magnitude < 1e15 else { return "\(value)" }
        let whole = Int64(scaled)
        let sign = whole < 0 ? "-" : ""
        guard scale > 1 else { return "\(sign)\(whole.magnitude)" }
        let digits = String(whole.magnitude % UInt64(scale))
        let zeros = String(repeating: "0", count: min(max(decimals, 0), 9) - digits.count)
        return "\(sign)\(whole.magnitude / UInt64(scale)).\(zeros)\(digits)"
    }
}
