/// A token and its natural-log probability under the model's own distribution.
package struct TokenLogprob: Sendable, Equatable {
    package let id: Int32
    package let logprob: Float

    package init(id: Int32, logprob: Float) {
        self.id = id
        self.logprob = logprob
    }
}
