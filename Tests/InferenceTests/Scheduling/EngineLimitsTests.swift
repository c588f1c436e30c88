import Inference
import Testing

@Suite("Engine limits")
struct EngineLimitsTests {
    @Test func theDefaultsFitTheDefaultModel() throws {
        try EngineLimits().validate(modelContextMax: 8192)
    }

    @Test func eachLimitNamesItself() {
        func refused(_ change: (inout EngineLimits) -> Void) -> String? {
            var limits = EngineLimits()
            change(&limits)
            do throws(EngineLimitsError) {
                try limits.validate(modelContextMax: 4096)
                return nil
            } catch { return error.limit }
        }
        #expect(refused { $0.tokensPerStepMax = 0 } == "tokensPerStepMax")
        #expect(refused { $0.promptTokensBesideDecodingMax = 0 } == "promptTokensBesideDecodingMax")
        #expect(refused { $0.sequencesMax = 257 } == "sequencesMax")
        #expect(refused { $0.waitingMax = -1 } == "waitingMax")
        #expect(refused { $0.contextMax = 4097 } == "contextMax")
        #expect(refused { $0.keyValuePagesMax = 0 } == "keyValuePagesMax")
    }
}
