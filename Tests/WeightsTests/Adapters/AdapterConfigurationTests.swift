import Foundation
import Testing
import Weights

/// Which modules a configuration chooses, with which rank and scale: peft's own answers, and refusals by name.
struct AdapterConfigurationTests {
    static let cases = [
        "all linear", "another list", "endings", "excluded endings", "excluded pattern", "fan in", "listed layers",
        "one layer", "rank stabilised", "ranks and alphas", "regular expression", "whole path", "with a boundary",
    ]

    private var trunk: ModelConfiguration {
        get throws { try ModelConfiguration(config: Goldens.path("tiny-llama/config.json")) }
    }

    private func configuration(_ object: Any) throws -> AdapterConfiguration {
        try withTemporaryFolder { folder in
            try write(JSONSerialization.data(withJSONObject: object), to: "\(folder)/adapter_config.json")
            return try AdapterConfiguration(path: "\(folder)/adapter_config.json")
        }
    }

    @Test(arguments: cases) func choosesAsPEFTDoes(name: String) throws {
        let data = Data(try Goldens.bytes("adapters/selections.json"))
        let all = try #require(try JSONSerialization.jsonObject(with: data) as? [String: [String: Any]])
        #expect(Set(all.keys) == Set(Self.cases))
        let golden = try #require(all[name])
        let sites = try #require(golden["sites"] as? [String: [Double]])
        let configuration = try configuration(try #require(golden["config"]))
        let linear = try trunk.linearSites.map(\.site)
        #expect(linear.count == 14)
        #expect(Set(linear.filter(configuration.targets)) == Set(sites.keys))
        #expect(!configuration.targets("lm_head"))
        for (site, expected) in sites {
            #expect(try configuration.rank(at: site) == Int(expected[0]), "\(site)")
            #expect(try configuration.scale(at: site) == Float(expected[1]), "\(site)")
        }
    }

    private func changed(_ name: String, _ value: Any?) throws -> AdapterConfiguration {
        var config = AdapterBuilder().config
        config[name] = value
        return try configuration(config)
    }

    static let refused: [String] = [
        "use_dora", "lora_bias", "use_qalora", "trainable_token_indices", "target_parameters", "layer_replication",
        "alora_invocation_tokens", "modules_to_save", "megatron_config", "use_bdlora", "arrow_config", "kasa_config",
        "monteclora_config", "velora_config", "an_option_of_tomorrow",
    ]

    @Test(arguments: refused) func whatIsNotAdditiveIsRefusedByName(option: String) throws {
        let isFlag = option.hasPrefix("use_") || option == "lora_bias"
        expectError(.unsupported, option) { try changed(option, isFlag ? true : [1]) }
        expectError(.unsupported, option) { try changed(option, ["a": 1]) }
        // Switched off it is no obstacle.
        #expect(try changed(option, NSNull()).rank == 2)
        #expect(try changed(option, false).rank == 2)
    }

    @Test func whatCannotBeReadIsRefused() {
        expectError(.missing, "peft_type") { try changed("peft_type", nil) }
        expectError(.unsupported, "peft_type") { try changed("peft_type", "IA3") }
        expectError(.unsupported, "task_type") { try changed("task_type", "SEQ_CLS") }
        expectError(.unsupported, "bias") { try changed("bias", "lora_only") }
        expectError(.unsupported, "init_lora_weights") { try changed("init_lora_weights", "pissa_niter_4") }
        expectError(.missing, "r") { try changed("r", nil) }
        expectError(.overLimit, "r") { try changed("r", 0) }
        expectError(.overLimit, "r") { try changed("r", 1 << 40) }
        expectError(.malformed, "r") { try changed("r", "8") }
        expectError(.missing, "lora_alpha") { try changed("lora_alpha", nil) }
        expectError(.overLimit, "lora_alpha") { try changed("lora_alpha", 1e300) }
        expectError(.missing, "target_modules") { try changed("target_modules", nil) }
        expectError(.malformed, "target_modules") { try changed("target_modules", [1]) }
        expectError(.malformed, "target_modules") { try changed("target_modules", [String]()) }
        expectError(.malformed, "use_rslora") { try changed("use_rslora", 1) }
        expectError(.malformed, "rank_pattern") { try changed("rank_pattern", 3) }
        expectError(.malformed, "rank_pattern.q_proj") { try changed("rank_pattern", ["q_proj": "x"]) }
        expectError(.overLimit, "layers_to_transform") { try changed("layers_to_transform", [-1]) }
    }

    @Test func layersNeedAListOfModules() {
        var config = AdapterBuilder().config
        config["target_modules"] = ".*q_proj"
        config["layers_to_transform"] = [0]
        expectError(.inconsistent, "layers_to_transform") { try configuration(config) }
    }

    @Test func twoPatternsThatDisagreeAreRefused() throws {
        let same = try changed("rank_pattern", ["q_proj": 3, "self_attn.q_proj": 3])
        #expect(try same.rank(at: "model.layers.0.self_attn.q_proj") == 3)
        let different = try changed("rank_pattern", ["q_proj": 3, "self_attn.q_proj": 4])
        expectError(.unsupported, "rank_pattern") { try different.rank(at: "model.layers.0.self_attn.q_proj") }
        #expect(try different.rank(at: "model.layers.0.mlp.down_proj") == 2)
    }

    /// Pattern; a name it matches, and one it does not.
    static let patterns: [(String, String, String)] = [
        ("a|bc|", "bc", "abc"), ("(a|b)*c", "ababc", "abab"), ("a{2,3}", "aaa", "aaaa"), ("a{2}", "aa", "a"),
        ("a{2,}b", "aaaab", "ab"), ("x{,2}", "xx", "xxx"), ("[^0-9.]+", "abc", "a.c"), ("[]a-]+", "a]-", "b"),
        (#"\d+\.\w+"#, "12.q_proj", "12xq"), ("(?P<n>a)b??", "a", "b"), ("^a$", "a", "ba"), (#"\Aa\Z"#, "a", "aa"),
        (#"\bq\b.*"#, "q.proj", "q_proj"), (#".*\Bproj"#, "q_proj", "q.proj"), ("a{b", "a{b", "a"),
        ("a.c", "abc", "ac"),
    ]

    @Test(arguments: patterns.indices) func patternsMatchWholeNames(index: Int) throws {
        let (pattern, match, miss) = Self.patterns[index]
        let configuration = try changed("target_modules", pattern)
        #expect(configuration.targets(match), "\(pattern) should match \(match)")
        #expect(!configuration.targets(miss), "\(pattern) should not match \(miss)")
    }

    @Test func patternsOutsideTheSubsetAreRefused() {
        for pattern in ["(?!x)a", "(?<=a)b", #"(a)\1"#, "(?i)a", "a++", #"\pL"#] {
            expectError(.unsupported, "target_modules") { try changed("target_modules", pattern) }
        }
        for pattern in ["(a", "a)", "[a", "*a", "a**", "a\\", "[b-a]", "a{3,2}"] {
            expectError(.malformed, "target_modules") { try changed("target_modules", pattern) }
        }
        for pattern in [
            "((a{900}){900}){900}", String(repeating: "(", count: 2000), String(repeating: "a", count: 5000),
        ] {
            expectError(.overLimit, "target_modules") { try changed("target_modules", pattern) }
        }
    }

    /// Exponential for a backtracking matcher.
    @Test(.timeLimit(.minutes(1))) func noPatternStalls() throws {
        let configuration = try changed("target_modules", "(((a*)*)*)*(a|a?)+b")
        #expect(!configuration.targets(String(repeating: "a", count: 250)))
    }
}
