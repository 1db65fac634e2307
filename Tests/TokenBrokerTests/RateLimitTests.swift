import Testing
import TokenBroker

struct RateLimitTests {
    @Test func `the burst at once, then so many a second, and no more than the burst is saved up`() {
        let limit = RateLimit(perSecond: 4, burst: 3)
        let start = ContinuousClock.now
        for _ in 0..<3 { #expect(limit.take(at: start) == nil) }
        #expect(limit.take(at: start) == .milliseconds(250))
        #expect(limit.take(at: start + .milliseconds(250)) == nil)
        #expect(limit.take(at: start + .milliseconds(300)) == .milliseconds(200))
        for _ in 0..<3 { #expect(limit.take(at: start + .seconds(60)) == nil) }
        #expect(limit.take(at: start + .seconds(60)) == .milliseconds(250))
    }

    @Test func `a caller's limit is part of what it is`() {
        let limited = CallerIdentity(name: "a", rateLimit: RateLimit(perSecond: 1, burst: 2))
        #expect(limited == CallerIdentity(name: "a", rateLimit: RateLimit(perSecond: 1, burst: 2)))
        #expect(limited != CallerIdentity(name: "a", rateLimit: RateLimit(perSecond: 2, burst: 2)))
        #expect(limited != CallerIdentity(name: "a"))
    }
}
