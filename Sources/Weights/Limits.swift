/// Bounds on what a file may claim, checked before anything is allocated for it. Each is far above what real
/// checkpoints hold.
enum Limits {
    static let metadataEntriesMax = 1 << 16
    static let arrayElementsMax = 1 << 24
    static let tensorsMax = 1 << 17
    static let nameBytesMax = 1 << 12
    static let textBytesMax = 1 << 24
    static let dimensionsMax = 4
    static let alignmentBytesMax = 1 << 20
    /// The bound that the safetensors format itself sets.
    static let safetensorsHeaderBytesMax = 100_000_000
    static let jsonBytesMax = 1 << 26
    static let jsonDepthMax = 64
    static let jsonValuesMax = 1 << 21
    static let shardsMax = 1 << 12

    static let layersMax = 1 << 10
    static let widthMax = 1 << 20
    static let headsMax = 1 << 12
    static let headDimensionMax = 1 << 12
    static let vocabularyMax = 1 << 22
    static let contextMax = 1 << 24
}

extension Limits {
    static let adapterRankMax = 1 << 14
    static let adapterNumberMax = 1e9
    static let adapterSitesMax = 1 << 13
    static let siteNameBytesMax = 1 << 8
    /// Entries of a list or of a pattern object of an adapter's configuration.
    static let adapterNamesMax = 1 << 13
}
