import Testing

@testable import TokenBroker

struct AllowanceTests {
    private let start = ContinuousClock.now

    @Test func `a burst is there at once, and then one each interval`() {
        var allowance = Allowance(burst: 3, interval: .seconds(6))
        for _ in 0..<3 { #expect(allowance.take(at: start) == nil) }
        #expect(allowance.take(at: start) == .seconds(6))
        #expect(allowance.take(at: start + .nanoseconds(5_999_999_999)) == .nanoseconds(1))
        #expect(allowance.take(at: start + .seconds(6)) == nil)
        #expect(allowance.take(at: start + .seconds(6)) == .seconds(6))
    }

    @Test func `it fills up to the burst and no further`() {
        var allowance = Allowance(burst: 2, interval: .seconds(6))
        #expect(allowance.take(at: start) == nil)
        let later = start + .seconds(3600)
        for _ in 0..<2 { #expect(allowance.take(at: later) == nil) }
        #expect(allowance.take(at: later) == .seconds(6))
    }

    @Test(arguments: [(1, 1, 60), (2, 1, 30), (10, 5, 6), (60, 30, 1)])
    func `a caller has half of what it may report in a minute at once`(_ perMinute: Int, _ burst: Int, _ seconds: Int) {
        let caller = CallerIdentity(name: "payroll", rejectionsPerMinute: perMinute)
        for _ in 0..<burst { #expect(caller.takeRejection(at: start) == nil) }
        #expect(caller.takeRejection(at: start) == .seconds(seconds))
    }
}
