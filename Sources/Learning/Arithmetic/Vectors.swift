/// Loops over vectors, sixteen lanes at a time, in one fixed order.
enum Vectors {
    typealias Lanes = SIMD16<Float>

    @inline(__always)
    static func load(_ x: UnsafePointer<Float>, _ index: Int) -> Lanes {
        UnsafeRawPointer(x + index).loadUnaligned(as: Lanes.self)
    }

    @inline(__always)
    static func store(_ lanes: Lanes, _ x: UnsafeMutablePointer<Float>, _ index: Int) {
        UnsafeMutableRawPointer(x + index).storeBytes(of: lanes, as: Lanes.self)
    }

    /// y += x
    static func add(_ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int) {
        for index in 0..<count { y[index] += x[index] }
    }

    /// y += a x
    static func add(_ a: Float, _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int) {
        for index in 0..<count { y[index] += a * x[index] }
    }

    static func scale(_ a: Float, _ x: UnsafeMutablePointer<Float>, count: Int) {
        for index in 0..<count { x[index] *= a }
    }

    /// Σ x y
    static func dot(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, count: Int) -> Float {
        var lanes = Lanes.zero
        let whole = count & ~15
        for index in stride(from: 0, to: whole, by: 16) { lanes += load(x, index) * load(y, index) }
        var sum = lanes.sum()
        for index in whole..<count { sum += x[index] * y[index] }
        return sum
    }

    static func sum(_ x: UnsafePointer<Float>, count: Int) -> Float {
        var lanes = Lanes.zero
        let whole = count & ~15
        for index in stride(from: 0, to: whole, by: 16) { lanes += load(x, index) }
        var sum = lanes.sum()
        for index in whole..<count { sum += x[index] }
        return sum
    }
}
