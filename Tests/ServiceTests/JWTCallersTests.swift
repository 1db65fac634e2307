import HTTP
import Logging
import Signatures
import Sockets
import Support
import Synchronization
import Telemetry
import Testing
import TokenBroker

@testable import Service

/// JWTs as credentials: through ``Authentication``, where everybody meets them.
struct JWTCallersTests {
    /// A key set that a test changes; nil is a source that is down.
    private final class Source: KeySource {
        let pause = Duration.seconds(60)
        private let bytes: Mutex<[UInt8]?>

        init(_ bytes: [UInt8]?) { self.bytes = Mutex(bytes) }

        func answer(_ bytes: [UInt8]?) { self.bytes.withLock { $0 = bytes } }

        func read() throws(KeySourceFailure) -> KeyDocument {
            guard let bytes = bytes.withLock({ $0 }) else { throw KeySourceFailure(reason: "down") }
            return KeyDocument(bytes: bytes, period: .seconds(3600))
        }
    }

    /// A wall clock that a test sets.
    private final class TimeOfDay: Sendable {
        private let seconds = Mutex(JWTSigner.now)

        var now: Int { seconds.withLock { $0 } }

        func advance(by count: Int) { seconds.withLock { $0 += count } }
    }

    private enum Outcome: Equatable {
        case caller(String)
        case refused(Int, String?)
        /// To be asked again once the keys were read.
        case unread

        static let wrong = refused(401, "invalid_token")
        static let unavailable = refused(503, "temporarily_unavailable")
    }

    private let signer: JWTSigner
    private let clock = ManualClock()
    private let time = TimeOfDay()
    private let metrics = MetricsRegistry()
    private let source: Source
    private let keys: IssuerKeys
    private let authentication: Authentication

