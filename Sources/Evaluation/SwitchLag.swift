/// How soon routing follows a text that changes its domain.
package enum SwitchLag {
    /// Tokens from the first of a segment until the heaviest expert is the segment's own for `run` tokens on end; nil where that does
    /// not happen within the segment.
    ///
    /// - Parameter heaviest: the heaviest expert of each token of the segment; nil where nothing was chosen.
    package static func tokens(until expert: Int, heaviest: [Int?], run: Int = 3) -> Int? {
        precondition(run > 0)
        var length = 0
        for (index, other) in heaviest.enumerated() {
            length = other == expert ? length + 1 : 0
            if length == run { return index - run + 1 }
        }
        return nil
    }
}
