import Testing

@testable import TokenBroker

struct BackoffTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var failures: Int
        var retryAfter: Duration?
        var draw: Double
        var delay: Duration
        var testDescription: String { name }
    }

    @Test(arguments: [
        Case(name: "first, half", failures: 1, draw: 0.5, delay: .milliseconds(500)),
        Case(name: "second", failures: 2, draw: 0.5, delay: .seconds(1)),
        Case(name: "sixth", failures: 6, draw: 0.5, delay: .seconds(16)),
        Case(name: "seventh, at the ceiling", failures: 7, draw: 0.5, delay: .seconds(30)),
        Case(name: "after years", failures: .max, draw: 0.5, delay: .seconds(30)),
        Case(name: "the lowest draw", failures: 9, draw: 0, delay: .milliseconds(100)),
        Case(name: "asked for", failures: 1, retryAfter: .seconds(17), draw: 0.5, delay: .seconds(17)),
        Case(name: "asked for at once", failures: 2, retryAfter: .zero, draw: 0.5, delay: .seconds(1)),
        Case(name: "asked for the past", failures: 2, retryAfter: .seconds(-9), draw: 0.5, delay: .seconds(1)),
        Case(
            name: "asked for an instant", failures: 1, retryAfter: .nanoseconds(1), draw: 0.5, delay: .milliseconds(100)
        ),
        Case(name: "asked for an hour", failures: 1, retryAfter: .seconds(3600), draw: 0, delay: .seconds(3600)),
        Case(name: "asked for for ever", failures: 1, retryAfter: .seconds(Int64.max), draw: 0, delay: .seconds(3600)),
    ])
    func `the delay is`(_ example: Case) {
        #expect(
            Backoff.delay(failures: example.failures, retryAfter: example.retryAfter, draw: example.draw)
                == example.delay)
    }
}
