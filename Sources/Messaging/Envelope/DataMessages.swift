/// An expert of a set, and what the trunk calls it.
package struct SetExpert: Sendable, Equatable {
    package var id: UInt32
    package var expert: String
    /// Of the adapter's weights: another file under the same name is another expert.
    package var sha256: String

    package init(id: UInt32 = 0, expert: String = "", sha256: String = "") {
        self.id = id
        self.expert = expert
        self.sha256 = sha256
    }
}

/// Linear layers of the trunk that read the same input.
package struct SiteGroupShape: Sendable, Equatable {
    /// Hugging Face module names.
    package var sites: [String]
    /// Of each site.
    package var outputs: [UInt32]
    package var inputs: UInt32

    package init(sites: [String] = [], outputs: [UInt32] = [], inputs: UInt32 = 0) {
        self.sites = sites
        self.outputs = outputs
        self.inputs = inputs
    }
}

/// First on every connection, and again when the set changes: what the trunk will ask for.
package struct OpenSet: Sendable, Equatable {
    package static let nonceBytes = 16

    /// Names this version of the set on this connection.
    package var set: UInt64
    /// 16 random bytes; the answer returns them.
    package var nonce: [UInt8]
    /// Whom the trunk believes to be here.
    package var worker: String
    package var incarnation: UInt64
    package var trunkSHA256: String
    /// Of the arithmetic on low-rank pairs.
    package var numerics: String
    package var experts: [SetExpert]
    /// What dispatches call them by index.
    package var groups: [SiteGroupShape]

    package init(
        set: UInt64 = 0, nonce: [UInt8] = [], worker: String = "", incarnation: UInt64 = 0, trunkSHA256: String = "",
        numerics: String = "", experts: [SetExpert] = [], groups: [SiteGroupShape] = []
    ) {
        self.set = set
        self.nonce = nonce
        self.worker = worker
        self.incarnation = incarnation
        self.trunkSHA256 = trunkSHA256
        self.numerics = numerics
        self.experts = experts
        self.groups = groups
    }
}

/// The worker is who the trunk takes it for, and holds what the trunk named.
package struct SetOpened: Sendable, Equatable {
    package var set: UInt64
    package var nonce: [UInt8]
    package var worker: String
    package var incarnation: UInt64

    package init(set: UInt64 = 0, nonce: [UInt8] = [], worker: String = "", incarnation: UInt64 = 0) {
        self.set = set
        self.nonce = nonce
        self.worker = worker
        self.incarnation = incarnation
    }
}

/// The rows that one expert works on at one site.
package struct Selection: Sendable, Equatable {
    /// Index of the linear in its group.
    package var site: UInt32
    /// `SetExpert.id`.
    package var expert: UInt32
    /// Of the dispatch's tensor, ascending.
    package var rows: [UInt32]

    package init(site: UInt32 = 0, expert: UInt32 = 0, rows: [UInt32] = []) {
        self.site = site
        self.expert = expert
        self.rows = rows
    }
}

/// Work for an expert worker: one site group, all rows of a batch. Tensor frame 0, `f32` [rows, inputs]: the distinct rows.
package struct Dispatch: Sendable, Equatable {
    /// Names this attempt; never used again on this connection.
    package var dispatch: UInt64
    package var set: UInt64
    /// Index of the site group in the trunk's order.
    package var group: UInt32
    package var selections: [Selection]

    package init(dispatch: UInt64 = 0, set: UInt64 = 0, group: UInt32 = 0, selections: [Selection] = []) {
        self.dispatch = dispatch
        self.set = set
        self.group = group
        self.selections = selections
    }
}

/// The answer. Tensor frame 0, `f32` [floats]: for each selection of the dispatch, in its order, for each of its rows, in theirs,
/// s · B (A u), as many floats as the site has outputs. Unweighted and never summed.
package struct Combine: Sendable, Equatable {
    package var dispatch: UInt64

    package init(dispatch: UInt64 = 0) {
        self.dispatch = dispatch
    }
}

/// Instead of `SetOpened` (`dispatch` is 0) or `Combine`.
package struct DispatchFailed: Sendable, Equatable {
    package var dispatch: UInt64
    package var set: UInt64
    package var kind: FailureKind
    package var message: String

    package init(dispatch: UInt64 = 0, set: UInt64 = 0, kind: FailureKind = .internal, message: String = "") {
        self.dispatch = dispatch
        self.set = set
        self.kind = kind
        self.message = message
    }
}
