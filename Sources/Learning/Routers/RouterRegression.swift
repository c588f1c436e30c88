import PortableMath

/// Refits a mixture's router to given shares of its experts: multinomial logistic regression with soft targets p, held near the rows z⁰
/// that it starts from.
///
///     minimise over z:   - 1/n Σ_t Σ_e p_te ln softmax_e(z · x_t)  +  λ/2 Σ_e Σ_j s_j² (z_ej - z⁰_ej)²,    s_j² = Σ_t x_tj² / n
///
/// The ridge weighs a change of a row by what it changes of the logits, whatever the sizes of the inputs. It is strictly convex, so there
/// is one answer; the mean of the rows stays that of z⁰, which softmax leaves open.
package struct RouterRegression: Sendable {
    package let experts: Int
    package let width: Int
    /// [n, width]
    private let inputs: [Double]
    /// [n, experts]; each row sums to 1.
    private let shares: [Float]
    /// s; 1 where an input is always 0.
    private let sizes: [Double]

    package struct Fit: Sendable {
        /// [experts][width]
        package let rows: [[Float]]
        /// Mean cross-entropy to the shares in nats, with z⁰ and with z.
        package let before, after: Double
        package let iterations: Int
    }

    private var count: Int { shares.count / experts }

    /// - Parameters:
    ///   - inputs: x, [n, width], finite.
    ///   - shares: p, [n, experts].
    package init(inputs: [Float], shares: [Float], experts: Int) {
        precondition(experts > 1 && !shares.isEmpty && shares.count % experts == 0, "\(shares.count) shares")
        precondition(inputs.count % (shares.count / experts) == 0, "\(inputs.count) inputs")
        self.experts = experts
        let count = shares.count / experts
        width = inputs.count / count
        self.inputs = inputs.map(Double.init)
        self.shares = shares
        var squares = [Double](repeating: 0, count: width)
        for row in 0..<count {
            for column in 0..<width {
                let value = Double(inputs[row * width + column])
                squares[column] += value * value
            }
        }
        sizes = squares.map { $0 > 0 ? ($0 / Double(count)).squareRoot() : 1 }
    }

    /// - Parameters:
    ///   - start: z⁰, [experts][width].
    ///   - ridge: λ, above 0.
    package func fit(
        from start: [[Float]], ridge: Double, _ minimiser: LimitedMemoryMinimiser = LimitedMemoryMinimiser()
    ) -> Fit {
        precondition(ridge > 0 && start.count == experts && start.allSatisfy { $0.count == width }, "rows or ridge")
        // In w = s z the inputs are x / s, of mean square 1, and the ridge is a plain one.
        let held = start.joined().map(Double.init).enumerated().map { $1 * sizes[$0 % width] }
        let result = minimiser.minimise(from: held) { point, gradient in
            var value = crossEntropy(point, &gradient)
            for index in point.indices {
                let change = point[index] - held[index]
                value += ridge / 2 * change * change
                gradient[index] += ridge * change
            }
            return value
        }
        let rows = (0..<experts).map { expert in
            (0..<width).map { Float(result.point[expert * width + $0] / sizes[$0]) }
        }
        return Fit(
            rows: rows, before: crossEntropy(of: start), after: crossEntropy(of: rows), iterations: result.iterations)
    }

    /// Mean cross-entropy of softmax(z · x) to the shares, in nats.
    package func crossEntropy(of rows: [[Float]]) -> Double {
        var gradient = [Double](repeating: 0, count: experts * width)
        return crossEntropy(rows.joined().map(Double.init).enumerated().map { $1 * sizes[$0 % width] }, &gradient)
    }

    /// At w = s z, with the gradient in w: 1/n Σ_t (softmax(z · x_t) - p_t) x_t / s.
    private func crossEntropy(_ scaled: [Double], _ gradient: inout [Double]) -> Double {
        let rows = scaled.enumerated().map { $1 / sizes[$0 % width] }
        var loss = 0.0
        var logits = [Double](repeating: 0, count: experts)
        for index in gradient.indices { gradient[index] = 0 }
        inputs.withUnsafeBufferPointer { inputs in
            rows.withUnsafeBufferPointer { rows in
                gradient.withUnsafeMutableBufferPointer { gradient in
                    guard let x = inputs.baseAddress, let z = rows.baseAddress, let g = gradient.baseAddress else {
                        return
                    }
                    for token in 0..<count {
                        let input = x + token * width
                        for expert in 0..<experts {
                            logits[expert] = Lanes.dot(z + expert * width, input, count: width)
                        }
                        loss += turn(&logits, token)
                        for expert in 0..<experts {
                            Lanes.add(logits[expert], input, to: g + expert * width, count: width)
                        }
                    }
                }
            }
        }
        let scale = 1 / Double(count)
        for index in gradient.indices { gradient[index] *= scale / sizes[index % width] }
        return loss * scale
    }

    /// Turns logits into softmax - p, and gives -Σ p ln softmax.
    private func turn(_ logits: inout [Double], _ token: Int) -> Double {
        let most = logits.max() ?? 0
        let sum = logits.reduce(0) { $0 + Elementary.exponential($1 - most) }
        let total = most + Elementary.logarithm(sum)
        var loss = 0.0
        for expert in 0..<experts {
            let share = Double(shares[token * experts + expert])
            loss += share * (total - logits[expert])
            logits[expert] = Elementary.exponential(min(logits[expert] - total, 0)) - share
        }
        return loss
    }
}

/// Vectors of f64, eight lanes at a time in one fixed order.
private enum Lanes {
    typealias Eight = SIMD8<Double>

    @inline(__always)
    private static func load(_ x: UnsafePointer<Double>, _ index: Int) -> Eight {
        UnsafeRawPointer(x + index).loadUnaligned(as: Eight.self)
    }

    static func dot(_ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, count: Int) -> Double {
        var lanes = Eight.zero
        let whole = count & ~7
        for index in stride(from: 0, to: whole, by: 8) { lanes += load(x, index) * load(y, index) }
        var sum = lanes.sum()
        for index in whole..<count { sum += x[index] * y[index] }
        return sum
    }

    /// y += a x
    static func add(_ a: Double, _ x: UnsafePointer<Double>, to y: UnsafeMutablePointer<Double>, count: Int) {
        for index in 0..<count { y[index] += a * x[index] }
    }
}
