import Logging
import Signatures
import Support
import Synchronization
import Telemetry
import Testing

@testable import Service

struct IssuerKeysTests {
    /// A source that a test writes.
    private final class ScriptedSource: KeySource {
        private struct State {
            var answer: Result<KeyDocument, KeySourceFailure>
            var reads = 0
        }

        let pause = Duration.seconds(60)
        private let state: Mutex<State>
        /// Closed, it holds back who reads.
        let gate: Gate?

        init(_ bytes: [UInt8], gate: Gate? = nil) {
            state = Mutex(State(answer: .success(KeyDocument(bytes: bytes, period: .seconds(2880)))))
            self.gate = gate
        }

        var reads: Int { state.withLock { $0.reads } }

        func answer(_ bytes: [UInt8]) {
            state.withLock { $0.answer = .success(KeyDocument(bytes: bytes, period: .seconds(2880))) }
        }

        func fail(_ reason: String) { state.withLock { $0.answer = .failure(KeySourceFailure(reason: reason)) } }

        func read() async throws(KeySourceFailure) -> KeyDocument {
            let answer = state.withLock { state in
                state.reads += 1
                return state.answer
            }
            await gate?.wait()
            return try answer.get()
        }
    }

    private let clock = ManualClock()
    private let metrics = MetricsRegistry()
    private let lines = LineCollector()
    private let signer: JWTSigner

    init() throws { signer = try JWTSigner() }

    private func keys(_ source: ScriptedSource) -> IssuerKeys {
        let lines = lines
        let logger = Logger(label: "tokenwell") { label in
            LineLogHandler(JSONLogFormat(label: label), logLevel: .trace, sink: { lines.append($0) })
        }
        return IssuerKeys(
            JWTIssuer(issuer: JWTSigner.issuer, keys: .file("x")), from: source, timekeeper: clock, metrics: metrics,
            logger: logger)
    }

    private var page: String { String(decoding: metrics.exposition(), as: UTF8.self) }

    /// Runs a test while the keys keep themselves fresh.
    private func whileRunning(_ keys: IssuerKeys, _ test: () async throws -> Void) async throws {
        let running = Task { await keys.run() }
        await clock.sleepers(1)
        try await test()
        running.cancel()
        clock.advance(by: .seconds(1_000_000))
        await running.value
    }

    @Test func `they are read at once, and again ahead of the end of their lifetime`() async throws {
        let source = ScriptedSource(try signer.keySet(.es256))
        let keys = keys(source)
        #expect(keys.current.set == nil)
        try await whileRunning(keys) {
            #expect(keys.current.set != nil)
            let generation = keys.current.generation
            clock.advance(by: .seconds(2879))
            #expect(source.reads == 1)
            clock.advance(by: .seconds(1))
            await clock.sleepers(1)
            #expect(source.reads == 2)
            #expect(keys.current.generation == generation, "the same keys are no change")
            source.answer(try signer.keySet(.rs256))
            clock.advance(by: .seconds(2880))
            await clock.sleepers(1)
            #expect(keys.current.generation == generation + 1)
        }
        #expect(page.contains(#"tokenwell_jwks_refreshes_total{issuer="https://issuer.example",outcome="ok"} 3"#))
    }

    @Test func `an unknown key has them read, though not within 30 seconds of the last time`() async throws {
        let source = ScriptedSource(try signer.keySet(.es256))
        let keys = keys(source)
        await keys.refresh()
        for _ in 0..<100 { await keys.refresh() }
        #expect(source.reads == 1)
        #expect(!keys.mayChange)
        clock.advance(by: .seconds(30))
        #expect(keys.mayChange)
        await keys.refresh()
        await keys.refresh()
        #expect(source.reads == 2)
    }

    @Test func `those who ask while they are read wait for that`() async throws {
        let gate = Gate()
        let source = ScriptedSource(try signer.keySet(.es256), gate: gate)
        let keys = keys(source)
        await withTaskGroup { group in
            for _ in 0..<50 { group.addTask { await keys.refresh() } }
            await gate.visitor()
            #expect(keys.mayChange)
            gate.open()
        }
        #expect(source.reads == 1)
        #expect(keys.current.set != nil)
    }

    @Test(arguments: ["unreachable", "no set"])
    func `while the source fails those before stay for a day, and the log says so once`(_ how: String) async throws {
        let source = ScriptedSource(try signer.keySet(.es256))
        let keys = keys(source)
        let start = clock.now
        try await whileRunning(keys) {
            let generation = keys.current.generation
            if how == "no set" { source.answer([]) } else { source.fail("status 500") }
            clock.advance(by: .seconds(2880))
            await clock.sleepers(1)
            while clock.now < start + .seconds(86_400) {
                #expect(keys.current.set != nil)
                clock.advance(by: .seconds(60))
                await clock.sleepers(1)
            }
            #expect(keys.current.set == nil)
            #expect(keys.current.generation == generation + 1)
            source.answer(try signer.keySet(.es256))
            clock.advance(by: .seconds(60))
            await clock.sleepers(1)
            #expect(keys.current.set != nil)
        }
        let told = lines.text.split(separator: "\n").filter { $0.contains("can't read the keys") }
        #expect(told.count == 1)
        #expect(told.first?.contains(how == "no set" ? "is not a JSON Web Key Set" : "status 500") == true)
        #expect(page.contains(#"outcome="failed"} "#))
    }
}
