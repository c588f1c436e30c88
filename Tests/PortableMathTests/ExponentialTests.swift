import Foundation
import PortableMath
import Testing

@Suite("Single-precision exponential")
struct ExponentialTests {
    @Test func isWithinTwoUnitsInTheLastPlace() {
        for index in 0..<87_000 {
            let x = -Float(index) / 1000
            let exact = exp(Double(x))
            #expect(abs(Double(Elementary.exponential(x)) - exact) <= 2 * 0x1p-23 * exact, "x = \(x)")
        }
    }

    @Test func ends() {
        #expect(Elementary.exponential(Float(0)) == 1)
        #expect(Elementary.exponential(Float(-88)) == 0)
        #expect(Elementary.exponential(-Float.infinity) == 0)
        #expect(Elementary.exponential(-Float.greatestFiniteMagnitude) == 0)
    }
}
