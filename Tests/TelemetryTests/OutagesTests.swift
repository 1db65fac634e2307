import Telemetry
import Testing

struct OutagesTests {
    private let start = ContinuousClock.now
    private var outages = Outages<String>()

    private mutating func fail(_ seconds: Int, _ cause: String = "http_503", of subject: String = "acme") -> Outages<
        String
    >.News? {
        outages.fail(subject, cause: cause, at: start + .seconds(seconds))
    }

    private mutating func succeed(_ seconds: Int, of subject: String = "acme") -> Outages<String>.News? {
        outages.succeed(subject, at: start + .seconds(seconds))
    }

    @Test mutating func `the first is told at once, the others at growing intervals, the end once`() {
        var told: [Int: Outages<String>.News] = [:]
        for second in stride(from: 0, through: 36_000, by: 3) { told[second] = fail(second) }
        let moments = [0, 60, 180, 420, 900, 1860, 3780, 7380, 10_980, 14_580, 18_180, 21_780, 25_380, 28_980, 32_580]
        #expect(told.keys.sorted() == moments)
        #expect(told[0] == .began)
        for moment in moments.dropFirst() {
            #expect(told[moment] == .goesOn(failures: moment / 3 + 1, lasted: .seconds(moment)))
        }
        #expect(succeed(36_001) == .ended(failures: 12_001, lasted: .seconds(36_001)))
        #expect(succeed(36_002) == nil)
        #expect(fail(36_003) == .began)
    }

    @Test mutating func `what has not failed has not ended`() {
        #expect(succeed(0) == nil)
    }

    @Test mutating func `one that is seldom tells each time that is due`() {
        #expect(fail(0) == .began)
        #expect(fail(50) == nil)
        #expect(fail(3000) == .goesOn(failures: 3, lasted: .seconds(3000)))
        #expect(fail(3119) == nil)
        #expect(fail(3120) == .goesOn(failures: 5, lasted: .seconds(3120)))
    }

    @Test mutating func `a new cause is told at once, but not whenever causes alternate, nor without end`() {
        #expect(fail(0, "http_503") == .began)
        #expect(fail(1, "timeout") == .began)
        for second in 2..<60 { #expect(fail(second, second.isMultiple(of: 2) ? "http_503" : "timeout") == nil) }
        #expect(fail(60) == .goesOn(failures: 61, lasted: .seconds(60)))
        for number in 3...8 { #expect(fail(61, "cause \(number)") == .began) }
        for number in 9...100 { #expect(fail(62, "cause \(number)") == nil) }
    }

    @Test mutating func `subjects are apart, and the one that failed longest ago is forgotten first`() {
        outages = Outages(maximumSubjects: 2)
        #expect(fail(0, of: "a") == .began)
        #expect(fail(1, of: "b") == .began)
        #expect(fail(2, of: "a") == nil)
        #expect(fail(3, of: "c") == .began)
        #expect(succeed(4, of: "b") == nil)
        #expect(succeed(4, of: "a") == .ended(failures: 2, lasted: .seconds(4)))
    }
}
