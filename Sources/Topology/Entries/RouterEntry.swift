/// `router:` — where the router listens, and its bounds.
package struct RouterEntry: Equatable, Sendable {
    /// Clients: queries, statistics, status.
    package let front: ListeningAddress
    /// Workers: registration, heartbeats, assignments.
    package let control: ListeningAddress
    /// The PUB stream.
    package let statistics: ListeningAddress
    package let limits: RouterLimits
}

extension RouterEntry {
    static let keys = ["front", "control", "statistics", "limits", "trunk"]

    init(reading section: Section, paths: ClusterPaths) {
        front = ListeningAddress(reading: "front", of: section, ipc: paths.socket("front"))
        control = ListeningAddress(reading: "control", of: section, ipc: paths.socket("control"))
        statistics = ListeningAddress(reading: "statistics", of: section, ipc: paths.socket("statistics"))
        limits = RouterLimits(reading: section.part("limits", keys: RouterLimits.keys))
        rejectSharedEndpoints(section)
    }

    /// The three sockets, by the key that names each.
    package var sockets: [(key: String, address: ListeningAddress)] {
        [("front", front), ("control", control), ("statistics", statistics)]
    }

    private func rejectSharedEndpoints(_ section: Section) {
        var takenBy: [String: String] = [:]
        for (key, address) in sockets {
            // Two sockets cannot share a port, whatever the interface.
            let place =
                if case .tcp(_, let port) = address.bind { "port \(port)" } else { address.bind.description }
            if let other = takenBy[place] {
                section.add(key, "\(place) is already the \(other) socket's; choose another")
            }
            takenBy[place] = key
        }
    }
}
