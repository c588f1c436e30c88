#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A folder that is no model: where models lie in it, somebody has gone one step too short.
package struct FolderOfModels {
    private static let entriesMax = 4096
    private static let namedMax = 4

    private let path: String
    /// Files and folders directly in it that are models, sorted.
    private let models: [String]

    /// Why a folder is no model; nil where it has what a model's folder has, or the path leads to something else.
    package static func refusal(of path: String) -> WeightsError? {
        let isModel = ["config.json", "tokenizer.json"].contains { PathName.exists("\(path)/\($0)") }
        return PathName.isFolder(path) && !isModel ? FolderOfModels(path).refusal : nil
    }

    init(_ path: String) {
        let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        self.path = folder
        models = Self.entries(of: folder).filter { name in
            !name.hasPrefix(".") && (name.hasSuffix(".gguf") || PathName.exists("\(folder)/\(name)/config.json"))
        }.sorted()
    }

    var refusal: WeightsError {
        let named = models.prefix(Self.namedMax).map { "\(path)/\($0)" }.joined(separator: ", ")
        let advice =
            models.isEmpty
            ? "a model is a .gguf file, or a folder with config.json and safetensors"
            : "give one of the models in it: \(named)\(models.count > Self.namedMax ? ", …" : "")"
        return WeightsError(
            .missing, file: path, field: "config.json", "is not in this folder, so it is no model's; \(advice)")
    }

    private static func entries(of folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while names.count < entriesMax, let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names
    }
}
