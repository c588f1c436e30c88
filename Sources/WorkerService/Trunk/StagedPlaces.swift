import Inference
import Messaging
import Threading

/// A placement of a mixture's experts that waits until all of them can be asked for where they are to be.
struct StagedPlaces {
    struct Place {
        /// Of the set.
        let expert: Int
        let worker: String
    }

    let request: UInt64
    let places: [Place]
    let deadlineMicroseconds: UInt64

    /// A worker that has said that it holds an expert opens the set with it in milliseconds.
    private static let patienceMicroseconds: UInt64 = 5_000_000

    /// - Throws: an expert that is nowhere, or that the model has not.
    init(_ shares: [PlacedShare], of set: MixtureSet, request: UInt64) throws(ArrangementRefusal) {
        let ids = Dictionary(uniqueKeysWithValues: set.experts.enumerated().map { ($1.name, $0) })
        var places: [Place] = []
        for share in shares {
            for name in share.experts {
                guard let id = ids[name] else {
                    throw ArrangementRefusal(.unknownExpert, "the model has no expert \(name)")
                }
                places.append(Place(expert: id, worker: share.worker))
            }
        }
        let placed = Set(places.map(\.expert))
        if let nowhere = set.experts.indices.first(where: { !placed.contains($0) }) {
            throw ArrangementRefusal(
                .invalidParameter, "\(set.cells[nowhere]) is nowhere: place it on a worker")
        }
        self.request = request
        self.places = places
        deadlineMicroseconds = MonotonicClock.nowMicroseconds + Self.patienceMicroseconds
    }
}

extension RunningModel {
    /// Where the experts of the mixture are to be found: nothing changes for requests that run, the set is the same.
    ///
    /// - Returns: what to tell the router, where that is clear at once.
    func stage(_ shares: [PlacedShare], request: UInt64) -> ExpertsArranged? {
        guard let mixture else {
            return ExpertsArranged(
                request: request, kind: .unfitExpert, message: "the model's experts are not spread over workers")
        }
        do throws(ArrangementRefusal) {
            stagedPlaces = try StagedPlaces(shares, of: mixture.rows.set, request: request)
        } catch { return ExpertsArranged(request: request, kind: error.kind, message: error.message) }
        mixture.rows.service()
        return settlePlaces()
    }

    /// Says so once every expert can be asked for at every place.
    func settlePlaces() -> ExpertsArranged? {
        guard let staged = stagedPlaces, let mixture else { return nil }
        let set = mixture.rows.set
        var missing: StagedPlaces.Place?
        for place in staged.places {
            switch mixture.roster.problem(with: place.expert, of: set, on: place.worker) {
            case nil: continue
            case .differs:
                stagedPlaces = nil
                return ExpertsArranged(
                    request: staged.request, kind: .unfitExpert,
                    message: "\(place.worker) has another \(set.cells[place.expert]) than the trunk; use one file")
            case .notYet: missing = place
            }
        }
        if missing != nil, MonotonicClock.nowMicroseconds < staged.deadlineMicroseconds { return nil }
        stagedPlaces = nil
        guard let missing else {
            mixture.rows.noteMoved()
            return ExpertsArranged(request: staged.request)
        }
        return ExpertsArranged(
            request: staged.request, kind: .unknownExpert,
            message: "\(missing.worker) does not open the set with \(set.cells[missing.expert]); its log says why")
    }
}
