import Dispatch
import Support
import Synchronization
import Testing

@testable import Sockets

struct HostLookupsTests {
    /// A resolver that answers names when the test lets it, and counts how often it was asked for each.
    private final class Resolver: Sendable {
        private let asked = Mutex<[String: Int]>([:])
        private let release = DispatchSemaphore(value: 0)

        /// Names that begin with `dead` hang.
        @Sendable func lookUp(_ host: String) -> HostLookups.Outcome {
            asked.withLock { $0[host, default: 0] += 1 }
            if host.hasPrefix("dead") { release.wait() }
            return .success([.loopback(port: 7)])
        }

        /// Lets so many of those that hang go on.
        func free(_ count: Int = 1) { for _ in 0..<count { release.signal() } }

        func count(of host: String) -> Int { asked.withLock { $0[host] ?? 0 } }
    }

    private let resolver = Resolver()

    @Test func `all who ask for a name at once share one lookup`() async throws {
        let lookups = HostLookups(maximum: 1, lookUp: resolver.lookUp)
        let outcomes = try (0..<200).map { _ in try ask(lookups, "dead") }
        try await wait { lookups.waiterCount(for: "dead") == 200 }
        resolver.free()
        for outcome in outcomes { #expect(try await outcome.value.get().map(\.port) == [7]) }
        #expect(resolver.count(of: "dead") == 1)
        #expect(lookups.waiterCount(for: "dead") == 0)
    }

    @Test func `a name that hangs, however many ask for it, leaves room for others`() async throws {
        let lookups = HostLookups(maximum: 2, lookUp: resolver.lookUp)
        let hanging = try (0..<100).map { _ in try ask(lookups, "dead") }
        try await wait { lookups.waiterCount(for: "dead") == 100 }
        #expect(try await ask(lookups, "alive").value.get().count == 1)
        resolver.free()
        for outcome in hanging { _ = await outcome.value }
    }

    @Test func `names beyond the bound fail at once, until one of the others ends`() async throws {
        let lookups = HostLookups(maximum: 2, lookUp: resolver.lookUp)
        let hanging = try [ask(lookups, "dead-1"), ask(lookups, "dead-2")]
        try await wait { lookups.waiterCount(for: "dead-1") + lookups.waiterCount(for: "dead-2") == 2 }
        await #expect(throws: SocketError.unknownHost("the resolver is busy")) {
            _ = try await ask(lookups, "alive").value.get()
        }
        resolver.free(2)
        for outcome in hanging { _ = await outcome.value }
        #expect(try await ask(lookups, "alive").value.get().count == 1)
    }

    @Test func `who waits has its own deadline, and the lookup goes on for others`() async throws {
        let lookups = HostLookups(maximum: 1, lookUp: resolver.lookUp)
        let patient = try ask(lookups, "dead")
        await #expect(throws: SocketError.timedOut) { _ = try await ask(lookups, "dead", by: .soon).value.get() }
        #expect(lookups.waiterCount(for: "dead") == 1)
        resolver.free()
        #expect(try await patient.value.get().count == 1)
        #expect(resolver.count(of: "dead") == 1)
    }

    @Test func `an outcome is not kept: the next who asks has the name looked up again`() async throws {
        let lookups = HostLookups(maximum: 1, lookUp: resolver.lookUp)
        for count in 1...3 {
            _ = try await ask(lookups, "alive").value.get()
            #expect(resolver.count(of: "alive") == count)
        }
    }

    /// On the loop that goes on with it, in the order of the calls.
    private func ask(
        _ lookups: HostLookups, _ host: String, by deadline: ContinuousClock.Instant = .generous
    ) throws -> Task<HostLookups.Outcome, Never> {
        let loop = try TestLoops.group.loops[0]
        return Task(executorPreference: loop) { await lookups.addresses(of: host, on: loop, by: deadline) }
    }

    private func wait(until condition: () -> Bool) async throws {
        let deadline = ContinuousClock.Instant.generous
        while !condition() {
            try #require(ContinuousClock.now < deadline)
            await Task.yield()
        }
    }
}
