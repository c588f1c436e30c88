/// Whether the router is still there. Three signs against it: its connection stays away, it says nothing although it was
/// asked, or (elsewhere) a query's deadline passes without an ending.
struct Liveness {
    private let silenceMicroseconds: UInt64
    private(set) var isConnected = false
    private var awaySince: UInt64
    private var heardAt: UInt64
    private var pingedAt: UInt64?

    init(silenceMilliseconds: Int, now: UInt64) {
        silenceMicroseconds = UInt64(silenceMilliseconds) * 1000
        awaySince = now
        heardAt = now
    }

    mutating func connected(at now: UInt64) {
        isConnected = true
        heard(at: now)
    }

    mutating func disconnected(at now: UInt64) {
        if isConnected { awaySince = now }
        isConnected = false
    }

    mutating func heard(at now: UInt64) { (heardAt, pingedAt) = (now, nil) }

    /// Something waits for the router from now on; the quiet before that means nothing.
    mutating func becameInteresting(at now: UInt64) {
        awaySince = max(awaySince, now)
        heard(at: now)
    }

    /// Half of the patience has passed without a word: it is time to ask.
    mutating func shouldPing(at now: UInt64) -> Bool {
        guard isConnected, pingedAt == nil, now >= heardAt + silenceMicroseconds / 2 else { return false }
        pingedAt = now
        return true
    }

    func isDead(at now: UInt64) -> Bool { now >= deadAt }

    /// When the router counts as dead if nothing happens until then.
    private var deadAt: UInt64 {
        guard isConnected else { return awaySince + silenceMicroseconds }
        return (pingedAt ?? heardAt + silenceMicroseconds / 2) + silenceMicroseconds / 2
    }

    var nextMicroseconds: UInt64 {
        isConnected && pingedAt == nil ? heardAt + silenceMicroseconds / 2 : deadAt
    }
}
