import Foundation
import PortableMath
import Testing

@Suite("Elementary functions against the C library")
struct ElementaryTests {
    @Test func exponential() {
        for index in 0..<70_000 {
            let x = -Double(index) / 100
            #expect(abs(Elementary.exponential(x) - exp(x)) <= 4e-16 * exp(x), "x = \(x)")
        }
        #expect(Elementary.exponential(-1e9) == 0)
        #expect(Elementary.exponential(-Double.infinity) == 0)
        #expect(Elementary.exponential(Double.zero) == 1)
    }

    @Test func logarithm() {
        for index in 1...60_000 {
            let x = pow(1.001, Double(index - 20_000))
            #expect(abs(Elementary.logarithm(x) - log(x)) <= 4e-16 * max(1, abs(log(x))), "x = \(x)")
        }
        #expect(Elementary.logarithm(1) == 0)
    }

    @Test func sineAndCosine() {
        for index in 0...200_000 {
            let x = Double(Float(index) * 0.7310585)
            let (sine, cosine) = Elementary.sineCosine(x)
            #expect(abs(sine - sin(x)) <= 4e-16 && abs(cosine - cos(x)) <= 4e-16, "x = \(x)")
        }
    }
}
