import Foundation
import Learning
import Testing

struct RouterRegressionTests {
    /// What scikit-learn's LogisticRegression makes of soft targets (`Goldens/make_router_goldens.py`).
    private struct Golden: Decodable {
        let experts: Int
        let ridge: Double
        /// [n][width], [n][experts], [experts][width]
        let inputs, shares: [[Float]]
        let rows: [[Double]]
    }

    private static func goldens() throws -> [Golden] {
        let file = URL(filePath: TorchGoldens.folder).appending(path: "routers.json")
        return try JSONDecoder().decode([Golden].self, from: Data(contentsOf: file))
    }

    private static func exact() -> LimitedMemoryMinimiser {
        var minimiser = LimitedMemoryMinimiser()
        (minimiser.tolerance, minimiser.iterationsMax) = (1e-12, 2000)
        return minimiser
    }

    @Test func rowsAreScikitLearns() throws {
        for golden in try Self.goldens() {
            let width = golden.inputs[0].count
            let regression = RouterRegression(
                inputs: golden.inputs.flatMap { $0 }, shares: golden.shares.flatMap { $0 }, experts: golden.experts)
            let zeros = [[Float]](repeating: Array(repeating: 0, count: width), count: golden.experts)
            let fit = regression.fit(from: zeros, ridge: golden.ridge, Self.exact())
            for (found, wanted) in zip(fit.rows.joined(), golden.rows.joined()) {
                #expect(abs(Double(found) - wanted) < 2e-6 * max(1, abs(wanted)), "\(found), \(wanted)")
            }
        }
    }

    /// One input, always 1, and no ridge to speak of: the logits are the logarithms of the mean shares, up to their mean.
    @Test func theClosedCaseIsMet() {
        let shares: [Float] = [0.5, 0.25, 0.25, 0.25, 0.25, 0.5]
        let fit = RouterRegression(inputs: [1, 1], shares: shares, experts: 3).fit(
            from: [[0], [0], [0]], ridge: 1e-9, Self.exact())
        let mean = [0.375, 0.25, 0.375].map(log)
        let middle = mean.reduce(0, +) / 3
        for (row, wanted) in zip(fit.rows, mean) { #expect(abs(Double(row[0]) - (wanted - middle)) < 1e-6) }
        #expect(abs(fit.before - log(3)) < 1e-12)
        let entropy = -[0.375, 0.25, 0.375].reduce(0) { $0 + $1 * log($1) }
        #expect(abs(fit.after - entropy) < 1e-9)
    }

    /// A heavy ridge keeps the rows; without shares to gain on, a light one does too, and their mean never moves.
    @Test func theRidgeHoldsTheRowsWhereTheyStarted() throws {
        let golden = try #require(try Self.goldens().first)
        let width = golden.inputs[0].count
        let start: [[Float]] = (0..<golden.experts).map { expert in
            (0..<width).map { column -> Float in Float((expert * 7 + column * 3) % 5) / 10 }
        }
        let regression = RouterRegression(
            inputs: golden.inputs.flatMap { $0 }, shares: golden.shares.flatMap { $0 }, experts: golden.experts)
        let held = regression.fit(from: start, ridge: 1e6)
        for (found, wanted) in zip(held.rows.joined(), start.joined()) { #expect(abs(found - wanted) < 1e-5) }
        let free = regression.fit(from: start, ridge: 0.01, Self.exact())
        #expect(free.after < free.before && free.after < held.after)
        #expect(free.after == regression.crossEntropy(of: free.rows))
        for column in 0..<width {
            let before = start.reduce(Float(0)) { $0 + $1[column] }
            let after = free.rows.reduce(Float(0)) { $0 + $1[column] }
            #expect(abs(before - after) < 1e-5, "column \(column)")
        }
    }

    @Test func theSameBitsEachTime() throws {
        let golden = try #require(try Self.goldens().last)
        let zeros = [[Float]](repeating: Array(repeating: 0, count: golden.inputs[0].count), count: golden.experts)
        let fits = (0..<2).map { _ in
            RouterRegression(
                inputs: golden.inputs.flatMap { $0 }, shares: golden.shares.flatMap { $0 }, experts: golden.experts
            ).fit(from: zeros, ridge: golden.ridge)
        }
        #expect(fits[0].rows == fits[1].rows && fits[0].iterations > 3)
    }

    /// Rosenbrock's valley is not convex, but no step may go up, and the bottom is known.
    @Test func theMinimiserFindsTheBottomOfAValley() {
        var minimiser = LimitedMemoryMinimiser()
        (minimiser.tolerance, minimiser.iterationsMax) = (1e-9, 500)
        let result = minimiser.minimise(from: [-1.2, 1]) { point, gradient in
            let (x, y) = (point[0], point[1])
            gradient[0] = -400 * x * (y - x * x) - 2 * (1 - x)
            gradient[1] = 200 * (y - x * x)
            return 100 * (y - x * x) * (y - x * x) + (1 - x) * (1 - x)
        }
        #expect(abs(result.point[0] - 1) < 1e-6 && abs(result.point[1] - 1) < 1e-6)
        #expect(result.gradientMax <= 1e-9 && result.iterations < 500)
    }

    @Test func itEndsWhereItIsToldTo() {
        var minimiser = LimitedMemoryMinimiser()
        minimiser.iterationsMax = 3
        var calls = 0
        let result = minimiser.minimise(from: [1, 1, 1]) { point, gradient in
            calls += 1
            for index in point.indices { gradient[index] = Double(index + 1) * point[index] }
            return point.indices.reduce(0) { $0 + Double($1 + 1) * point[$1] * point[$1] / 2 }
        }
        #expect(result.iterations == 3 && calls >= 4)
        #expect(result.value < 3)
    }
}
