/// An expert that a worker holds, verified.
package struct ExpertHolding: Hashable, Sendable {
    /// Its name in the store.
    package var expert: String
    /// Of the weight file that it belongs to, hex.
    package var trunkSHA256: String
    /// Of what it is made of: another hash under the same name is another expert.
    package var sha256: String
    /// Of its gates; empty without.
    package var gatesSHA256: String
    /// In memory.
    package var bytes: UInt64
    /// In place of a worker that is lost.
    package var standIn: Bool

    package init(
        expert: String, trunkSHA256: String, sha256: String, gatesSHA256: String = "", bytes: UInt64 = 0,
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

/// Where a worker answers for its experts.
package struct DataEndpoint: Hashable, Sendable {
    /// As others connect to it.
    package var address: String
    /// Z85; empty where the link needs no key.
    package var publicKey: String

    package init(address: String, publicKey: String = "") {
        self.address = address
        self.publicKey = publicKey
    }
}

/// A worker that holds experts and is ready.
package struct ExpertHolder: Hashable, Sendable {
    package var worker: String
    package var incarnation: UInt64
    package var data: DataEndpoint
    package var experts: [ExpertHolding]
}

/// Who holds which experts at one moment, sorted by worker.
package struct Membership: Hashable, Sendable {
    /// Grows with every change.
    package var version: UInt64
    package var holders: [ExpertHolder]
}

/// An expert that was chosen while nobody held it.
package struct MissingExpert: Hashable, Sendable {
    package var expert: String
    /// (token, site) pairs that chose it and went without.
    package var rows: UInt64

    package init(expert: String, rows: UInt64) {
        self.expert = expert
        self.rows = rows
    }
}

/// What a capacity dropped of a query's own prompt at one mixture layer.
package struct LayerDrops: Hashable, Sendable {
    package var layer: UInt32
    package var choices: UInt64
    package var byRank: [UInt64]
    package var byPosition: [UInt64]

    package init(layer: UInt32, choices: UInt64, byRank: [UInt64], byPosition: [UInt64]) {
        self.layer = layer
        self.choices = choices
        self.byRank = byRank
        self.byPosition = byPosition
    }
}

/// An expert whose worker was lost while a query ran, and who has it since.
package struct Relocation: Hashable, Sendable {
    package var expert: String
    package var from: String
    /// Empty: nobody.
    package var to: String
    /// From the store, for this; otherwise it was a replica.
    package var reloaded: Bool

    package init(expert: String, from: String, to: String, reloaded: Bool) {
        self.expert = expert
        self.from = from
        self.to = to
        self.reloaded = reloaded
    }
}

/// How the tokens of a query find their experts, as it was asked. To routing it is something to pass on.
package struct RouteOptions: Hashable, Sendable {
    package struct NamedValue: Hashable, Sendable {
        package var name: String
        package var value: Float

        package init(name: String, value: Float) {
            self.name = name
            self.value = value
        }
    }

    package var method: String
    package var topK: UInt32
    package var temperature: Float
    package var null: String
    package var common: String
    package var allowed: [String]
    package var biases: [NamedValue]
    package var weights: [NamedValue]

    package init(
        method: String = "", topK: UInt32 = 0, temperature: Float = 0, null: String = "", common: String = "",
        allowed: [String] = [], biases: [NamedValue] = [], weights: [NamedValue] = []
    ) {
        self.method = method
        self.topK = topK
        self.temperature = temperature
        self.null = null
        self.common = common
        self.allowed = allowed
        self.biases = biases
        self.weights = weights
    }
}
