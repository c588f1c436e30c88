/// A model on disk, whatever its format: configuration, and tensors under Hugging Face names with rows in Hugging Face
/// order.
///
/// Opening maps the files and checks every tensor the configuration calls for; weights are read from disk when touched.
package struct Checkpoint: Sendable {
    /// As given to `open`.
    package let path: String
    package let configuration: ModelConfiguration
    /// The files that hold the tensors.
    package let files: [String]
    /// Of all `files` together.
    package let byteCount: Int
    /// Sorted.
    package let tensorNames: [String]
    private let store: Store

    private enum Store: Sendable {
        case gguf(GGUFFile, storedNames: [String: String])
        case safetensors(SafetensorsFolder)
    }

    /// Opens a `.gguf` file, a `.safetensors` file beside its `config.json`, or a folder that holds `config.json` and
    /// either `model.safetensors` or `model.safetensors.index.json`.
    package static func open(_ path: String) throws(WeightsError) -> Checkpoint {
        let checkpoint = try opened(path)
        try checkpoint.checkTensors()
        return checkpoint
    }

    private static func opened(_ path: String) throws(WeightsError) -> Checkpoint {
        if PathName.isFolder(path) { return try Checkpoint(folder: path) }
        if path.hasSuffix(".safetensors") {
            return try Checkpoint(path, try SafetensorsFolder(file: path), configuredIn: PathName.folder(of: path))
        }
        return try Checkpoint(GGUFFile(path: path))
    }

    /// Reads a GGUF file held in memory; `file` is what errors call it.
    package init(gguf bytes: [UInt8], file: String) throws(WeightsError) {
        try self.init(GGUFFile(bytes: bytes, file: file))
        try checkTensors()
    }

    private init(_ file: GGUFFile) throws(WeightsError) {
        configuration = try ModelConfiguration(file)
        path = file.path
        files = [file.path]
        byteCount = file.byteCount
        var storedNames: [String: String] = [:]
        for stored in file.tensorNames {
            let name = GGUFNames.huggingFace(stored)
            guard storedNames.updateValue(stored, forKey: name) == nil else {
                throw WeightsError(.malformed, file: file.path, field: stored, "another tensor is also called \(name)")
            }
        }
        tensorNames = storedNames.keys.sorted()
        store = .gguf(file, storedNames: storedNames)
    }

    private init(folder path: String) throws(WeightsError) {
        guard PathName.exists("\(path)/config.json") else { throw FolderOfModels(path).refusal }
        let single = "\(path)/model.safetensors"
        let index = "\(path)/model.safetensors.index.json"
        let tensors =
            PathName.exists(index) && !PathName.exists(single)
            ? try SafetensorsFolder(index: index) : try SafetensorsFolder(file: single)
        try self.init(path, tensors, configuredIn: path)
    }

    private init(_ path: String, _ tensors: SafetensorsFolder, configuredIn folder: String) throws(WeightsError) {
        guard PathName.exists("\(folder)/config.json") else {
            throw WeightsError(
                .unreadable, file: "\(folder)/config.json", field: "open",
                "there is none, and a model in this format has one; give the folder of a model, or a .gguf file")
        }
        let generation = "\(folder)/generation_config.json"
        configuration = try ModelConfiguration(
            config: "\(folder)/config.json", generation: PathName.exists(generation) ? generation : nil)
        self.path = path
        files = tensors.files.map(\.path)
        byteCount = tensors.files.reduce(0) { $0 + $1.byteCount }
        tensorNames = tensors.tensorNames
        store = .safetensors(tensors)
    }
}

extension Checkpoint {
    /// The GGUF metadata, tokenizer arrays included; nil for safetensors, whose tokenizer is a file beside them.
    package var metadata: GGUFMetadata? {
        guard case .gguf(let file, _) = store else { return nil }
        return file.metadata
    }

    package func contains(_ name: String) -> Bool {
        switch store {
        case .gguf(_, let storedNames): storedNames[name] != nil
        case .safetensors(let folder): folder.contains(name)
        }
    }

    /// The tensor with Hugging Face name `name`.
    package func tensor(_ name: String) throws(WeightsError) -> TensorView {
        switch store {
        case .safetensors(let folder):
            guard folder.contains(name) else { throw absent(name) }
            return try folder.tensor(name)
        case .gguf(let file, let storedNames):
            guard let stored = storedNames[name] else { throw absent(name) }
            let place = try file.place(stored)
            let order = GGUFNames.rowOrder(stored, configuration)
            guard order != .stored else { return TensorView(place, named: name, in: file.bytes) }
            let permuted = place.shape.count == 1 ? place.columns : place.rows
            guard permuted % configuration.headDimension == 0 else {
                throw WeightsError(
                    .inconsistent, file: path, field: stored,
                    "\(permuted) rows are not whole heads of \(configuration.headDimension)")
            }
            if place.shape.count == 1 { return try Self.bias(named: name, place, order, in: file) }
            return TensorView(place, named: name, rowOrder: order, in: file.bytes)
        }
    }

    /// A permuted bias is one row, so no row order can undo it: its few elements are copied into Hugging Face order.
    private static func bias(
        named name: String, _ place: TensorPlace, _ order: RowOrder, in file: GGUFFile
    ) throws(WeightsError) -> TensorView {
        let (type, count, width) = (place.type, place.columns, place.type.bytesPerBlock)
        guard type.blockSize == 1 else {
            throw WeightsError(.unsupported, file: file.path, field: "\(name).type", "\(type.name) for a bias")
        }
        let stored = file.bytes.copy(at: place.offset, length: place.byteCount)
        let ordered = (0..<count).flatMap { element in
            let start = order.storedRow(element) * width
            return stored[start..<start + width]
        }
        let bytes = FileBytes(copying: ordered, file: file.path)
        return TensorView(
            try TensorPlace(type: type, shape: [count], offset: 0, in: bytes, field: name), named: name, in: bytes)
    }

    /// Of each of `files`, in their order: its bytes when it was opened.
    func fileSizes() -> [(file: String, bytes: Int)] {
        switch store {
        case .gguf(let file, _): [(file.path, file.byteCount)]
        case .safetensors(let folder): folder.files.map { ($0.path, $0.byteCount) }
        }
    }

    /// Lets go of what has been read of the files: they stay mapped, and are read again when touched.
    package func releasePages() {
        var released: Set<String> = []
        for name in tensorNames {
            guard let tensor = try? tensor(name), released.insert(tensor.file).inserted else { continue }
            tensor.releaseFilePages()
            if released.count == files.count { return }
        }
    }

    private func absent(_ name: String) -> WeightsError {
        WeightsError(.missing, file: path, field: name, "the checkpoint has no such tensor")
    }

    /// Every tensor the configuration calls for is there in the right shape, so that nobody downstream has to look
    /// again.
    private func checkTensors() throws(WeightsError) {
        for (name, shape) in configuration.requiredTensors {
            let tensor = try tensor(name)
            guard tensor.shape == shape else {
                throw WeightsError(
                    .inconsistent, file: path, field: name,
                    "its shape is \(tensor.shape), the configuration makes it \(shape)")
            }
        }
        for layer in configuration.mixture?.layers ?? [] { _ = try MixtureTensors(self, layer: layer) }
    }
}