    init() throws {
        signer = try JWTSigner()
        source = Source(try signer.keySet(.rs256, .es256, .edDSA))
        keys = IssuerKeys(
            JWTIssuer(issuer: JWTSigner.issuer, keys: .file("x")), from: source, timekeeper: clock, metrics: metrics,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let caller = { (name: String, subject: CallerJWT.Subject) in
            Caller(
                name: name, jwt: CallerJWT(issuer: JWTSigner.issuer, subject: subject), grant: Grant(tenants: []),
                networks: [Network("127.0.0.0/8")].compactMap(\.self))
        }
        authentication = Authentication(
            [
                caller("reports", .exact(JWTSigner.subject)), caller("any", .prefix("system:serviceaccount:")),
                caller("batch", .prefix("system:serviceaccount:batch:")), caller("kay", .exact("Kay")),
                caller("kids", .prefix("Kids:")),
            ], issuers: [keys], metrics: metrics, now: { [clock] in clock.now }, timeOfDay: { [time] in time.now })
    }

    private func outcome(_ token: String, from peer: String = "127.0.0.1:1") throws -> Outcome {
        var request = Request(method: .get, target: Target(segments: []), peer: try #require(SocketAddress(peer)))
        request.fields.append("Authorization", "Bearer \(token)")
        do throws(ErrorResponse) {
            return .caller(try authentication.caller(of: request).name)
        } catch {
            #expect(error.remedy == nil || error.status == .serviceUnavailable)
            return error.remedy == nil ? .refused(error.status.code, error.code) : .unread
        }
    }

    private func count(_ reason: Refusal) -> Int {
        let prefix = "tokenwell_refusals_total{reason=\"\(reason.rawValue)\"} "
        let lines = String(decoding: metrics.exposition(), as: UTF8.self).split(separator: "\n")
        return lines.first { $0.hasPrefix(prefix) }.flatMap { Int($0.dropFirst(prefix.count)) } ?? -1
    }

    @Test(arguments: [PublicKey.Algorithm.rs256, .es256, .edDSA])
    func `a JWT proves its subject, and the nearest caller gets it`(_ algorithm: PublicKey.Algorithm) async throws {
        await keys.refresh()
        #expect(try outcome(try signer.jwt(algorithm)) == .caller("reports"))
        #expect(try outcome(try signer.jwt(algorithm, subject: JWTSigner.subject + "2")) == .caller("any"))
        let batch = "system:serviceaccount:batch:nightly"
        #expect(try outcome(try signer.jwt(algorithm, subject: batch)) == .caller("batch"))
        #expect(try outcome(try signer.jwt(algorithm, subject: "system:node:1")) == .wrong)
        #expect(count(.jwtSubject) == 1)
    }

    @Test func `a subject is compared byte for byte, whatever Unicode takes for the same`() async throws {
        await keys.refresh()
        #expect(try outcome(try signer.jwt(subject: "Kay")) == .caller("kay"))
        #expect(try outcome(try signer.jwt(subject: "\u{212A}ay")) == .wrong)
        #expect(try outcome(try signer.jwt(subject: "Kids:\u{301}a")) == .caller("kids"))
        #expect(try outcome(try signer.jwt(subject: "\u{212A}ids:a")) == .wrong)
    }

    @Test func `an issuer that withdraws all of its keys ends its JWTs`() async throws {
        await keys.refresh()
        let token = try signer.jwt()
        #expect(try outcome(token) == .caller("reports"))
        source.answer(Array(#"{"keys":[]}"#.utf8))
        clock.advance(by: .seconds(30))
        await keys.refresh()
        #expect(try outcome(token) == .wrong)
    }

    @Test func `what is wrong with a JWT is counted, and answered with one answer`() async throws {
        await keys.refresh()
        let header = #"{"alg":"ES256","kid":"ES256"}"#
        let claims = JWTSigner.claims()
        let forged = try JWTSigner().jwt()
        let (now, issuer) = (JWTSigner.now, JWTSigner.issuer)
        for (token, reason) in [
            (forged, .jwtSignature), ("a.b.c", .jwtMalformed), ("a.b", .jwtMalformed),
            (try signer.sign(#"{"alg":"none"}"#, claims), .jwtAlgorithm),
            (try signer.sign(#"{"alg":"HS256","kid":"ES256"}"#, claims), .jwtAlgorithm),
            (try signer.jwt(keyID: "RS256"), .jwtKey),
            (try signer.sign(header, claims.replacing(issuer, with: "https://other.example")), .jwtIssuer),
            (try signer.sign(header, claims.replacing("tokenwell", with: "vault")), .jwtAudience),
            (try signer.jwt(at: now - 3700), .jwtExpired), (try signer.jwt(at: now + 100), .jwtNotYetValid),
            (try signer.sign(header, claims.replacing("\(now + 3600)", with: "\(now + 100_000)")), .jwtLifetime),
            ("no-dot", .wrongCredentials),
        ] as [(String, Refusal)] {
            #expect(try outcome(token) == .wrong)
            #expect(count(reason) >= 1, "\(reason)")
        }
        #expect(try outcome(try signer.jwt(), from: "10.0.0.1:1") == .wrong)
        #expect(count(.network) == 1)
    }

    @Test func `an address that forges has its signatures rationed, and those that are known go on`() async throws {
        await keys.refresh()
        let (known, new) = (try signer.jwt(), try signer.jwt(.edDSA))
        #expect(try outcome(known) == .caller("reports"))
        let forged = try JWTSigner().jwt()
        let slowDown = Outcome.refused(429, "slow_down")
        for _ in 0..<20 { #expect(try outcome(forged) == .wrong) }
        for _ in 0..<900 { #expect(try outcome(forged) == slowDown) }
        #expect(try outcome(try signer.jwt(.rs256)) == .caller("reports"))
        for _ in 0..<200 { #expect(try outcome(forged) == slowDown) }
        #expect(count(.jwtSignature) == 20 && count(.tooManyFailures) == 1100)
        #expect(try outcome(new) == slowDown)
        #expect(try outcome(known) == .caller("reports"))
        #expect(try outcome(new, from: "127.0.0.2:1") == .caller("reports"))
        clock.advance(by: .milliseconds(1))
        #expect(try outcome(new) == .caller("reports"))
    }

    @Test func `it is verified once, and then known until it ends`() async throws {
        await keys.refresh()
        let token = try signer.jwt()
        #expect(try outcome(token) == .caller("reports"))
        // With other keys it would not be verified again: the same generation, the same answer.
        for _ in 0..<100 { #expect(try outcome(token) == .caller("reports")) }
        time.advance(by: 3629)
        #expect(try outcome(token) == .caller("reports"))
        time.advance(by: 1)
        #expect(try outcome(token) == .wrong)
        #expect(count(.jwtExpired) == 1)
    }

    @Test func `a key that is withdrawn ends its JWTs, known or not`() async throws {
        await keys.refresh()
        let (withdrawn, kept) = (try signer.jwt(.rs256), try signer.jwt(.es256))
        #expect(try outcome(withdrawn) == .caller("reports"))
        #expect(try outcome(kept) == .caller("reports"))
        source.answer(try signer.keySet(.es256))
        clock.advance(by: .seconds(30))
        await keys.refresh()
        #expect(try outcome(withdrawn) == .wrong)
        #expect(try outcome(kept) == .caller("reports"))
    }

    @Test func `an unknown key has the keys read once in 30 seconds, and only for claims that are right`() async throws
    {
        await keys.refresh()
        let next = try JWTSigner()
        let unknown = try next.jwt(keyID: "next")
        #expect(try outcome(unknown) == .wrong)
        clock.advance(by: .seconds(30))
        // Whether that is a caller's is told to nobody whose signature is not right.
        #expect(try outcome(try next.jwt(keyID: "next", subject: "nobody")) == .unread)
        #expect(try outcome(try next.jwt(keyID: "next", at: JWTSigner.now - 10_000)) == .wrong)
        #expect(try outcome(unknown) == .unread)
        source.answer(JWTSigner.set([#"{"kid":"next",\#(try next.key(.es256))}"#]))
        await keys.refresh()
        #expect(try outcome(unknown) == .caller("reports"))
        #expect(try outcome(try next.jwt(keyID: "unknown")) == .wrong)
        #expect(count(.jwtKey) == 2)
    }

    @Test func `without keys it is not known who is wrong`() async throws {
        source.answer(nil)
        #expect(try outcome(try signer.jwt()) == .unread)
        await keys.refresh()
        #expect(try outcome(try signer.jwt()) == .unavailable)
        #expect(try outcome(try signer.jwt(at: JWTSigner.now - 10_000)) == .wrong)
        #expect(count(.jwtKeysUnavailable) == 1)
    }

    @Test func `a request whose key is to be read is answered when it has been`() async throws {
        let authentication = authentication
        let routes = Routes(
            [
                Route(.get, "/") { request, _ throws(ErrorResponse) in
                    let caller = try authentication.caller(of: request)
                    return .ready(Response(.ok, type: "text/plain", body: Array(caller.name.utf8)))
                }
            ], metrics: metrics)
        var request = Request(method: .get, target: Target(segments: [""]))
        request.fields.append("Authorization", "Bearer \(try signer.jwt())")
        let first = await routes.reply(to: request).response
        #expect(String(decoding: first.body, as: UTF8.self) == "reports")
        guard case .ready = routes.reply(to: request) else {
            Issue.record("a known JWT waits")
            return
        }
        var other = Request(method: .get, target: Target(segments: [""]))
        other.fields.append("Authorization", "Bearer \(try JWTSigner().jwt(keyID: "other"))")
        clock.advance(by: .seconds(30))
        source.answer(nil)
        #expect(await routes.reply(to: other).response.status == .unauthorized)
    }
}
