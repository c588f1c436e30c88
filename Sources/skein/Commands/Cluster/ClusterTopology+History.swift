import Foundation
import Statistics
import Topology

extension ClusterTopology {
    /// A router goes on without a history rather than not at all; whoever launches one is told before.
    func verifyHistory() throws {
        try paths.prepare()
        do throws(StatisticsStoreError) {
            _ = try StatisticsStore(
                path: statistics.file, retentionDays: statistics.retentionDays, retentionRows: statistics.retentionRows,
                nowUnixSeconds: UInt64(Date().timeIntervalSince1970)
            ) { _ in }
        } catch {
            switch error {
            case .cannotOpen, .corrupt:
                throw CommandFailure.usage(
                    "\(path): statistics.file: \(error); give another file, or move this one away")
            default: return
            }
        }
    }
}
