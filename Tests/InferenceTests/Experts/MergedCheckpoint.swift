import Foundation
import Inference
import Weights

/// A tiny model whose weights have a bank's experts added, W + B A, written as a checkpoint of its own.
enum MergedCheckpoint {
    static func model(_ name: String, _ bank: LowRankBank) throws -> LanguageModel {
        let source = TestModels.goldens.appending(path: "tiny/\(name)")
        let checkpoint = try Checkpoint.open(source.path)
        let folder = FileManager.default.temporaryDirectory.appending(path: "skein-merged-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.copyItem(
            at: source.appending(path: "config.json"), to: folder.appending(path: "config.json"))
        try safetensors(checkpoint, bank).write(to: folder.appending(path: "model.safetensors"))
        return try LanguageModel.load(Checkpoint.open(folder.path), mode: .exact, team: TestModels.team)
    }

    private static func safetensors(_ checkpoint: Checkpoint, _ bank: LowRankBank) throws -> Data {
        var header: [String: Any] = [:]
        var body = Data()
        for name in checkpoint.tensorNames {
            let tensor = try checkpoint.tensor(name)
            var values = tensor.floats()
            if name.hasSuffix(".weight"), let expert = bank.experts[String(name.dropLast(7))] {
                add(expert, to: &values, columns: tensor.columns)
            }
            let bytes = values.withUnsafeBytes { Data($0) }
            header[name] = [
                "dtype": "F32", "shape": tensor.shape, "data_offsets": [body.count, body.count + bytes.count],
            ]
            body += bytes
        }
        let json = try JSONSerialization.data(withJSONObject: header)
        return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) } + json + body
    }

    private static func add(_ expert: LowRankBank.Expert, to values: inout [Float], columns: Int) {
        for (output, up) in expert.upRows.enumerated() {
            for (factor, down) in zip(up, expert.downRows) {
                for column in 0..<columns { values[output * columns + column] += factor * down[column] }
            }
        }
    }
}
