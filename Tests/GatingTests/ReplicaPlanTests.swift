import Gating
import Testing

@Suite struct ReplicaPlanTests {
    /// The example of EPLB's README: 12 experts, 16 replicas, 4 groups, 2 nodes, 8 devices.
    @Test func theReadmesExampleIsReproduced() throws {
        let shape = ReplicaShape(replicas: 16, groups: 4, nodes: 2, devices: 8)
        let first = try ReplicaPlan(load: [90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86], shape)
        #expect(first.experts == [5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1])
        let second = try ReplicaPlan(load: [20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27], shape)
        #expect(second.experts == [7, 10, 6, 8, 6, 11, 8, 9, 2, 4, 5, 1, 5, 0, 3, 1])
    }

    @Test func plansEqualTheReferences() throws {
        let plans = try LayerGoldens.load().plans
        #expect(plans.count == 7)
        for golden in plans {
            let plan = try ReplicaPlan(load: golden.load, golden.shape)
            #expect(plan.experts == golden.experts)
            for (expert, places) in plan.places.enumerated() {
                // Replicas of one expert weigh the same; which of them is called the first is torch's sort's choice.
                #expect(places.sorted() == golden.places[expert].sorted())
            }
        }
    }

    @Test func devicesCarryTheWholeLoad() throws {
        let plan = try ReplicaPlan(load: [6, 2, 2, 2], ReplicaShape(replicas: 6, devices: 3))
        #expect(plan.places.map(\.count) == [3, 1, 1, 1])
        #expect(plan.deviceLoads == [4, 4, 4])
        #expect(plan.balancedness == 1)
        #expect(try ReplicaPlan(load: [6, 2], ReplicaShape(replicas: 2, devices: 2)).balancedness == Float(4) / 6)
    }

    @Test func shapesThatDoNotDivideAreRefused() {
        for shape in [
            ReplicaShape(replicas: 3, devices: 1), ReplicaShape(replicas: 6, devices: 4),
            ReplicaShape(replicas: 0, devices: 1), ReplicaShape(replicas: 6, groups: 3, nodes: 3, devices: 3),
            ReplicaShape(replicas: 6, groups: 2, nodes: 2, devices: 3),
        ] {
            #expect(throws: LayerGateError.self) { try ReplicaPlan(load: [1, 2, 3, 4], shape) }
        }
        #expect(throws: LayerGateError.self) {
            try ReplicaPlan(load: [1, .nan], ReplicaShape(replicas: 2, devices: 1))
        }
    }
}
