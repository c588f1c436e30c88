/// What tokens of one model chose among one set of experts, by site in the order of the trunk.
package struct RoutingSums: Sendable, Equatable {
    package let model: String
    package let setSHA256: String
    /// By id.
    package let experts: [String]
    package private(set) var sites: [(name: String, sums: SiteSums)] = []
    private var places: [String: Int] = [:]

    /// Sites kept; a trunk has 7 linears a layer.
    package static let sitesMax = 8192

    package init(model: String, setSHA256: String, experts: [String]) {
        self.model = model
        self.setSHA256 = setSHA256
        self.experts = experts
    }

    /// - Precondition: the sums are over as many experts as these.
    package mutating func add(_ sums: SiteSums, at site: String) {
        precondition(sums.kept.count == experts.count, "sums over \(sums.kept.count) of \(experts.count) experts")
        if let place = places[site] { return sites[place].sums.add(sums) }
        guard sites.count < Self.sitesMax else { return }
        places[site] = sites.count
        sites.append((site, sums))
    }

    /// Over all sites.
    package var total: SiteSums {
        sites.reduce(into: SiteSums()) { $0.add($1.sums) }
    }

    /// The sites whose names match a pattern of `*` (any characters) and `?` (one).
    package func sites(matching pattern: String) -> [(name: String, sums: SiteSums)] {
        sites.filter { Self.matches($0.name[...], pattern[...]) }
    }

    /// Linear in the pattern's stars: only the last star is ever tried again.
    package static func matches(_ name: Substring, _ pattern: Substring) -> Bool {
        var (name, pattern) = (name, pattern)
        var retry: (name: Substring, pattern: Substring)?
        while !name.isEmpty {
            if pattern.first == "*" {
                pattern = pattern.dropFirst()
                retry = (name, pattern)
            } else if let first = pattern.first, first == "?" || first == name.first {
                (name, pattern) = (name.dropFirst(), pattern.dropFirst())
            } else if let (from, rest) = retry {
                name = from.dropFirst()
                (retry, pattern) = ((name, rest), rest)
            } else {
                return false
            }
        }
        return pattern.allSatisfy { $0 == "*" }
    }

    package static func == (left: RoutingSums, right: RoutingSums) -> Bool {
        left.model == right.model && left.setSHA256 == right.setSHA256 && left.experts == right.experts
            && left.sites.elementsEqual(right.sites) { $0.name == $1.name && $0.sums == $1.sums }
    }
}
