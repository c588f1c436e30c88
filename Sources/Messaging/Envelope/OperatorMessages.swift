/// What an operator changes.
package enum ExpertChange: UInt32, Sendable, CaseIterable {
    case publish = 1
    case retire = 2
    /// A shadow becomes a member of the set.
    case promote = 3
    /// The graph of nodes is read again from the topology file, as a whole.
    case reloadGraph = 4
    /// Experts of mixture layers move to other workers.
    case place = 5
}

/// Changes the experts of a routed model while it runs.
package struct ChangeExperts: Sendable, Equatable {
    package var id: QueryID
    package var change: ExpertChange
    /// Empty: the only routed one.
    package var model: String
    package var expert: String
    /// Of its content, hexadecimal.
    package var sha256: String
    /// Absolute. Where the router does not find this content there, it asks the operator for it.
    package var folder: String
    /// Who is to hold it; empty: the one with the most room.
    package var worker: String
    /// Held and rehearsed, not in the set.
    package var shadow: Bool
    /// To place: of each worker that is to have any experts of the model's mixture layers, all of them.
    package var shares: [PlacedShare]

    package init(
        id: QueryID, change: ExpertChange, model: String = "", expert: String = "", sha256: String = "",
        folder: String = "", worker: String = "", shadow: Bool = false, shares: [PlacedShare] = []
    ) {
        self.shares = shares
        self.id = id
        self.change = change
        self.model = model
        self.expert = expert
        self.sha256 = sha256
        self.folder = folder
        self.worker = worker
        self.shadow = shadow
    }
}

/// Experts of mixture layers on one worker.
package struct PlacedShare: Sendable, Equatable {
    package var worker: String
    /// `MODEL/LAYER.EXPERT`.
    package var experts: [String]

    package init(worker: String = "", experts: [String] = []) {
        self.worker = worker
        self.experts = experts
    }
}

package struct ExpertsChanged: Sendable, Equatable {
    package var id: QueryID
    package var model: String
    /// Of the model's set, as the manifest counts.
    package var version: UInt64
    /// Published: who holds it.
    package var worker: String
    /// Of the set from now on.
    package var experts: [String]

    package init(
        id: QueryID, model: String = "", version: UInt64 = 0, worker: String = "", experts: [String] = []
    ) {
        self.id = id
        self.model = model
        self.version = version
        self.worker = worker
        self.experts = experts
    }
}

/// An expert that is not in the topology, and where its files are.
package struct PlacedExpert: Sendable, Equatable {
    package var expert: String
    package var sha256: String
    /// Absolute, on the router's machine; empty for a worker elsewhere.
    package var folder: String
    /// Rehearsed, not in the set.
    package var shadow: Bool
    /// In place of a worker that is lost.
    package var standIn: Bool

    package init(
        expert: String = "", sha256: String = "", folder: String = "", shadow: Bool = false, standIn: Bool = false
    ) {
        self.shadow = shadow
        self.standIn = standIn
        self.expert = expert
        self.sha256 = sha256
        self.folder = folder
    }
}

/// What a worker is to hold, or a trunk to route to: how it differs from the topology.
package struct ArrangeExperts: Sendable, Equatable {
    /// 0: as the manifest says, at registration.
    package var request: UInt64
    package var model: String
    package var trunk: Bool
    /// Of the model's weights; empty: not known yet.
    package var trunkSHA256: String
    package var published: [PlacedExpert]
    package var retired: [String]
    /// Of a mixture: the worker's own, and during a change a second time what it is to have in the end; for a trunk all.
    package var shares: [PlacedShare]

    package init(
        request: UInt64 = 0, model: String = "", trunk: Bool = false, trunkSHA256: String = "",
        published: [PlacedExpert] = [], retired: [String] = [], shares: [PlacedShare] = []
    ) {
        self.shares = shares
        self.request = request
        self.model = model
        self.trunk = trunk
        self.trunkSHA256 = trunkSHA256
        self.published = published
        self.retired = retired
    }
}

package struct ExpertsArranged: Sendable, Equatable {
    package var request: UInt64
    /// Nil: done. Otherwise nothing has changed.
    package var kind: FailureKind?
    package var message: String

    package init(request: UInt64 = 0, kind: FailureKind? = nil, message: String = "") {
        self.request = request
        self.kind = kind
        self.message = message
    }
}

/// What a shadow has done since it was published, over rehearsals: a text that the cluster has answered, scored with the set and with the
/// set and the shadow.
package struct ShadowReport: Sendable, Equatable {
    package var model: String
    package var expert: String
    package var texts: UInt64
    /// Predicted.
    package var tokens: UInt64
    /// Nats per token, with the shadow minus without: below 0 is better.
    package var nllChange: Double
    /// Of the kept weight over all tokens and sites that it would win.
    package var share: Double
    /// (token, site) pairs of live traffic that were counted.
    package var liveRows: UInt64
    /// Of their kept weight that it would win, as if no earlier site had chosen it.
    package var liveShare: Double
    /// Differs whenever the trunk begins to count anew.
    package var run: UInt64

    package init(
        model: String = "", expert: String = "", texts: UInt64 = 0, tokens: UInt64 = 0, nllChange: Double = 0,
        share: Double = 0, liveRows: UInt64 = 0, liveShare: Double = 0, run: UInt64 = 0
    ) {
        self.run = run
        self.liveRows = liveRows
        self.liveShare = liveShare
        self.model = model
        self.expert = expert
        self.texts = texts
        self.tokens = tokens
        self.nllChange = nllChange
        self.share = share
    }
}
