import Kernels
import Messaging

/// Answers the data family: who asks, which set, and the rows. Lives on the experts' thread.
final class ExpertDesk {
    /// Connections with an open set; a trunk that comes back has a new one.
    static let connectionsMax = 64
    /// Versions of a set that a connection has open.
    static let setsMax = 4

    private let profile: WorkerProfile
    private let work: HostedWork
    private let computation: ExpertComputation
    private var connections: [[UInt8]: [OpenedWork]] = [:]
    /// In order of arrival, for the bound.
    private var arrivals: [[UInt8]] = []
    /// Who was last found to be a trunk: every dispatch comes with the same.
    private var lastTrunk: String?

    init(profile: WorkerProfile, work: HostedWork, team: ComputeTeam) {
        self.profile = profile
        self.work = work
        computation = ExpertComputation(team: team)
    }

    /// What to send back.
    func answer(_ received: Received) -> Envelope {
        let envelope: Envelope
        do throws(WireError) { envelope = try Envelope(frames: received.frames) } catch {
            return failed(DataRefusal(error))
        }
        guard isTrunk(received.userID) else {
            return failed(DataRefusal(.forbidden, "this key is no trunk's"))
        }
        switch envelope.message {
        case .openSet(let request): return open(request, from: received.routingID)
        case .dispatch(let dispatch): return compute(dispatch, envelope.tensors, from: received.routingID)
        default: return failed(DataRefusal(.forbidden, "this message has no business on a data endpoint"))
        }
    }

    private func isTrunk(_ userID: String?) -> Bool {
        guard let userID else { return false }
        if userID == lastTrunk { return true }
        guard let identity = Identity(userID: userID), identity.allows(.worker) else { return false }
        lastTrunk = userID
        return true
    }

    func refusal(of oversize: Oversize) -> Envelope {
        failed(DataRefusal(.oversize, "\(oversize.frames) frames of \(oversize.bytes) bytes"))
    }

    private func open(_ request: OpenSet, from connection: [UInt8]) -> Envelope {
        do throws(DataRefusal) {
            guard request.worker == profile.name, request.incarnation == profile.incarnation else {
                throw DataRefusal(
                    .forbidden,
                    "this is \(profile.name), start \(profile.incarnation), not \(request.worker), \(request.incarnation)"
                )
            }
            remember(try work.open(request), of: connection)
        } catch {
            return failed(error, set: request.set)
        }
        return Envelope(
            .setOpened(
                SetOpened(
                    set: request.set, nonce: request.nonce, worker: profile.name, incarnation: profile.incarnation)))
    }

    private func remember(_ set: OpenedWork, of connection: [UInt8]) {
        if connections[connection] == nil {
            if arrivals.count == Self.connectionsMax { connections[arrivals.removeFirst()] = nil }
            arrivals.append(connection)
        }
        var sets = (connections[connection] ?? []).filter { $0.id != set.id }
        sets.append(set)
        connections[connection] = sets.suffix(Self.setsMax)
    }

    private func compute(_ dispatch: Dispatch, _ tensors: [Tensor], from connection: [UInt8]) -> Envelope {
        do throws(DataRefusal) {
            guard let set = connections[connection]?.first(where: { $0.id == dispatch.set }) else {
                throw DataRefusal(.unknownSet, "set \(dispatch.set) is not open on this connection; send OpenSet")
            }
            let rows = try computation.combine(dispatch, tensors, in: set)
            return Envelope(.combine(Combine(dispatch: dispatch.dispatch)), tensors: [rows])
        } catch {
            return failed(error, dispatch: dispatch.dispatch, set: dispatch.set)
        }
    }

    private func failed(_ refusal: DataRefusal, dispatch: UInt64 = 0, set: UInt64 = 0) -> Envelope {
        Envelope(
            .dispatchFailed(
                DispatchFailed(dispatch: dispatch, set: set, kind: refusal.kind, message: refusal.message)))
    }
}
