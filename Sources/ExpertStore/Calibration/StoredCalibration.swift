import Digest
import Foundation
import Weights

/// What was calibrated for one set of experts, read from the folder that holds them.
package struct StoredCalibration: Sendable {
    /// τ by method and site.
    package let nullScores: [String: [String: Double]]
    package let common: (adapter: AdapterFolder, hash: SHA256Digest)?

    package static let none = StoredCalibration(nullScores: [:], common: nil)

    private init(nullScores: [String: [String: Double]], common: (adapter: AdapterFolder, hash: SHA256Digest)?) {
        self.nullScores = nullScores
        self.common = common
    }

    /// For exactly these experts in any order; empty where their folder has no calibration of this set.
    package init(of experts: [StoredExpert]) throws(ExpertStoreError) {
        let sorted = experts.sorted { $0.name < $1.name }
        guard let folder = Self.folder(of: sorted), let file = try Self.file(in: folder) else {
            self = .none
            return
        }
        try sorted.first?.check(trunkHash: file.trunkHash)
        let hash = ExpertStore.setHash(sorted)
        let entries = file.entries.filter { $0.setHash == hash }
        var common: (adapter: AdapterFolder, hash: SHA256Digest)?
        if let entry = file.common, entry.setHash == hash { common = (try Self.read(entry, in: folder), entry.hash) }
        self.init(
            nullScores: Dictionary(entries.map { ($0.method, $0.thresholds) }, uniquingKeysWith: { $1 }),
            common: common)
    }

    private static func file(in folder: String) throws(ExpertStoreError) -> CalibrationFile? {
        let path = "\(folder)/\(CalibrationFile.fileName)"
        return FileManager.default.fileExists(atPath: path) ? try CalibrationFile(path: path) : nil
    }

    /// The one folder that all lie in.
    package static func folder(of experts: [StoredExpert]) -> String? {
        let folders = Set(
            experts.map { URL(filePath: $0.folder).standardizedFileURL.deletingLastPathComponent().path })
        return folders.count == 1 ? folders.first : nil
    }

    private static func read(
        _ common: CalibrationFile.Common, in folder: String
    ) throws(ExpertStoreError) -> AdapterFolder {
        let path = "\(folder)/\(MeanAdapter.folderName)"
        let file = "\(path)/\(AdapterFolder.weightsFile)"
        guard try StoredExpert.digest(file) == common.hash else {
            throw ExpertStoreError(
                .hashMismatch, file: file, field: "sha256",
                "is not the common expert that \(CalibrationFile.fileName) names; run skein expert calibrate again")
        }
        return try readingWeights { () throws(WeightsError) in
            let adapter = try AdapterFolder.open(path)
            try adapter.checkFinite()
            return adapter
        }
    }
}
