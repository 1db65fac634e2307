import Telemetry
import Testing

struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let parent = "00f067aa0ba902b7"

    @Test(arguments: [
        ("00-\(trace)-\(parent)-01", true), ("00-\(trace)-\(parent)-00", false),
        // Flags that are not known here.
        ("00-\(trace)-\(parent)-fe", false), ("00-\(trace)-\(parent)-03", true),
        // Later versions: what version 00 has.
        ("01-\(trace)-\(parent)-01", true), ("cc-\(trace)-\(parent)-01", true),
        ("cc-\(trace)-\(parent)-01-what-the-future-will-be-like", true), ("cc-\(trace)-\(parent)-01-", true),
    ])
    func `a traceparent is read, and what is known of it passed on`(_ field: String, _ isSampled: Bool) throws {
        let context = try #require(TraceContext(field))
        #expect(context.traceID == Self.trace)
        #expect(context.parentID == Self.parent)
        #expect(context.isSampled == isSampled)
        #expect(context.description == "00-\(Self.trace)-\(Self.parent)-\(isSampled ? "01" : "00")")
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-\(parent)", "00-\(trace)-\(parent)-", "00-\(trace)-\(parent)-1",
        "00-\(trace)-\(parent)-01-", "00-\(trace)-\(parent)-01-x", "00-\(trace)-\(parent)-01 ",
        "00-\(trace)-\(parent)-011",
        " 00-\(trace)-\(parent)-01", "ff-\(trace)-\(parent)-01", "cc-\(trace)-\(parent)-01.what",
        "0-\(trace)-\(parent)-01", "000-\(trace)-\(parent)-1", "0g-\(trace)-\(parent)-01",
        "00-00000000000000000000000000000000-\(parent)-01", "00-\(trace)-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-\(parent)-01", "00-\(trace)-00F067AA0BA902B7-01",
        "00-\(trace)-\(parent)-0A",
        "CC-\(trace)-\(parent)-01", "00_\(trace)_\(parent)_01", "00-\(trace)x\(parent)-01", "00-\(trace)-\(parent)x01",
        "00-\(trace.dropLast())-\(parent)-001", "00-\(trace)-\(parent.dropLast())\0-01",
        "00-\(trace)-\(parent)-0\u{0661}", "00-\(trace),\(parent)-01",
    ])
    func `what is not by the letter is none`(_ field: String) { #expect(TraceContext(field) == nil) }

    private struct Least: RandomNumberGenerator {
        mutating func next() -> UInt64 { 1 }
    }

    @Test func `a request that it causes is of the same trace, with an id of its own`() throws {
        let context = try #require(TraceContext("00-\(Self.trace)-\(Self.parent)-01"))
        var generator = SystemRandomNumberGenerator()
        let children = (0..<100).map { _ in context.child(using: &generator) }
        #expect(Set(children).count == 100)
        for child in children {
            #expect(child.traceID == Self.trace && child.parentID != Self.parent && child.isSampled)
            #expect(TraceContext(child.description) == child)
        }
        // The least that chance comes up with has all its digits too.
        var least = Least()
        #expect(context.child(using: &least).parentID == "0000000000000001")
    }
}
