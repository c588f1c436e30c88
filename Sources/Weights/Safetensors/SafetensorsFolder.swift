/// The safetensors files of one model: a single file, or the shards that `model.safetensors.index.json` names.
struct SafetensorsFolder: Sendable {
    let files: [SafetensorsFile]
    /// Which of `files` holds each tensor.
    private let fileOfTensor: [String: Int]

    init(file path: String) throws(WeightsError) {
        let file = try SafetensorsFile(path: path)
        files = [file]
        fileOfTensor = Dictionary(uniqueKeysWithValues: file.tensorNames.map { ($0, 0) })
    }

    init(index path: String) throws(WeightsError) {
        let shardOfTensor = try Self.weightMap(path)
        let folder = PathName.folder(of: path)
        let names = Set(shardOfTensor.values).sorted()
        guard names.count <= Limits.shardsMax else {
            throw WeightsError(
                .overLimit, file: path, field: "weight_map", "\(names.count) files, at most \(Limits.shardsMax)")
        }
        var files: [SafetensorsFile] = []
        for name in names { files.append(try Self.shard(name, in: folder, namedBy: path)) }
        let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($0.element, $0.offset) })
        try Self.check(shardOfTensor, files, places, index: path)
        self.files = files
        fileOfTensor = shardOfTensor.compactMapValues { places[$0] }
    }

    var tensorNames: [String] { fileOfTensor.keys.sorted() }

    func contains(_ name: String) -> Bool { fileOfTensor[name] != nil }

    func tensor(_ name: String) throws(WeightsError) -> TensorView {
        try files[fileOfTensor[name] ?? 0].tensor(name)
    }

    private static func weightMap(_ path: String) throws(WeightsError) -> [String: String] {
        guard let map = try JSONValue(path: path)["weight_map"]?.objectValue, !map.isEmpty else {
            throw WeightsError(.malformed, file: path, field: "weight_map", "is not an object with entries")
        }
        var result: [String: String] = [:]
        for (tensor, value) in map {
            guard let name = value.textValue, PathName.isPlain(name) else {
                throw WeightsError(
                    .malformed, file: path, field: "weight_map.\(tensor)",
                    "is not the plain name of a file in this folder")
            }
            guard result.updateValue(name, forKey: tensor.text) == nil else {
                throw WeightsError(
                    .malformed, file: path, field: "weight_map", "has two tensors whose names read \(tensor)")
            }
        }
        return result
    }

    private static func shard(
        _ name: String, in folder: String, namedBy index: String
    ) throws(WeightsError) -> SafetensorsFile {
        let path = "\(folder)/\(name)"
        guard PathName.exists(path) else {
            throw WeightsError(.missing, file: index, field: "weight_map", "names \(name), which is not in the folder")
        }
        return try SafetensorsFile(path: path)
    }

    /// The index and the shards must agree, and no tensor may come from two shards.
    private static func check(
        _ shardOfTensor: [String: String], _ files: [SafetensorsFile], _ places: [String: Int], index: String
    ) throws(WeightsError) {
        for (tensor, name) in shardOfTensor {
            guard let place = places[name], files[place].contains(tensor) else {
                throw WeightsError(
                    .inconsistent, file: index, field: "weight_map.\(tensor)", "\(name) has no such tensor")
            }
        }
        for file in files {
            for tensor in file.tensorNames where shardOfTensor[tensor].map({ !file.path.hasSuffix("/\($0)") }) ?? true {
                throw WeightsError(
                    .inconsistent, file: file.path, field: tensor, "the index does not place it in this file")
            }
        }
    }
}
