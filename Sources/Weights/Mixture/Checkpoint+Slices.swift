import Digest

extension Checkpoint {
    /// What of the files is of no expert of a mixture layer: attention, gates, embeddings, headers. Ascending in each file.
    package func slicesBesideExperts() throws(WeightsError) -> [FileSlice] {
        var taken: [String: [Range<Int>]] = [:]
        for layer in configuration.mixture?.layers ?? [] {
            for case let expert? in try MixtureTensors(self, layer: layer).experts {
                for tensor in expert.tensors { taken[tensor.file, default: []].append(tensor.slice.range) }
            }
        }
        return fileSizes().flatMap { file, size in
            var slices: [FileSlice] = []
            var end = 0
            for range in (taken[file] ?? []).sorted(by: { $0.lowerBound < $1.lowerBound }) + [size..<size] {
                if end < range.lowerBound { slices.append(FileSlice(file: file, range: end..<range.lowerBound)) }
                end = max(end, range.upperBound)
            }
            return slices
        }
    }
}
