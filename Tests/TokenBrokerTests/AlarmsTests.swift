import Support
import Synchronization
import Testing

@testable import TokenBroker

struct AlarmsTests {
    private let clock = ManualClock()
    private let executor = ManualExecutor()
    private let rung = Rung()

    /// What rang, in order.
    private final class Rung: Sendable {
        let numbers = Mutex<[Int]>([])
        func note(_ number: Int) { numbers.withLock { $0.append(number) } }
        var all: [Int] { numbers.withLock { $0 } }
    }

    private func advance(by duration: Duration) {
        executor.drain()
        clock.advance(by: duration)
        executor.drain()
    }

    @Test func `each rings at its time and not before, in whatever order they were set`() {
        let alarms = Alarms(clock, on: executor)
        let start = clock.now
        for number in [5, 3, 9, 1, 7, 2, 8, 6, 4] {
            alarms.set(for: start + .seconds(number)) { [rung] in rung.note(number) }
        }
        for second in 1...9 {
            advance(by: .milliseconds(999))
            #expect(rung.all == Array(1..<second))
            advance(by: .milliseconds(1))
            #expect(rung.all == Array(1...second))
        }
        #expect(clock.nextDeadline == nil, "nobody sleeps without reason")
    }

    @Test func `one that is set while others ring comes after them`() {
        let alarms = Alarms(clock, on: executor)
        let start = clock.now
        alarms.set(for: start) { [rung] in
            rung.note(1)
            alarms.set(for: start) { rung.note(3) }
        }
        alarms.set(for: start) { [rung] in rung.note(2) }
        executor.drain()
        #expect(rung.all == [1, 2, 3])
    }

    @Test func `a thousand of them have one sleeper`() async {
        let alarms = Alarms(clock, on: executor)
        let start = clock.now
        for number in 1...1000 { alarms.set(for: start + .seconds(number)) { [rung] in rung.note(number) } }
        executor.drain()
        #expect(clock.nextDeadline == start + .seconds(1))
        advance(by: .seconds(1))
        #expect(clock.nextDeadline == start + .seconds(2))
        advance(by: .seconds(999))
        #expect(rung.all == Array(1...1000))
    }

    @Test func `one that is far away is waited for in steps, so that who is gone is not held for long`() {
        let alarms = Alarms(clock, on: executor)
        alarms.set(for: clock.now + .seconds(8_640_000)) { [rung] in rung.note(1) }
        executor.drain()
        #expect(clock.nextDeadline == clock.now + .seconds(3600))
        advance(by: .seconds(3600))
        #expect(clock.nextDeadline == clock.now + .seconds(3600))
        #expect(rung.all.isEmpty)
    }

    @Test func `who was woken for an early one does not sleep on beside the one for those that are later`() {
        let alarms = Alarms(clock, on: executor)
        let far = clock.now + .seconds(36_000)
        alarms.set(for: far) { [rung] in rung.note(0) }
        for number in 1...100 {
            alarms.set(for: clock.now + .seconds(1)) { [rung] in rung.note(number) }
            advance(by: .seconds(1))
            #expect(rung.all.last == number)
            #expect(clock.sleeperCount == 1)
        }
        // Two that sleep, of which the second to wake is the one that goes on.
        for seconds in [20, 10, 30] { alarms.set(for: clock.now + .seconds(seconds)) { [rung] in rung.note(seconds) } }
        for (count, seconds) in [(2, [10]), (2, [10, 20]), (1, [10, 20, 30])] {
            advance(by: .seconds(10))
            #expect(rung.all.dropFirst(100) == seconds[...])
            #expect(clock.sleeperCount == count)
        }
        while clock.now < far { advance(by: .seconds(3600)) }
        #expect(rung.all.last == 0 && clock.sleeperCount == 0)
    }
}
