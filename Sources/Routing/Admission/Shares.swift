/// How much of the router each identity holds, and whether it may hold more.
///
/// A dynamic threshold (Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches",
/// IEEE/ACM ToN 1998, with alpha = 1): an identity is let in while it holds less than what is free. Alone it gets half
/// of the queue, k floods get 1/(k + 1) each, and as much stays free for whoever comes next: no fixed share to tune.
package struct Shares: Sendable {
    package struct Share: Hashable, Sendable {
        /// Not ended.
        package var live = 0
        /// Of these, never dispatched.
        package var waiting = 0
        package var running = 0
    }

    private var shares: [String: Share] = [:]
    package private(set) var total = Share()
    package init() {}

    package var identityCount: Int { shares.count }

    package subscript(identity: String) -> Share { shares[identity] ?? Share() }

    package func admits(_ identity: String, limits: RoutingLimits) -> Bool {
        let own = self[identity]
        return own.live < limits.queriesMax - total.live && own.waiting < limits.queuedMax - total.waiting
    }

    package mutating func change(_ identity: String, live: Int = 0, waiting: Int = 0, running: Int = 0) {
        var own = self[identity]
        own.live += live
        own.waiting += waiting
        own.running += running
        total.live += live
        total.waiting += waiting
        total.running += running
        precondition(own.live >= 0 && own.waiting >= 0 && own.running >= 0, "share of \(identity) fell to \(own)")
        shares[identity] = own.live == 0 ? nil : own
    }
}
