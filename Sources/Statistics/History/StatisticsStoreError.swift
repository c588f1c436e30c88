/// The statistics' database cannot be used. The router says so and goes on without history.
package enum StatisticsStoreError: Error, Equatable, CustomStringConvertible {
    /// The file cannot be opened or created.
    case cannotOpen(path: String, reason: String)
    /// The file is no database of ours, or is damaged.
    case corrupt(path: String, reason: String)
    /// Another process holds it.
    case locked(path: String)
    /// A later version of Skein has written it.
    case newerSchema(path: String)
    /// Too many requests wait for the disk.
    case busy
    /// Writing or reading failed: a full disk, say. What was to be written is kept in memory and tried again.
    case failed(path: String, reason: String)

    package var description: String {
        switch self {
        case .cannotOpen(let path, let reason):
            "statistics: \(path) cannot be opened (\(reason)); check the folder and its permissions"
        case .corrupt(let path, let reason):
            "statistics: \(path) is damaged or no statistics database (\(reason)); move it away and a new one is begun"
        case .locked(let path):
            "statistics: \(path) is in use by another process; stop that one, or give each cluster a file of its own"
        case .newerSchema(let path):
            "statistics: \(path) was written by a later version; use that version, or move the file away"
        case .busy:
            "statistics: too many requests wait for the disk; ask again, less often"
        case .failed(let path, let reason):
            "statistics: \(path): \(reason); check the disk"
        }
    }
}
