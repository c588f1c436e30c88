import Foundation
import Messaging

/// Who a worker is, whatever it hosts.
struct WorkerProfile: Sendable {
    let name: String
    /// Grows with every start: microseconds of the wall clock.
    let incarnation = UInt64(Date().timeIntervalSince1970 * 1e6)
    let numerics: String
    /// Assignments held at once.
    let capacity: Int
    /// Where it answers for its experts.
    let data: DataEndpoint?

    func hello(models: [ModelHolding], experts: [ExpertHolding], ready: Bool) -> Hello {
        Hello(
            worker: name, incarnation: incarnation, numerics: numerics, models: models,
            capacity: UInt32(clamping: capacity), ready: ready, experts: experts, data: data)
    }
}

/// What a worker hosts, once it is loaded.
struct Hosting: Sendable {
    let models: ModelSet
    let compute: ComputeThread
    let experts: HostedWork?
    /// By model.
    let trunks: [String: TrunkShelf]
    let answering: ExpertThread?

    /// What a heartbeat reports.
    var progress: UInt64 { compute.progress &+ (answering?.progress ?? 0) }
}

/// What other threads tell the worker's loop.
enum WorkerPosted: Sendable {
    case loaded(Hosting)
    case computed(ComputeEvent)
    /// What the router wants is held, or is ready to be routed to, or cannot be.
    case arranged(ArrangeExperts, Result<Arranged, ArrangementRefusal>)
    /// The router has an expert that this machine has not.
    case asksContent(ContentRequest)
}

/// Of this process, from the kernel.
enum ProcessMemory {
    /// Resident set; 0 where the kernel does not say.
    static var residentBytes: UInt64 {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (UInt64(fields[1]) ?? 0) * UInt64(sysconf(Int32(_SC_PAGESIZE))) : 0
    }
}
