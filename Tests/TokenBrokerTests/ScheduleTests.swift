import Testing

@testable import TokenBroker

struct ScheduleTests {
    private static let sent = ContinuousClock.now

    struct Moment: Sendable, CustomTestStringConvertible {
        var name: String
        var lifetime: Duration
        var draw = 0.0
        var age: Duration
        var freshness: Schedule.Freshness
        var testDescription: String { name }
    }

    @Test(arguments: [
        Moment(name: "300 s, new", lifetime: .seconds(300), age: .zero, freshness: .fresh),
        Moment(name: "300 s, before R", lifetime: .seconds(300), age: .nanoseconds(239_999_999_999), freshness: .fresh),
        Moment(name: "300 s, at R", lifetime: .seconds(300), age: .seconds(240), freshness: .aging),
        Moment(
            name: "300 s, before the late R", lifetime: .seconds(300), draw: 1, age: .seconds(263), freshness: .fresh),
        Moment(name: "300 s, at the late R", lifetime: .seconds(300), draw: 1, age: .seconds(264), freshness: .aging),
        Moment(name: "300 s, between", lifetime: .seconds(300), draw: 0.5, age: .seconds(252), freshness: .aging),
        Moment(name: "300 s, at the margin", lifetime: .seconds(300), age: .seconds(270), freshness: .aging),
        Moment(
            name: "300 s, below the margin", lifetime: .seconds(300), age: .nanoseconds(270_000_000_001),
            freshness: .expired),
        Moment(name: "100 s, at the margin of a tenth", lifetime: .seconds(100), age: .seconds(90), freshness: .aging),
        Moment(name: "100 s, below it", lifetime: .seconds(100), age: .milliseconds(90_001), freshness: .expired),
        Moment(name: "1 h, at the margin of 30 s", lifetime: .seconds(3600), age: .seconds(3570), freshness: .aging),
        Moment(name: "1 h, below it", lifetime: .seconds(3600), age: .milliseconds(3_570_001), freshness: .expired),
    ])
    func `freshness follows from the age`(_ moment: Moment) {
        let schedule = Schedule(sent: Self.sent, lifetime: moment.lifetime, draw: moment.draw)
        #expect(schedule.freshness(at: Self.sent + moment.age) == moment.freshness)
        #expect(schedule.isUsable(at: Self.sent + moment.age) == (moment.freshness != .expired))
    }

    @Test func `no lifetime is longer than 100 days or shorter than nothing`() {
        let days = Duration.seconds(8_640_000)
        #expect(Schedule(sent: Self.sent, lifetime: days, draw: 0).lifetime == days)
        #expect(Schedule(sent: Self.sent, lifetime: days + .nanoseconds(1), draw: 0).lifetime == days)
        #expect(Schedule(sent: Self.sent, lifetime: .seconds(Int64.max), draw: 0.99).lifetime == days)
        #expect(Schedule(sent: Self.sent, lifetime: .seconds(Int64.min), draw: 0).lifetime == .zero)
    }

    @Test func `what is left is never negative`() {
        let schedule = Schedule(sent: Self.sent, lifetime: .seconds(10), draw: 0)
        #expect(schedule.remaining(at: Self.sent + .seconds(4)) == .seconds(6))
        #expect(schedule.remaining(at: Self.sent + .seconds(11)) == .zero)
    }

    @Test func `the longest promise holds at the latest refresh point`() {
        let schedule = Schedule(sent: Self.sent, lifetime: .seconds(300), draw: 1)
        #expect(schedule.longestPromise == .seconds(36))
        #expect(schedule.remaining(at: schedule.refreshPoint) == schedule.longestPromise)
    }

    struct Repeat: Sendable, CustomTestStringConvertible {
        var name: String
        var lifetime: Duration
        var expiry: Duration
        var testDescription: String { name }
    }

    @Test(arguments: [
        Repeat(name: "the rest, told truly", lifetime: .seconds(60), expiry: .seconds(300)),
        Repeat(name: "less than was known", lifetime: .seconds(20), expiry: .seconds(260)),
        Repeat(name: "the whole lifetime again", lifetime: .seconds(300), expiry: .seconds(300)),
    ])
    func `a repeated token ends at the earlier of its ends and is no longer fresh`(_ example: Repeat) {
        let first = Schedule(sent: Self.sent, lifetime: .seconds(300), draw: 1)
        let again = first.repeated(sent: Self.sent + .seconds(240), lifetime: example.lifetime)
        #expect(again.expiry == Self.sent + example.expiry)
        #expect(again.lastUse == Self.sent + example.expiry - .seconds(30))
        #expect(again.refreshPoint == Self.sent + .seconds(240))
    }
}
