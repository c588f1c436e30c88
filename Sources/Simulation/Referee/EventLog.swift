import Routing

/// The last lines of what happened; writes nothing unless it is on, since most simulations are never read.
struct EventLog {
    let isOn: Bool
    let linesMax: Int
    private var ring: [String] = []
    private var next = 0

    init(isOn: Bool, linesMax: Int) {
        self.isOn = isOn
        self.linesMax = linesMax
    }

    mutating func write(_ now: Instant, _ text: @autoclosure () -> String) {
        guard isOn, linesMax > 0 else { return }
        let line = "\(now.microseconds / 1000).\(now.microseconds % 1000 / 100) \(text())"
        if ring.count < linesMax { return ring.append(line) }
        ring[next % linesMax] = line
        next += 1
    }

    var lines: [String] {
        let start = ring.isEmpty ? 0 : next % ring.count
        return Array(ring[start...] + ring[..<start])
    }
}
