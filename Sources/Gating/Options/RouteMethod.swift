/// How a request finds its experts. Written as on the command line: `phatgoose`, `arrow`, `arrow:unit`, `average`, `merged`,
/// `retrieval`, `single:NAME`, `off`.
package enum RouteMethod: Sendable, Hashable {
    /// Learned gates (arXiv 2402.05859): (ū · v̄) / √d.
    case phatgoose
    /// Prototypes p, the top right singular vectors of B A, as PEFT scores them (arXiv 2405.11157): |p · u|.
    case arrow
    /// The same as a cosine: |p · u| / |u|.
    case arrowUnit
    /// As PHATGOOSE, with each expert's mean input activation for its gate.
    case average
    /// The average of the products B A: weight 1/N each, at every token.
    case merged
    /// One expert for the whole query, by the likeness of its text to stored examples.
    case retrieval
    /// One expert by name, weight 1.
    case single(String)
    /// The trunk alone.
    case off
}

/// Which vectors, one per expert and site, a method's dot products are taken with.
package enum GateKind: Sendable, Hashable, CaseIterable {
    /// Standardised PHATGOOSE gates v̄.
    case gate
    /// Arrow prototypes of unit norm.
    case prototype
    /// Standardised mean input activations.
    case meanActivation
}

extension RouteMethod {
    /// Nil for a method that needs no dot products.
    package var gateKind: GateKind? {
        switch self {
        case .phatgoose: .gate
        case .arrow, .arrowUnit: .prototype
        case .average: .meanActivation
        case .merged, .retrieval, .single, .off: nil
        }
    }

    /// What the method's authors use: 2, or 3 for Arrow.
    package var defaultTopK: Int {
        switch self {
        case .arrow, .arrowUnit: 3
        default: 2
        }
    }
}

extension RouteMethod: CustomStringConvertible {
    package var description: String {
        switch self {
        case .phatgoose: "phatgoose"
        case .arrow: "arrow"
        case .arrowUnit: "arrow:unit"
        case .average: "average"
        case .merged: "merged"
        case .retrieval: "retrieval"
        case .single(let name): "single:\(name)"
        case .off: "off"
        }
    }

    /// Reads what `description` writes.
    package init(parsing text: String) throws(RouteOptionsError) {
        switch text {
        case "phatgoose": self = .phatgoose
        case "arrow": self = .arrow
        case "arrow:unit": self = .arrowUnit
        case "average": self = .average
        case "merged": self = .merged
        case "retrieval": self = .retrieval
        case "off": self = .off
        case _ where text.hasPrefix("single:") && text.utf8.count > 7: self = .single(String(text.dropFirst(7)))
        default:
            throw RouteOptionsError(
                field: "method",
                problem:
                    "is '\(text)'; write phatgoose, arrow, arrow:unit, average, merged, retrieval, single:NAME or off")
        }
    }
}
