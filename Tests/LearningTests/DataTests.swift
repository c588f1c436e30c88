import Foundation
import Learning
import Testing

struct DataTests {
    private static func text(_ tokens: Range<Int32>, isHeld: Bool? = nil) -> TrainingDocument {
        TrainingDocument(
            tokens: Array(tokens), isTarget: tokens.map { _ in true }, isHeld: isHeld, isText: true, place: "text")
    }

    private static func answer(_ count: Int, targets: Int) -> TrainingDocument {
        TrainingDocument(
            tokens: Array(repeating: 3, count: count), isTarget: (0..<count).map { $0 >= count - targets },
            isText: false, place: "data.jsonl, line 7")
    }

    private static func set(_ documents: [TrainingDocument], block: Int = 8, share: Double = 0.1) throws -> TrainingSet
    {
        try TrainingSet(documents, block: block, heldShare: share, heldTokensMax: 1000, seed: 1, place: "data")
    }

    @Test func textIsJoinedAndCut() throws {
        let set = try Self.set([Self.text(0..<20), Self.text(20..<43)], share: 0)
        #expect(set.train.map(\.tokens) == (0..<5).map { start in (0..<8).map { Int32(start * 8 + $0) } })
        #expect(set.held.isEmpty)
    }

    @Test func splitsDecideWhatIsHeldOut() throws {
        let set = try Self.set([Self.text(0..<16, isHeld: true), Self.text(16..<32), Self.text(32..<48, isHeld: false)])
        #expect(set.held.flatMap(\.tokens) == Array(0..<16))
        #expect(set.train.flatMap(\.tokens) == Array(16..<48))
    }

    @Test func theHeldOutShareIsOfDocumentsOrElseFromTheEnd() throws {
        let documents = (0..<20).map { Self.text(Int32($0) * 8..<Int32($0 + 1) * 8) }
        let set = try Self.set(documents)
        #expect(set.held.count == 2)
        #expect(Set(set.held.flatMap(\.tokens)).isDisjoint(with: set.train.flatMap(\.tokens)))
        let one = try Self.set([Self.text(0..<160)])
        #expect(one.held.flatMap(\.tokens) == Array(144..<160))
    }

    @Test func conversationsStayWhole() throws {
        let set = try Self.set([Self.answer(5, targets: 2), Self.answer(8, targets: 1)], share: 0)
        #expect(set.train.map(\.targetCount) == [2, 1])
        #expect { _ = try Self.set([Self.answer(9, targets: 2)], share: 0) } throws: {
            ($0 as? LearningError)?.reason == .tooLong && "\($0)".contains("line 7")
        }
        #expect { _ = try Self.set([Self.answer(5, targets: 0)], share: 0) } throws: {
            ($0 as? LearningError)?.reason == .malformed
        }
    }

    @Test func tooLittleIsSaid() {
        #expect { _ = try Self.set([Self.text(0..<7)]) } throws: { ($0 as? LearningError)?.reason == .tooLittle }
        #expect { _ = try Self.set([Self.text(0..<1)], share: 0) } throws: {
            ($0 as? LearningError)?.reason == .tooLittle
        }
    }

    @Test func everyEpochIsAPermutationThatTheSeedDecides() {
        var (order, same, other) = (
            DataOrder(count: 50, seed: 7), DataOrder(count: 50, seed: 7), DataOrder(count: 50, seed: 8)
        )
        let first = (0..<150).map { order.index(at: $0) }
        #expect((0..<3).allSatisfy { Set(first[$0 * 50..<($0 + 1) * 50]).count == 50 })
        #expect(first[0..<50] != first[50..<100])
        #expect((0..<150).reversed().map { same.index(at: $0) } == first.reversed())
        #expect((0..<50).map { other.index(at: $0) } != Array(first[0..<50]))
    }

    @Test func whatIsNotTextIsRefused() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "data-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func reason(_ body: () throws -> Void) -> LearningError.Reason? {
            do { try body() } catch { return (error as? LearningError)?.reason }
            return nil
        }
        #expect(reason { _ = try DocumentReader.files("\(folder.path)/absent") } == .unreadable)
        #expect(reason { _ = try DocumentReader.files(folder.path) } == .tooLittle)
        #expect(reason { _ = try DocumentReader.utf8([65, 0, 66], "f") } == .malformed)
        #expect(reason { _ = try DocumentReader.utf8([65, 0xFF], "f") } == .malformed)
        #expect(reason { _ = try DocumentReader.isHeld("other", "f") } == .malformed)
        let lines = folder.appending(path: "lines.jsonl")
        for (line, wanted) in [
            ("", LearningError.Reason.tooLittle), ("{\"query\": \"a\"}", .malformed),
            ("{\"query\": \"a\", \"token\": \"two words\"}", .malformed), ("not JSON", .malformed),
        ] {
            try Data(line.utf8).write(to: lines)
            #expect(reason { _ = try FunctionalExamples(path: lines.path) } == wanted, "\(line)")
        }
        try Data(
            "{\"query\": \"a\", \"token\": \"<b>\"}\n\n{\"query\": \"c\", \"token\": \"<d>\", \"split\": \"held\"}".utf8
        )
        .write(to: lines)
        let examples = try FunctionalExamples(path: lines.path)
        #expect(examples.tokens == ["<b>", "<d>"])
        #expect(examples.examples.map(\.isHeld) == [nil, true])
    }
}
