import Support
import Telemetry
import Testing

@testable import TokenBroker

/// What the log is told of mints.
struct MintLogTests {
    /// The lines with that message.
    private func lines(_ message: String, _ rehearsal: Rehearsal) -> [String] {
        rehearsal.log.all.filter { $0.contains(#""message":"\#(message)""#) }
    }

    @Test func `an outage of an hour is some lines, whoever asks meanwhile`() {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        rehearsal.upstream.usually(.failure(.unavailable("http_503")))
        for _ in 0..<1800 {
            rehearsal.advance(by: .seconds(2))
            rehearsal.ask()
        }
        #expect(rehearsal.upstream.mints.count > 60)
        #expect(lines("mint failed", rehearsal).count == 1)
        #expect((3...7).contains(lines("mints still fail", rehearsal).count))
        let last = lines("mints still fail", rehearsal).last ?? ""
        for member in [#""tenant":"acme""#, #""failure":"unavailable""#, #""cause":"http_503""#, #""cure":"back-off""#]
        {
            #expect(last.contains(member))
        }
        rehearsal.upstream.usually(.token(lifetime: .seconds(300)))
        for _ in 0..<60 {
            rehearsal.advance(by: .seconds(2))
            rehearsal.ask()
        }
        let failed = rehearsal.upstream.mints.count - lines("token minted", rehearsal).count
        #expect(lines("mints succeed again", rehearsal).count == 1)
        #expect(lines("mints succeed again", rehearsal)[0].contains(#""failures":"\#(failed)""#))
    }

    @Test func `a set of scopes that is refused does not end what another's success ends`() {
        let rehearsal = Rehearsal()
        for _ in 0..<3 {
            rehearsal.upstream.script(.failure(.unavailable("http_503")))
            rehearsal.ask(scopes: .of("read"))
            rehearsal.ask(scopes: .of("write"))
            rehearsal.revoke(rehearsal.ask(scopes: .of("write")).token ?? "")
            rehearsal.advance(by: .seconds(10))
        }
        #expect(lines("mint failed", rehearsal).count == 1)
        #expect(lines("mints succeed again", rehearsal).isEmpty)
    }

    @Test func `a revocation that fails again and again is told of once, and its end with how often`() {
        let rehearsal = Rehearsal([.example(revocationURL: "https://auth.example/revoke")])
        let token = rehearsal.ask().token ?? ""
        rehearsal.upstream.failRevocations(.timeout, .timeout, .timeout)
        rehearsal.revoke(token)
        rehearsal.advance(by: .seconds(30))
        #expect(rehearsal.upstream.revocations.count == 4)
        #expect(lines("revocation failed", rehearsal).count == 1)
        #expect(lines("token revoked", rehearsal).count == 1)
        #expect(lines("token revoked", rehearsal)[0].contains(#""failures":"3""#))
    }

    @Test func `a mint is its request's, and a refresh ahead nobody's`() {
        let rehearsal = Rehearsal()
        _ = RequestContext.$current.withValue(RequestContext(id: "request-1", trace: nil)) { rehearsal.ask() }
        rehearsal.advance(by: .seconds(280))
        let minted = lines("token minted", rehearsal)
        #expect(minted.count == 2)
        #expect(minted.map { $0.contains(#""request_id":"request-1""#) } == [true, false])
    }

    @Test func `a mint that another's has to wait for is still its own request's`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(.hang)
        for (id, scopes) in [("request-1", "read"), ("request-2", "write")] {
            _ = RequestContext.$current.withValue(RequestContext(id: id, trace: nil)) {
                rehearsal.ask(scopes: .of(scopes))
            }
        }
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        let minted = lines("token minted", rehearsal)
        #expect(minted.count == 2)
        #expect(zip(minted, ["request-1", "request-2"]).allSatisfy { $0.contains(#""request_id":"\#($1)""#) })
    }
}
