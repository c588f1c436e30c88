import ArgumentParser

/// Layers as a command line names them, counted from 0: `18-29`, or `0,4,20-29`.
struct LayerList {
    let layers: Set<Int>

    init(_ text: String) throws {
        var layers: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
            guard (1...2).contains(ends.count), let first = ends.first, let last = ends.last, 0...100_000 ~= first,
                first...100_000 ~= last
            else { throw ValidationError("--layers names \(part); use numbers from 0 and ranges, such as 0,4,20-29") }
            layers.formUnion(first...last)
        }
        self.layers = layers
    }

    /// nil where no choice was made, or all were named.
    static func choice(_ text: String?, of count: Int) throws -> Set<Int>? {
        guard let text else { return nil }
        let layers = try LayerList(text).layers
        guard let last = layers.max(), last < count else {
            throw CommandFailure.usage(
                "--layers names \(layers.max() ?? 0); the trunk has the layers 0 to \(count - 1)")
        }
        return layers.count == count ? nil : layers
    }
}
