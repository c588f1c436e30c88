import Digest
import Foundation
import Gating
import Inference
import Kernels
import Synchronization
import Weights

/// The shipped experts, loaded once per compute mode.
enum TestExperts {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "experts/smollm2-135m-instruct")
    static let names = ["french", "german", "glossary", "manual", "python", "scripture", "spanish", "swift"]
    private static let loaded = Mutex<ExpertSet?>(nil)

    /// All eight. Their packed form does not depend on the trunk's mode.
    static func shipped() throws -> ExpertSet {
        try loaded.withLock { set in
            if let set { return set }
            let made = try load(names.map { (name: $0, path: folder.appending(path: $0).path) })
            set = made
            return made
        }
    }

    static func load(
        _ folders: [(name: String, path: String)], calibration: SetCalibration = .none
    ) throws -> ExpertSet {
        let sources = try folders.map { folder in
            ExpertSource(
                name: folder.name, hash: folder.name, adapter: try AdapterFolder.open(folder.path, hashing: false))
        }
        return try ExpertSet.load(
            sources, for: TestModels.standard(.exact), calibration: calibration, team: TestModels.team)
    }

    /// Some of the shipped experts, unpacked.
    static func sources(_ names: [String]) throws -> [ExpertSource] {
        try names.map { name in
            ExpertSource(
                name: name, hash: name,
                adapter: try AdapterFolder.open(folder.appending(path: name).path, hashing: false))
        }
    }

    static func bank(_ set: ExpertSet? = nil, rowsMax: Int = 512, team: ComputeTeam = TestModels.team) throws
        -> RoutedExpertBank
    {
        RoutedExpertBank(try set ?? shipped(), rowsMax: rowsMax, team: team)
    }
}

extension LanguageModel {
    /// Scores ids through experts.
    func score(
        _ ids: [Int32], _ set: ExpertSet, _ route: RouteOptions, chunk: Int = 128, team: ComputeTeam = TestModels.team,
        instructionSet: InstructionSet = .best
    ) throws -> Score {
        let bank = RoutedExpertBank(set, rowsMax: chunk, team: team, instructionSet: instructionSet)
        return try score(
            ids, team: team, instructionSet: instructionSet, chunk: chunk, bank: bank, route: RouteRequest(route))
    }
}
