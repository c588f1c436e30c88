/// What requests may ask for; a topology narrows it.
package struct RouteBounds: Sendable, Hashable {
    /// Spellings of the methods allowed, `single` for any single expert; nil allows all.
    package var methods: Set<String>?
    package var topKMax: Int
    package var temperature: ClosedRange<Float>
    /// |bias|, in units of a score.
    package var biasMax: Float
    /// |explicit weight|.
    package var weightMax: Float
    /// Of the common expert's share.
    package var commonShareMax: Float
    /// How many experts a mask, a list of biases or of weights may name.
    package var namedExpertsMax: Int

    package init(
        methods: Set<String>? = nil, topKMax: Int = 512, temperature: ClosedRange<Float> = 0.01...100,
        biasMax: Float = 1000,
        weightMax: Float = 16, commonShareMax: Float = 1, namedExpertsMax: Int = 4096
    ) {
        self.methods = methods
        self.topKMax = topKMax
        self.temperature = temperature
        self.biasMax = biasMax
        self.weightMax = weightMax
        self.commonShareMax = commonShareMax
        self.namedExpertsMax = namedExpertsMax
    }

    /// The most that the arithmetic allows.
    package static let widest = RouteBounds()
}
