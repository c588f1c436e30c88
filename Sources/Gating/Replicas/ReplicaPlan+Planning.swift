extension ReplicaPlan {
    /// Packs groups of experts onto nodes, replicates within each node the expert with the highest load per replica until its places
    /// are used, then packs the replicas onto the node's devices. load: [E], tokens or any measure, finite and not negative.
    package init(load: [Float], _ requested: ReplicaShape) throws(LayerGateError) {
        try requested.validate(experts: load.count)
        guard !load.isEmpty, load.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
            throw LayerGateError(field: "load", problem: "is empty or has an element that is negative or not finite")
        }
        let shape = requested.effective
        let placesPerDevice = shape.replicas / shape.devices
        var experts = [Int](repeating: 0, count: shape.replicas)
        var copies = [Int](repeating: 0, count: shape.replicas)
        for (node, members) in Self.nodes(load, shape).enumerated() {
            let made = Self.replicate(members.map { load[$0] }, replicas: shape.replicas / shape.nodes)
            let packed = Self.pack(made.map(\.load), packs: shape.devices / shape.nodes)
            for (replica, spot) in zip(made, packed) {
                let device = node * (shape.devices / shape.nodes) + spot.pack
                let place = device * placesPerDevice + spot.rank
                experts[place] = members[replica.expert]
                copies[place] = replica.copy
            }
        }
        self.init(load, experts, copies, placesPerDevice)
    }

    private init(_ load: [Float], _ experts: [Int], _ copies: [Int], _ placesPerDevice: Int) {
        var places = [[Int]](repeating: [], count: load.count)
        for place in experts.indices { places[experts[place]].append(place) }
        for expert in places.indices { places[expert].sort { copies[$0] < copies[$1] } }
        let shares = experts.map { load[$0] / Float(places[$0].count) }
        let loads = stride(from: 0, to: shares.count, by: placesPerDevice).map { start in
            shares[start..<start + placesPerDevice].reduce(0, +)
        }
        self.init(experts: experts, places: places, deviceLoads: loads)
    }

    /// The experts of each node, group by group in the order of packing.
    private static func nodes(_ load: [Float], _ shape: ReplicaShape) -> [[Int]] {
        let width = load.count / shape.groups
        let groupLoads = (0..<shape.groups).map { load[$0 * width..<($0 + 1) * width].reduce(0, +) }
        let groupsPerNode = shape.groups / shape.nodes
        var order = [Int](repeating: 0, count: shape.groups)
        for (group, spot) in pack(groupLoads, packs: shape.nodes).enumerated() {
            order[spot.pack * groupsPerNode + spot.rank] = group
        }
        return (0..<shape.nodes).map { node in
            order[node * groupsPerNode..<(node + 1) * groupsPerNode].flatMap { $0 * width..<($0 + 1) * width }
        }
    }

    private static func replicate(_ load: [Float], replicas: Int) -> [(expert: Int, copy: Int, load: Float)] {
        var counts = [Int](repeating: 1, count: load.count)
        var made = load.indices.map { (expert: $0, copy: 0) }
        while made.count < replicas {
            var heaviest = 0
            for expert in load.indices
            where load[expert] / Float(counts[expert]) > load[heaviest] / Float(counts[heaviest]) { heaviest = expert }
            made.append((heaviest, counts[heaviest]))
            counts[heaviest] += 1
        }
        return made.map { ($0.expert, $0.copy, load[$0.expert] / Float(counts[$0.expert])) }
    }

    /// Equal numbers to each pack: by descending weight (of equal ones the first) onto the lightest pack that has room.
    private static func pack(_ weights: [Float], packs: Int) -> [(pack: Int, rank: Int)] {
        let room = weights.count / packs
        // One each: as they come, so that nothing moves for nothing.
        guard room > 1 else { return weights.indices.map { ($0, 0) } }
        var spots = [(pack: Int, rank: Int)](repeating: (0, 0), count: weights.count)
        var loads = [Float](repeating: 0, count: packs)
        var filled = [Int](repeating: 0, count: packs)
        let descending = weights.indices.sorted { (weights[$0], $1) > (weights[$1], $0) }
        for item in descending {
            let open = (0..<packs).filter { filled[$0] < room }
            let pack = open.reduce(open[0]) { loads[$1] < loads[$0] ? $1 : $0 }
            spots[item] = (pack, filled[pack])
            loads[pack] += weights[item]
            filled[pack] += 1
        }
        return spots
    }
}
