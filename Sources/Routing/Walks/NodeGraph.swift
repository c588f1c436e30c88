import Deciding

/// The graph of nodes as the topology describes it: what queries can reach, and who hands to whom.
package struct NodeGraph: Hashable, Sendable {
    /// By name.
    package var nodes: [String: GraphNode] = [:]
    /// Nodes that one query visits at most.
    package var stepsMax = 64
    package var millisecondsMax: UInt64 = 120_000

    package init() {}
}

package struct GraphNode: Hashable, Sendable {
    package enum Work: Hashable, Sendable {
        /// Workers hold this model; where there is a route, its tokens go that way.
        case model(String, RouteOptions?)
        /// A server outside the cluster.
        case endpoint
        case refusal(message: String)
        case master(Master)
    }

    /// Where the answer goes on when it was given without confidence.
    package struct Cascade: Hashable, Sendable {
        package var to: String
        package var threshold: Double
        /// Makes a probability of the answer's mean log-probability; nil: the geometric mean of its tokens' probabilities.
        package var calibration: PlattScaling?

        package init(to: String, threshold: Double, calibration: PlattScaling? = nil) {
            self.to = to
            self.threshold = threshold
            self.calibration = calibration
        }
    }

    package var name: String
    package var work: Work
    package var functionalToken: String?
    /// A master words the query for it.
    package var wantsRewrite = false
    package var threshold = 0.0
    package var cost = 0.0
    /// Identities that it is for; nil: all.
    package var clients: Set<String>?
    package var maxTokens: Int?
    /// Of one visit, where it has such a bound: deciding and rewriting count as the master's, answering as the node's own.
    package var deadlineMilliseconds: UInt64?
    /// By functional token. A node that answers hands on instead where its answer would begin with one.
    package var hands: [String] = []
    package var fallbacks: [String] = []
    package var cascade: Cascade?

    package init(_ name: String, _ work: Work) {
        self.name = name
        self.work = work
    }

    var answers: Bool {
        switch work {
        case .model, .endpoint: true
        case .refusal, .master: false
        }
    }
}

/// How a master's word is taken.
package struct Master: Hashable, Sendable {
    /// What workers call it.
    package var model: String
    /// The node that answers when it is unsure.
    package var general: String
    package var massMin = 0.5
    package var stayMargin = 0.3
    /// Nodes that may answer one query.
    package var top = 1
    /// Of their answers.
    package var reassembly = Reassembly.first
    package var costWeight = 0.0
    package var loadWeight = 0.0
    package var rewriteBytesMax = 512

    package init(model: String, general: String) {
        self.model = model
        self.general = general
    }
}
