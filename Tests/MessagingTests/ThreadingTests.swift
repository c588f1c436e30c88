import Foundation
import Synchronization
import Testing
import Threading

extension BlockingTests {
    @Suite struct ThreadingTests {
        @Test func threadsAreNamedAndJoined() throws {
            let name = Mutex("")
            let thread = try NamedThread(name: "a-name-that-is-too-long") {
                usleep(20_000)
                let read = (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? ""
                name.withLock { $0 = read.trimmingCharacters(in: .whitespacesAndNewlines) }
            }
            thread.join()
            thread.join()
            #expect(name.withLock { $0 } == "a-name-that-is-")
        }

        @Test func mailboxesRefuseBeyondTheirBound() throws {
            let wake = try Wake()
            let mailbox = Mailbox<Int>(capacity: 3, wake: wake)
            #expect((0..<5).map { mailbox.push($0) } == [true, true, true, false, false])
            #expect(wake.clear())
            #expect(mailbox.drain() == [0, 1, 2])
            #expect(mailbox.drain() == [])
            #expect(mailbox.push(9))
            mailbox.close()
            #expect(!mailbox.push(10))
            #expect(mailbox.drain() == [9])
        }

        @Test func nothingPostedFromManyThreadsIsLostOrReordered() throws {
            let wake = try Wake()
            let mailbox = Mailbox<(Int, Int)>(capacity: 1 << 20, wake: wake)
            let threads = try (0..<4).map { thread in
                try NamedThread(name: "poster") { for index in 0..<5000 { _ = mailbox.push((thread, index)) } }
            }
            var last = [-1, -1, -1, -1]
            var count = 0
            while count < 20_000 {
                try #require(wake.wait(milliseconds: 2000))
                for (thread, index) in mailbox.drain() {
                    #expect(index == last[thread] + 1)
                    last[thread] = index
                    count += 1
                }
            }
            threads.forEach { $0.join() }
        }

        @Test func wakesWaitAndCount() throws {
            let wake = try Wake()
            #expect(!wake.wait(milliseconds: 5))
            wake.signal()
            wake.signal()
            #expect(wake.wait(milliseconds: 5))
            #expect(!wake.clear())
            let start = MonotonicClock.nowMicroseconds
            let thread = try NamedThread(name: "waker") {
                usleep(30_000)
                wake.signal()
            }
            #expect(wake.wait(milliseconds: 2000))
            #expect((20_000...1_000_000).contains(MonotonicClock.nowMicroseconds - start))
            thread.join()
        }

        /// On a thread of its own, so that the blocked mask does not spread over the other tests.
        @Test func signalsBecomeCalls() throws {
            let seen = Mutex<[Int32]>([])
            let thread = try NamedThread(name: "main-like") {
                guard let got = try? Wake() else { return }
                let watch = try? SignalWatch([SIGUSR1, SIGTERM]) { signal in
                    seen.withLock { $0.append(signal) }
                    got.signal()
                }
                for signal in [SIGUSR1, SIGTERM, SIGUSR1] {
                    watch?.raise(signal)
                    _ = got.wait(milliseconds: 2000)
                }
            }
            thread.join()
            #expect(seen.withLock { $0 } == [SIGUSR1, SIGTERM, SIGUSR1])
        }
    }
}
