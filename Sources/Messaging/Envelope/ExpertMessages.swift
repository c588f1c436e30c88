/// An expert that a worker holds, verified.
package struct ExpertHolding: Sendable, Equatable {
    /// Its name in the store.
    package var expert: String
    /// Of the weight file that it belongs to, hexadecimal.
    package var trunkSHA256: String
    /// Of the adapter's weights.
    package var sha256: String
    /// Of its gates; empty without.
    package var gatesSHA256: String
    /// In memory.
    package var bytes: UInt64
    /// In place of a worker that is lost.
    package var standIn: Bool

    package init(
        expert: String = "", trunkSHA256: String = "", sha256: String = "", gatesSHA256: String = "", bytes: UInt64 = 0,
        standIn: Bool = false
    ) {
        self.standIn = standIn
        self.expert = expert
        self.trunkSHA256 = trunkSHA256
        self.sha256 = sha256
        self.gatesSHA256 = gatesSHA256
        self.bytes = bytes
    }
}

/// Where a worker answers the data family.
package struct DataEndpoint: Sendable, Equatable {
    /// As others connect to it.
    package var address: String
    /// Z85; empty where the link needs no CURVE: ipc, or `insecure: true`.
    package var publicKey: String

    package init(address: String = "", publicKey: String = "") {
        self.address = address
        self.publicKey = publicKey
    }
}

/// A worker that holds experts and is ready.
package struct ExpertHolder: Sendable, Equatable {
    package var worker: String
    package var incarnation: UInt64
    package var data: DataEndpoint
    package var experts: [ExpertHolding]

    package init(
        worker: String = "", incarnation: UInt64 = 0, data: DataEndpoint = DataEndpoint(), experts: [ExpertHolding] = []
    ) {
        self.worker = worker
        self.incarnation = incarnation
        self.data = data
        self.experts = experts
    }
}

/// Who holds which experts, for a worker with a routed model. It replaces the one before: a holder that is not in it is gone.
package struct Membership: Sendable, Equatable {
    /// Grows.
    package var version: UInt64
    package var holders: [ExpertHolder]

    package init(version: UInt64 = 0, holders: [ExpertHolder] = []) {
        self.version = version
        self.holders = holders
    }
}

/// An expert that was chosen while nobody held it: what the topology's `on_missing` did about it.
package struct MissingExpert: Sendable, Equatable {
    package var expert: String
    /// (token, site) pairs that chose it and went without.
    package var rows: UInt64

    package init(expert: String = "", rows: UInt64 = 0) {
        self.expert = expert
        self.rows = rows
    }
}

/// What a capacity dropped of a query's own prompt at one mixture layer.
package struct LayerDrops: Sendable, Equatable {
    /// Of the transformer, from 0.
    package var layer: UInt32
    /// Of the prompt's tokens, kept or not.
    package var choices: UInt64
    package var byRank: [UInt64]
    /// By eighth of the prompt.
    package var byPosition: [UInt64]

    package init(layer: UInt32 = 0, choices: UInt64 = 0, byRank: [UInt64] = [], byPosition: [UInt64] = []) {
        self.layer = layer
        self.choices = choices
        self.byRank = byRank
        self.byPosition = byPosition
    }
}

/// An expert whose worker was lost while a query ran, and who has it since.
package struct Relocation: Sendable, Equatable {
    package var expert: String
    package var from: String
    /// Empty: nobody.
    package var to: String
    /// From the store, for this; otherwise it was a replica.
    package var reloaded: Bool

    package init(expert: String = "", from: String = "", to: String = "", reloaded: Bool = false) {
        self.expert = expert
        self.from = from
        self.to = to
        self.reloaded = reloaded
    }
}
