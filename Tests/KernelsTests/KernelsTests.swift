import Kernels
import Testing

@Test func placeholder() throws {
    let team = ComputeTeam(threads: 2)
    let context = ComputeContext(team: team)
    let x = RowBuffer(rowsMax: 3, width: 40)
    let out = RowBuffer(rowsMax: 3, width: 70)
    for r in 0..<3 { x.withMutableRow(r) { for i in 0..<40 { $0[i] = Float(i + r) } } }
    let m = try PackedMatrix(outputs: 70, inputs: 40) { o, row in for i in 0..<40 { row[i] = Float(o - i) } }
    context.multiply(x.columns, rows: 3, by: m, into: out.columns)
    for r in 0..<3 {
        #expect(
            out.array(row: r) == (0..<70).map { o in (0..<40).reduce(Float(0)) { $0 + Float($1 + r) * Float(o - $1) } })
    }
}
