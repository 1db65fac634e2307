import Support
import Testing

@testable import Sockets

struct DeadlinesTests {
    private let start = ContinuousClock.now

    @Test func `come out in order of time, whatever the order they went in`() {
        var deadlines = Deadlines<Int>()
        for milliseconds in [30, 10, 20, 0, 40] { deadlines.insert(after(milliseconds), for: milliseconds) }
        #expect(drain(&deadlines, by: after(100)) == [0, 10, 20, 30, 40])
    }

    @Test func `those that are not due stay`() {
        var deadlines = Deadlines<Int>()
        for milliseconds in [3, 1, 2] { deadlines.insert(after(milliseconds), for: milliseconds) }
        #expect(drain(&deadlines, by: after(0)) == [])
        #expect(drain(&deadlines, by: after(2)) == [1, 2])
        #expect(deadlines.next == after(3))
        #expect(deadlines.count == 1)
    }

    @Test func `owners that are gone are taken out, and the others stay in order`() {
        var deadlines = Deadlines<Int>()
        for milliseconds in [5, 3, 1, 4, 2, 0] { deadlines.insert(after(milliseconds), for: milliseconds) }
        deadlines.removeAll { $0 % 2 == 0 }
        #expect(drain(&deadlines, by: after(100)) == [1, 3, 5])
    }

    @Test func `equal instants are all kept`() {
        var deadlines = Deadlines<Int>()
        for owner in 0..<5 { deadlines.insert(start, for: owner) }
        #expect(drain(&deadlines, by: start).sorted() == [0, 1, 2, 3, 4])
        #expect(deadlines.next == nil)
    }

    @Test func `random ones come out as a sorted array has them`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = RandomNumbers(seed: seed)
        var deadlines = Deadlines<Int>()
        var expected: [Int] = []
        for _ in 0..<2000 {
            if Int.random(in: 0..<3, using: &random) > 0 {
                let milliseconds = Int.random(in: 0..<500, using: &random)
                deadlines.insert(after(milliseconds), for: milliseconds)
                expected.append(milliseconds)
            } else {
                let now = Int.random(in: 0..<500, using: &random)
                expected.sort()
                let due = Array(expected.prefix { $0 <= now })
                expected.removeFirst(due.count)
                #expect(drain(&deadlines, by: after(now)) == due, "seed \(seed)")
            }
            #expect(deadlines.count == expected.count, "seed \(seed)")
        }
    }

    private func after(_ milliseconds: Int) -> ContinuousClock.Instant {
        start.advanced(by: .milliseconds(milliseconds))
    }

    private func drain(_ deadlines: inout Deadlines<Int>, by now: ContinuousClock.Instant) -> [Int] {
        var owners: [Int] = []
        while let (_, owner) = deadlines.popDue(by: now) { owners.append(owner) }
        return owners
    }
}
