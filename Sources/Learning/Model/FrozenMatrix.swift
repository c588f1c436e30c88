import Kernels
import Weights

/// A frozen matrix W, [rows, columns], in panels of 64 columns: as it goes into dy W unpacked, and into u Wᵀ by turning squares that lie
/// together. Each panel is [rows, 64]; the last is filled up with zeros.
///
/// Sendable although it holds a pointer: nothing writes to it after `init`.
final class FrozenMatrix: @unchecked Sendable {
    static let panelColumns = FloatProduct.panelColumns

    let rows: Int
    let columns: Int
    private let panels: FloatRows

    init(_ tensor: TensorView) {
        (rows, columns) = (tensor.rows, tensor.columns)
        let count = (columns + Self.panelColumns - 1) / Self.panelColumns
        panels = FloatRows(count * rows, Self.panelColumns)
        var line = [Float](repeating: 0, count: columns)
        for row in 0..<rows {
            var span = line.mutableSpan
            tensor.dequantise(row: row, into: &span)
            for panel in 0..<count {
                let (first, target) = (panel * Self.panelColumns, panels.view.row(panel * rows + row))
                for column in first..<min(first + Self.panelColumns, columns) { target[column - first] = line[column] }
            }
        }
    }

    /// What `FloatProduct(wInPanels:)` reads.
    var stored: FloatView { panels.view }

    /// y = row `index`, [columns].
    func copy(row index: Int, into y: UnsafeMutablePointer<Float>) {
        forEachPart(index) { first, part, count in (y + first).update(from: part, count: count) }
    }

    /// sum += row `index`, [columns].
    func add(row index: Int, to sum: UnsafeMutablePointer<Float>) {
        forEachPart(index) { first, part, count in Vectors.add(part, to: sum + first, count: count) }
    }

    private func forEachPart(_ row: Int, _ body: (_ first: Int, UnsafePointer<Float>, _ count: Int) -> Void) {
        precondition((0..<rows).contains(row), "row \(row) of \(rows)")
        for first in stride(from: 0, to: columns, by: Self.panelColumns) {
            let part = panels.view.row(first / Self.panelColumns * rows + row)
            body(first, part, min(Self.panelColumns, columns - first))
        }
    }
}
