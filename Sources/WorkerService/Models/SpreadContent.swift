import Digest
import Foundation
import Inference
import Kernels
import Weights

/// What the files of a spread mixture hold, by hash: what the trunk answers for (their SHA-256, as `sha256sum` has it), and what it asks
/// of those who hold experts.
///
/// The files are read whole once, in windows. What came of that is kept in a list beside the cluster's other files, and from then on a
/// trunk reads what is its own: as long as no file has changed (size, time, inode) and its own slices have the list's hashes. Experts are
/// read and hashed by their workers, whose hashes must be the list's. So whatever computes has been hashed, at each start, by who
/// computes with it (Documentation/Decisions/0008-spread-content.md).
struct SpreadContent: Sendable, Equatable {
    /// Of the weight file; of several, of their digests in order.
    let sha256: SHA256Digest
    /// Of the matrices of all experts, ascending by cell.
    let experts: [SHA256Digest]

    /// - Parameter list: where the list is, or is to be.
    static func read(
        _ checkpoint: Checkpoint, _ cells: [MixtureCell], list: String, team: ComputeTeam
    ) throws -> SpreadContent {
        let beside = try checkpoint.slicesBesideExperts()
        let experts = try MixtureShard.slices(cells, of: checkpoint)
        let stamps = try checkpoint.files.map(FileStamp.init)
        if let known = ContentList(readingFrom: list), known.files == stamps, known.experts.count == experts.count,
            try FileSlices.digests(of: beside, run: team.run).map(\.hex) == known.beside, let content = known.content
        {
            return content
        }
        let (files, slices) = try FileSlices.digests(ofFiles: checkpoint.files, and: beside + experts, run: team.run)
        let made = ContentList(
            files: stamps, sha256: files.map(\.hex), beside: slices.prefix(beside.count).map(\.hex),
            experts: slices.dropFirst(beside.count).map(\.hex))
        // Without it the next start reads everything again: slower, and as right.
        made.write(to: list)
        return SpreadContent(files, Array(slices.dropFirst(beside.count)))
    }

    fileprivate init(_ files: [SHA256Digest], _ experts: [SHA256Digest]) {
        sha256 = files.count == 1 ? files[0] : SHA256Digest(of: files.flatMap(\.bytes))
        self.experts = experts
    }
}

/// What the files were when they were read.
private struct FileStamp: Codable, Equatable {
    let path: String
    let bytes, modifiedSeconds, modifiedNanoseconds: Int
    let inode: UInt64

    init(_ path: String) throws(WorkerFault) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw WorkerFault("\(path): \(String(cString: strerror(errno)))") }
        self.path = path
        bytes = Int(status.st_size)
        modifiedSeconds = status.st_mtim.tv_sec
        modifiedNanoseconds = status.st_mtim.tv_nsec
        inode = UInt64(status.st_ino)
    }
}

/// Hashes in hexadecimal, in JSON.
private struct ContentList: Codable {
    static let currentFormat = 1

    var format = Self.currentFormat
    let files: [FileStamp]
    /// Of each file.
    let sha256: [String]
    /// Of what is no expert's.
    let beside: [String]
    /// Of the matrices of experts, ascending by cell.
    let experts: [String]

    init(files: [FileStamp], sha256: [String], beside: [String], experts: [String]) {
        self.files = files
        self.sha256 = sha256
        self.beside = beside
        self.experts = experts
    }

    /// Nil where there is none, or one that cannot be read: another is made.
    init?(readingFrom path: String) {
        guard let data = FileManager.default.contents(atPath: path),
            let read = try? JSONDecoder().decode(Self.self, from: data), read.format == Self.currentFormat,
            read.sha256.count == read.files.count
        else { return nil }
        self = read
    }

    var content: SpreadContent? {
        let (files, experts) = (sha256.compactMap(SHA256Digest.init(hex:)), experts.compactMap(SHA256Digest.init(hex:)))
        guard files.count == sha256.count, experts.count == self.experts.count else { return nil }
        return SpreadContent(files, experts)
    }

    func write(to path: String) {
        guard let data = try? JSONEncoder().encode(self) else { return }
        try? FileManager.default.createDirectory(
            at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try? data.write(to: URL(filePath: path), options: .atomic)
    }
}
