import Foundation
import Messaging
import RouterService
import Testing

@Suite("What shadows have done") struct ShadowBookTests {
    private let path = "/tmp/skein-shadows-\(UUID().uuidString.prefix(8)).json"

    private func report(
        _ texts: UInt64, _ change: Double, _ liveRows: UInt64, expert: String = "dutch", run: UInt64 = 1
    ) -> ShadowReport {
        ShadowReport(
            model: "m", expert: expert, texts: texts, tokens: 10 * texts, nllChange: change, share: 0.25,
            liveRows: liveRows, liveShare: 0.5, run: run)
    }

    @Test("a trunk that starts again, and a router, add to what was there")
    func restarts() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        var book = ShadowBook(path: path)
        #expect(book.report(of: "dutch", "m") == nil)
        book.add(report(1, -1, 100))
        book.add(report(3, -1, 300))
        #expect(book.report(of: "dutch", "m") == report(3, -1, 300))
        book.add(report(1, -2, 50, run: 2))
        #expect(book.report(of: "dutch", "m") == report(4, -1.25, 350, run: 2))
        var later = ShadowBook(path: path)
        #expect(later.report(of: "dutch", "m") == report(4, -1.25, 350, run: 2))
        // The trunk that lives on has counted that already.
        later.add(report(2, -2, 50, run: 2))
        #expect(later.report(of: "dutch", "m") == report(5, -1.4, 350, run: 2))
        later.add(report(5, -0.6, 50, run: 3))
        #expect(later.report(of: "dutch", "m") == report(10, -1, 400, run: 3))
    }

    @Test("another shadow, or none, begins anew; a broken file is none")
    func others() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        var book = ShadowBook(path: path)
        book.add(report(1, -1, 100))
        book.add(report(1, -1, 100, expert: "polish"))
        #expect(book.report(of: "dutch", "m") == nil)
        #expect(book.report(of: "polish", "m")?.texts == 1)
        book.forget("m")
        #expect(ShadowBook(path: path).report(of: "polish", "m") == nil)
        try "no JSON".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(ShadowBook(path: path).report(of: "dutch", "m") == nil)
    }
}
