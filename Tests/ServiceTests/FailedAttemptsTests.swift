import Testing

@testable import Service

struct FailedAttemptsTests {
    @Test func `twenty at once, then one each three seconds, by address`() {
        let failures = FailedAttempts()
        let start = ContinuousClock.now
        for _ in 0..<20 { #expect(failures.add(from: 1, at: start) == nil) }
        #expect(failures.add(from: 1, at: start) == .seconds(3))
        #expect(failures.add(from: 2, at: start) == nil)
        #expect(failures.add(from: 1, at: start + .seconds(2)) == .seconds(1))
        #expect(failures.add(from: 1, at: start + .seconds(3)) == nil)
        #expect(failures.add(from: 1, at: start + .seconds(3)) == .seconds(3))
        for _ in 0..<20 { #expect(failures.add(from: 1, at: start + .seconds(120)) == nil) }
    }

    @Test func `the limit is what it is said to be`() {
        var limit = Configuration.FailedAttempts()
        (limit.burst, limit.perMinute) = (2, 120)
        let failures = FailedAttempts(limit)
        let start = ContinuousClock.now
        for _ in 0..<2 { #expect(failures.add(from: 1, at: start) == nil) }
        #expect(failures.add(from: 1, at: start) == .milliseconds(500))
    }

    @Test func `beyond its limit an address has a thousand verifications a second`() {
        let failures = FailedAttempts()
        let start = ContinuousClock.now
        for _ in 0..<2000 { #expect(failures.addVerification(from: 1, at: start) == nil) }
        for _ in 0..<20 { _ = failures.add(from: 1, at: start) }
        for _ in 0..<1000 { #expect(failures.addVerification(from: 1, at: start) == nil) }
        #expect(failures.addVerification(from: 1, at: start) == .milliseconds(1))
        #expect(failures.addVerification(from: 2, at: start) == nil)
        #expect(failures.addVerification(from: 1, at: start + .milliseconds(1)) == nil)
        for _ in 0..<2000 { #expect(failures.addVerification(from: 1, at: start + .seconds(3)) == nil) }
    }

    @Test func `many addresses make it forget only those that failed before them`() {
        let failures = FailedAttempts()
        let start = ContinuousClock.now
        for _ in 0..<20 { _ = failures.add(from: 0, at: start) }
        for network in 1..<UInt64(FailedAttempts.capacity / 2) { _ = failures.add(from: network, at: start) }
        #expect(failures.add(from: 0, at: start) != nil)
        for network in 0..<UInt64(FailedAttempts.capacity) { _ = failures.add(from: network + 1 << 32, at: start) }
        #expect(failures.add(from: 0, at: start) == nil)
    }
}
