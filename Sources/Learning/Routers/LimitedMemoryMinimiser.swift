/// L-BFGS (Liu and Nocedal 1989; Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5) for smooth convex functions: in
/// f64, every sum in one order, with no clock and no chance, so that the same function and start give the same bits.
///
///     x ← x - t H g,    H from the last m pairs s = Δx, y = Δg;    t = 1, ½, ¼ … until f falls by c t gᵀ H g (Armijo)
package struct LimitedMemoryMinimiser: Sendable {
    /// m.
    package var pairsMax = 10
    package var iterationsMax = 200
    /// It ends where no element of the gradient is larger.
    package var tolerance = 1e-6
    private static let halvingsMax = 40
    /// c.
    private static let decrease = 1e-4

    package init() {}

    package struct Result: Sendable {
        package let point: [Double]
        package let value: Double
        package let iterations: Int
        /// The largest element of the gradient, in size.
        package let gradientMax: Double
    }

    private struct Pair {
        let step, change: [Double]
        /// 1 / (yᵀ s)
        let inverse: Double
    }

    /// - Parameter function: f at a point; writes its gradient there, which has the point's length.
    package func minimise(
        from start: [Double], _ function: (_ point: [Double], _ gradient: inout [Double]) -> Double
    ) -> Result {
        var point = start
        var gradient = [Double](repeating: 0, count: start.count)
        var value = function(point, &gradient)
        var pairs: [Pair] = []
        var iterations = 0
        while iterations < iterationsMax, Self.largest(gradient) > tolerance {
            let direction = Self.direction(gradient, pairs)
            guard let next = search(point, value, gradient, direction, isFirst: pairs.isEmpty, function) else { break }
            iterations += 1
            let step = Self.difference(next.point, point)
            let change = Self.difference(next.gradient, gradient)
            (point, value, gradient) = (next.point, next.value, next.gradient)
            let curvature = Self.dot(step, change)
            // A pair without curvature would make H indefinite.
            guard curvature > 1e-300 else { continue }
            if pairs.count == pairsMax { pairs.removeFirst() }
            pairs.append(Pair(step: step, change: change, inverse: 1 / curvature))
        }
        return Result(point: point, value: value, iterations: iterations, gradientMax: Self.largest(gradient))
    }

    /// The first of the steps 1, ½, ¼ … (the very first of length 1 at most) that lets f fall enough; nil where f64 has no lower point.
    private func search(
        _ point: [Double], _ value: Double, _ gradient: [Double], _ direction: [Double], isFirst: Bool,
        _ function: ([Double], inout [Double]) -> Double
    ) -> (point: [Double], value: Double, gradient: [Double])? {
        let slope = -Self.dot(gradient, direction)
        guard slope < 0 else { return nil }
        var size = isFirst ? min(1, 1 / Self.dot(gradient, gradient).squareRoot()) : 1
        var below = gradient
        for _ in 0..<Self.halvingsMax {
            let next = point.indices.map { point[$0] - size * direction[$0] }
            let reached = function(next, &below)
            if reached <= value + Self.decrease * size * slope { return (next, reached, below) }
            size /= 2
        }
        return nil
    }

    /// H g, the two loops of algorithm 7.4.
    private static func direction(_ gradient: [Double], _ pairs: [Pair]) -> [Double] {
        var q = gradient
        var alphas: [Double] = []
        for pair in pairs.reversed() {
            let alpha = pair.inverse * dot(pair.step, q)
            alphas.append(alpha)
            for index in q.indices { q[index] -= alpha * pair.change[index] }
        }
        if let last = pairs.last {
            let scale = 1 / (last.inverse * dot(last.change, last.change))
            for index in q.indices { q[index] *= scale }
        }
        for (pair, alpha) in zip(pairs, alphas.reversed()) {
            let beta = pair.inverse * dot(pair.change, q)
            for index in q.indices { q[index] += (alpha - beta) * pair.step[index] }
        }
        return q
    }

    private static func difference(_ a: [Double], _ b: [Double]) -> [Double] { a.indices.map { a[$0] - b[$0] } }

    private static func largest(_ values: [Double]) -> Double { values.reduce(0) { max($0, abs($1)) } }

    static func dot(_ a: [Double], _ b: [Double]) -> Double {
        var sum = 0.0
        for index in a.indices { sum += a[index] * b[index] }
        return sum
    }
}
