import Messaging
import Testing
import WorkerService

/// A trunk's end of a wire while experts move: who can be asked for what.
@Suite("Worker: a link to who holds experts")
struct ExpertLinkTests {
    private let context: ZeroMQContext
    /// Takes what the link sends.
    private let worker: Socket
    private let link: ExpertLink

    init() throws {
        context = try ZeroMQContext()
        worker = try Socket(context, .router)
        let address = "inproc://experts"
        _ = try worker.bind(Endpoint(address))
        link = try ExpertLink(
            ExpertHolder(worker: "w", incarnation: 1, data: DataEndpoint(address: address)), .none, context: context)
    }

    private func opening(_ experts: [UInt32]) -> OpenSet {
        OpenSet(
            set: 1, nonce: [UInt8](repeating: UInt8(experts.count), count: OpenSet.nonceBytes), worker: "w",
            incarnation: 1,
            trunkSHA256: "aa", numerics: "n",
            experts: experts.map { SetExpert(id: $0, expert: "m/0.\($0)", sha256: "bb") },
            groups: [])
    }

    private func answer(_ request: OpenSet) -> SetOpened {
        SetOpened(set: 1, nonce: request.nonce, worker: "w", incarnation: 1)
    }

    private func served(_ experts: Range<Int>) -> [Int] { experts.filter { link.serves($0, of: 1) } }

    @Test(
        "a set that is opened again with more is asked for what it had all the while, and for the rest from the answer on"
    )
    func more() {
        let (few, many) = (opening([0, 1]), opening([0, 1, 2, 3]))
        link.open(few)
        #expect(served(0..<4).isEmpty && link.isSettling)
        #expect(link.take(answer(few)) && served(0..<4) == [0, 1] && !link.isSettling)
        link.open(many)
        #expect(served(0..<4) == [0, 1] && link.isSettling)
        #expect(!link.take(answer(few)), "an answer to an earlier question")
        #expect(link.take(answer(many)) && served(0..<4) == [0, 1, 2, 3])
    }

    @Test("opened again with less, it is not asked for the rest from that moment on; closed, for nothing")
    func less() {
        let (many, few) = (opening([0, 1, 2, 3]), opening([2]))
        link.open(many)
        #expect(link.take(answer(many)))
        link.open(few)
        #expect(served(0..<4) == [2])
        #expect(link.take(answer(few)) && served(0..<4) == [2])
        link.close(1)
        #expect(served(0..<4).isEmpty)
    }
}
