/// Where copies of one layer's experts go, after DeepSeek's expert-parallelism load balancer (github.com/deepseek-ai/EPLB).
///
/// Places are numbered by device: device d has places d · n to (d + 1) · n - 1 with n = replicas / devices.
package struct ReplicaPlan: Sendable, Equatable {
    /// The expert in each place, [replicas].
    package let experts: [Int]
    /// The places of each expert, in the order in which its replicas were made, [E][copies].
    package let places: [[Int]]
    /// Load of each device, an expert's divided evenly among its replicas, [devices].
    package let deviceLoads: [Float]

    /// Mean / max load of the devices: 1 is even. 1 also where there is no load.
    package var balancedness: Float {
        guard let most = deviceLoads.max(), most > 0 else { return 1 }
        return deviceLoads.reduce(0, +) / Float(deviceLoads.count) / most
    }
}

/// What a plan is made for. Devices divide replicas; nodes divide devices.
package struct ReplicaShape: Sendable, Equatable {
    package let replicas: Int
    /// Groups of experts that a group-limited gate chooses; 1 where it has none.
    package let groups: Int
    package let nodes: Int
    package let devices: Int

    package init(replicas: Int, groups: Int = 1, nodes: Int = 1, devices: Int) {
        self.replicas = replicas
        self.groups = groups
        self.nodes = nodes
        self.devices = devices
    }

    /// Nodes do not divide groups: then groups and nodes play no part.
    var effective: ReplicaShape {
        groups % nodes == 0 ? self : ReplicaShape(replicas: replicas, devices: devices)
    }

    func validate(experts: Int) throws(LayerGateError) {
        try check(replicas > 0 && groups > 0 && nodes > 0 && devices > 0, "counts must be above 0")
        let shape = effective
        try check(replicas <= 1 << 16, "\(replicas) replicas; use at most \(1 << 16)")
        try check(experts <= replicas, "\(replicas) replicas for \(experts) experts; use at least one each")
        try check(replicas % devices == 0, "\(devices) devices do not divide \(replicas) replicas")
        try check(experts % shape.groups == 0, "\(shape.groups) groups do not divide \(experts) experts")
        try check(devices % shape.nodes == 0, "\(shape.nodes) nodes do not divide \(devices) devices")
    }

    private func check(_ holds: Bool, _ problem: @autoclosure () -> String) throws(LayerGateError) {
        if !holds { throw LayerGateError(field: "replicas:", problem: problem()) }
    }
}
