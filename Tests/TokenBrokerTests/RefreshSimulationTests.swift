import Support
import Testing

@testable import TokenBroker

/// One key, ten reads a second, every mint instant and successful: the arithmetic by which refresh rules are compared.
///
/// A fixed margin of 5 minutes (MSAL Python, the OpenTelemetry Collector) or 15 (botocore, Nango) mints at every read of a
/// token of 300 s: openfga/java-sdk#309 and #388, NangoHQ/nango#748.
struct RefreshSimulationTests {
    struct Life: Sendable, CustomTestStringConvertible {
        var lifetime: Duration
        var simulated: Duration
        var mints: ClosedRange<Int>
        /// The least that any read may have left.
        var margin: Duration
        var mintBudget = MintBudget.Limits.standard
        var testDescription: String { "\(lifetime)" }
    }

    /// Between a fresh start and the end lie `simulated / 0.88 L` to `simulated / 0.80 L` refreshes.
    @Test(arguments: [
        Life(
            lifetime: .seconds(60), simulated: .seconds(3600), mints: 69...75, margin: .seconds(6),
            mintBudget: .init(burst: 10, perHour: 80)),
        Life(lifetime: .seconds(300), simulated: .seconds(3600), mints: 14...15, margin: .seconds(30)),
        Life(lifetime: .seconds(600), simulated: .seconds(3600), mints: 7...8, margin: .seconds(30)),
        Life(lifetime: .seconds(3600), simulated: .seconds(4 * 3600), mints: 5...5, margin: .seconds(30)),
        Life(lifetime: .seconds(86_400), simulated: .seconds(10 * 86_400), mints: 12...13, margin: .seconds(30)),
        Life(lifetime: .seconds(8_640_000), simulated: .seconds(3 * 8_640_000), mints: 4...4, margin: .seconds(30)),
    ])
    func `few mints, nobody waits after the first, and nobody gets a token under its margin`(_ life: Life) throws {
        let draws = Draws(seed: 4)
        let rehearsal = Rehearsal([.example(mintBudget: life.mintBudget)], random: draws.next)
        rehearsal.upstream.usually(.token(lifetime: life.lifetime))
        let end = rehearsal.clock.now + life.simulated
        var handOut = try #require(rehearsal.ask().value)
        var least = handOut.remaining
        while rehearsal.clock.now < end {
            rehearsal.advance(by: Self.pause(before: handOut, of: life.lifetime))
            handOut = try #require(rehearsal.read())
            least = min(least, handOut.remaining)
        }
        #expect(life.mints.contains(rehearsal.upstream.mints.count))
        #expect(least >= life.margin)
        #expect(draws.count == rehearsal.upstream.mints.count)
    }

    /// A tenth of a second. Of lives longer than an hour a hundredth part, but near the refresh point: in between a read
    /// changes nothing.
    private static func pause(before handOut: HandOut, of lifetime: Duration) -> Duration {
        let tick = Duration.milliseconds(100)
        guard lifetime > .seconds(3600) else { return tick }
        return max(tick, min(lifetime / 100, handOut.refreshIn - .seconds(1)))
    }

    @Test func `a thousand tokens minted together are not refreshed together`() {
        let names = (0..<1000).map { "t\($0)" }
        let draws = Draws(seed: 8)
        let rehearsal = Rehearsal(names.map { .example($0) }, random: draws.next)
        let start = rehearsal.clock.now
        for name in names { rehearsal.ask(name) }
        rehearsal.advance(by: .seconds(270))
        let refreshes = rehearsal.upstream.mints.dropFirst(1000)
        #expect(refreshes.count == 1000)
        let perSecond = Dictionary(grouping: refreshes) { ($0.deadline - start).components.seconds }.mapValues(\.count)
        // Over the 24 seconds that are 8 % of 300: 42 a second on average.
        #expect(perSecond.count >= 24)
        #expect((perSecond.values.max() ?? 0) <= 65)
    }

    @Test func `ten thousand cold tenants are warmed at fifty a second, and callers do not queue`() {
        let names = (0..<10_000).map { "t\($0)" }
        let rehearsal = Rehearsal(names.map { .example($0, keepWarm: true) })
        rehearsal.upstream.usually(.token(lifetime: .seconds(86_400)))
        rehearsal.start()
        #expect(rehearsal.upstream.mints.count == 1)
        #expect(rehearsal.ask("t9999").value != nil)
        for second in 1...10 {
            rehearsal.advance(by: .seconds(1))
            #expect(rehearsal.upstream.mints.count == 2 + 50 * second)
        }
    }

    @Test func `all of them are warmed, each once`() {
        let names = (0..<101).map { "t\($0)" }
        let rehearsal = Rehearsal(names.map { .example($0, keepWarm: true) })
        rehearsal.start()
        rehearsal.advance(by: .seconds(2))
        #expect(rehearsal.upstream.mints.map(\.tenant) == names.sorted())
    }
}
