import Weights

/// One expert to put into a set.
package struct ExpertSource: Sendable {
    package let name: String
    /// Of what shapes its results, so that sets can be told apart: the SHA-256 of its files, in hexadecimal digits.
    package let hash: String
    package let adapter: AdapterFolder
    /// Whether its pairs are packed here. Without, only its gates are: workers compute its rows.
    package let isResident: Bool
    /// Unit prototypes by site for Arrow, where the adapter's folder has none.
    package let prototypes: [String: [Float]]?
    /// Raw gate vectors by site, in the place of those that the adapter's folder has; a `hash` must tell such a source from the plain one.
    package let gates: [String: [Float]]?
    /// Mean input activations by site, where the adapter's folder has none.
    package var meanActivations: [String: [Float]]?

    package init(
        name: String, hash: String, adapter: AdapterFolder, isResident: Bool = true,
        prototypes: [String: [Float]]? = nil, gates: [String: [Float]]? = nil
    ) {
        self.name = name
        self.hash = hash
        self.adapter = adapter
        self.isResident = isResident
        self.prototypes = prototypes
        self.gates = gates
    }
}

/// What belongs to a set and not to one expert.
package struct SetCalibration: Sendable {
    /// τ, the null expert's score, by method (`RouteMethod.description`, since each has scores of its own) and site.
    package var nullScores: [String: [String: Float]]
    /// The mean of all adapters, which may take a share of the weight; never sent anywhere.
    package var common: CommonExpert?

    package init(nullScores: [String: [String: Float]] = [:], common: CommonExpert? = nil) {
        self.nullScores = nullScores
        self.common = common
    }

    package static let none = SetCalibration()
}

/// The mean of a set's adapters, as an adapter of low rank.
package struct CommonExpert: Sendable {
    package let adapter: AdapterFolder
    /// SHA-256 of its weight file, hexadecimal digits.
    package let hash: String

    package init(adapter: AdapterFolder, hash: String) {
        self.adapter = adapter
        self.hash = hash
    }
}

/// Why experts make no set: which expert and site, and what to do.
package struct ExpertSetError: Error, Sendable, Equatable, CustomStringConvertible {
    package let message: String

    package init(_ message: String) { self.message = message }
    package var description: String { message }
}
