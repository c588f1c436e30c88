import Kernels
import Messaging

/// What a worker computes for trunks elsewhere.
enum HostedWork: Sendable {
    /// Low-rank experts.
    case pairs(ExpertShelf)
    /// Experts of mixture layers.
    case share(ShareShelf)

    var holdings: [ExpertHolding] {
        switch self {
        case .pairs(let shelf): shelf.hosted.holdings
        case .share(let shelf): shelf.hosted.holdings
        }
    }

    func releaseStandIns() {
        if case .pairs(let shelf) = self { shelf.releaseStandIns() }
    }

    func open(_ request: OpenSet) throws(DataRefusal) -> OpenedWork {
        switch self {
        case .pairs(let shelf): .pairs(try OpenedSet(request, hosted: shelf.hosted))
        case .share(let shelf): .share(try OpenedShare(request, hosted: shelf.hosted))
        }
    }
}

/// A set that a trunk has opened on one connection.
enum OpenedWork {
    case pairs(OpenedSet)
    case share(OpenedShare)

    var id: UInt64 {
        switch self {
        case .pairs(let set): set.id
        case .share(let set): set.id
        }
    }
}

/// The arithmetic of either kind. Lives on the experts' thread.
struct ExpertComputation {
    private let pairs: PairComputation
    private let share: ShareComputation

    init(team: ComputeTeam) {
        pairs = PairComputation(team: team)
        share = ShareComputation(team: team)
    }

    func combine(_ dispatch: Dispatch, _ tensors: [Tensor], in set: OpenedWork) throws(DataRefusal) -> Tensor {
        switch set {
        case .pairs(let set): try pairs.combine(dispatch, tensors, in: set)
        case .share(let set): try share.combine(dispatch, tensors, in: set)
        }
    }
}
