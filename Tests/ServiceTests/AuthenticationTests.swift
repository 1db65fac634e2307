import Foundation
import HTTP
import Sockets
import Synchronization
import Telemetry
import Testing
import TokenBroker

@testable import Service

struct AuthenticationTests {
    /// What a request proves itself by, and who it is taken for.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var authorization: [String] = []
        var form: String?
        let expected: Outcome

        init(_ name: String, _ authorization: String..., form: String? = nil, is expected: Outcome) {
            testDescription = name
            self.authorization = authorization
            self.form = form
            self.expected = expected
        }
    }

    enum Outcome: Sendable, Equatable {
        case caller(String)
        /// Status, error code and challenge.
        case refused(Int, String?, String?)

        static let missing = refused(401, nil, #"Bearer realm="tokenwell", Basic realm="tokenwell""#)
        static let invalidToken = refused(401, "invalid_token", #"Bearer realm="tokenwell", error="invalid_token""#)
        static let invalidClient = refused(401, "invalid_client", #"Basic realm="tokenwell""#)
        static let invalidRequest = refused(400, "invalid_request", nil)
    }

    private static let keys = (payroll: "tw_payroll-1", next: "tw_payroll-2", reports: "tw_reports")

    private let authentication = Authentication([
        Caller(
            name: "payroll", keys: [KeyDigest(of: keys.payroll), KeyDigest(of: keys.next)], grant: Grant(tenants: [])),
        Caller(name: "Reports.v2", keys: [KeyDigest(of: keys.reports)], grant: Grant(tenants: [])),
        Caller(name: "idle", keys: [], grant: Grant(tenants: [])),
    ])

    private static func basic(_ text: String) -> String { "Basic " + Data(text.utf8).base64EncodedString() }

    private func outcome(_ sample: Case) -> Outcome {
        var request = Request(method: .post, target: Target(segments: ["revoke"]))
        for value in sample.authorization { request.fields.append("Authorization", value) }
        do throws(ErrorResponse) {
            guard let form = sample.form else { return .caller(try authentication.caller(of: request).name) }
            request.fields.append("Content-Type", "application/x-www-form-urlencoded")
            request.body = Array(form.utf8)
            return .caller(try authentication.caller(of: request, form: try FormParameters(bodyOf: request)).name)
        } catch {
            return .refused(error.status.code, error.code, error.challenge)
        }
    }

    @Test(arguments: [
        Case("the key", "Bearer tw_payroll-1", is: .caller("payroll")),
        Case("the next key", "Bearer tw_payroll-2", is: .caller("payroll")),
        Case("a scheme in lower case", "bearer tw_reports", is: .caller("Reports.v2")),
        Case("several spaces", "Bearer   tw_reports", is: .caller("Reports.v2")),
        Case("a wrong key", "Bearer tw_wrong", is: .invalidToken),
        Case("the key in other case", "Bearer TW_REPORTS", is: .invalidToken),
        Case("the key with something after it", "Bearer tw_reports,", is: .invalidToken),
        Case("part of the key", "Bearer tw_report", is: .invalidToken),
        Case("the digest of the key", "Bearer \(KeyDigest(of: keys.reports))", is: .invalidToken),
        Case("no key", "Bearer", is: .invalidToken),
        Case("only spaces", "Bearer   ", is: .invalidToken),
        Case("nothing", is: .missing),
        Case("an empty field", "", is: .invalidClient),
        Case("another scheme", "Digest username=\"payroll\"", is: .invalidClient),
        Case("a scheme that begins alike", "Bearertw_reports", is: .invalidClient),
        Case("the field twice", "Bearer tw_reports", "Bearer tw_reports", is: .invalidRequest),
        Case("two schemes", "Bearer tw_reports", basic("Reports.v2:tw_reports"), is: .invalidRequest),
    ])
    func `by bearer key`(_ sample: Case) { #expect(outcome(sample) == sample.expected) }

    @Test(arguments: [
        Case("name and key", basic("payroll:tw_payroll-1"), is: .caller("payroll")),
        Case("name and next key", basic("payroll:tw_payroll-2"), is: .caller("payroll")),
        Case("form-encoded", basic("Reports%2Ev2:tw%5Freports"), is: .caller("Reports.v2")),
        Case("only the name form-encoded", basic("Reports%2ev2:tw_reports"), is: .caller("Reports.v2")),
        Case("a wrong key", basic("payroll:tw_wrong"), is: .invalidClient),
        Case("the key of another caller", basic("payroll:tw_reports"), is: .invalidClient),
        Case("the name in other case", basic("Payroll:tw_payroll-1"), is: .invalidClient),
        Case("an unknown name", basic("nobody:tw_payroll-1"), is: .invalidClient),
        Case("a caller without keys", basic("idle:"), is: .invalidClient),
        Case("no name", basic(":tw_payroll-1"), is: .invalidClient),
        Case("no key", basic("payroll:"), is: .invalidClient),
        Case("a colon after the key", basic("payroll:tw_payroll-1:"), is: .invalidClient),
        Case("no colon", basic("payroll"), is: .invalidClient),
        Case("a broken escape", basic("payroll:%zz"), is: .invalidClient),
        Case("no base64", "Basic ***", is: .invalidClient),
        Case("nothing after the scheme", "Basic", is: .invalidClient),
        Case("not UTF-8", "Basic /////w==", is: .invalidClient),
        Case("a control character", basic("payroll\n:tw_payroll-1"), is: .invalidClient),
    ])
    func `by Basic`(_ sample: Case) { #expect(outcome(sample) == sample.expected) }

    @Test(arguments: [
        Case("name and key", form: "client_id=payroll&client_secret=tw_payroll-1", is: .caller("payroll")),
        Case("a wrong key", form: "client_id=payroll&client_secret=tw_wrong", is: .invalidClient),
        Case("the key of another caller", form: "client_id=payroll&client_secret=tw_reports", is: .invalidClient),
        Case("a key without a name", form: "client_secret=tw_payroll-1", is: .invalidClient),
        Case("an empty key", form: "client_id=payroll&client_secret=", is: .invalidClient),
        Case("a name without a key", form: "client_id=payroll", is: .invalidClient),
        Case("nothing", form: "", is: .invalidClient),
        Case(
            "a name twice", form: "client_id=payroll&client_id=payroll&client_secret=tw_payroll-1", is: .invalidRequest),
        Case("a key twice", form: "client_id=payroll&client_secret=tw_payroll-1&client_secret=x", is: .invalidRequest),
        Case(
            "and by Basic", basic("payroll:tw_payroll-1"), form: "client_id=payroll&client_secret=tw_payroll-1",
            is: .invalidRequest),
        Case(
            "and by bearer key", "Bearer tw_payroll-1", form: "client_id=payroll&client_secret=tw_payroll-1",
            is: .invalidRequest),
        Case(
            "by Basic, and named in the form", basic("payroll:tw_payroll-1"), form: "client_id=payroll",
            is: .caller("payroll")),
        Case(
            "by Basic, and another named in the form", basic("payroll:tw_payroll-1"), form: "client_id=Reports.v2",
            is: .invalidRequest),
        Case("by bearer key beside a form", "Bearer tw_reports", form: "token=x", is: .caller("Reports.v2")),
    ])
    func `by the form`(_ sample: Case) { #expect(outcome(sample) == sample.expected) }

    @Test func `without callers nobody is let in`() {
        let request = Request(method: .get, target: Target(segments: []))
        var withKey = request
        withKey.fields.append("Authorization", "Bearer ")
        for request in [request, withKey] {
            #expect(throws: ErrorResponse.self) { try Authentication([]).caller(of: request) }
        }
    }

    // MARK: - Certificates

    private static let certified = [
        Caller(
            name: "agent", certificateNames: [.uri("spiffe://example.org/agent"), .dns("agent.example")],
            grant: Grant(tenants: [])),
        Caller(name: "other", certificateNames: [.dns("other.example")], grant: Grant(tenants: [])),
        Caller(name: "payroll", keys: [KeyDigest(of: keys.payroll)], grant: Grant(tenants: [])),
    ]

    private func outcome(
        _ authentication: Authentication, certificate: ClientCertificate? = nil, _ authorization: String? = nil,
        form: String? = nil, from peer: String = "127.0.0.1:1"
    ) throws -> Outcome {
        var request = Request(
            method: .post, target: Target(segments: ["revoke"]), peer: try #require(SocketAddress(peer)),
            clientCertificate: certificate)
        if let authorization { request.fields.append("Authorization", authorization) }
        do throws(ErrorResponse) {
            guard let form else { return .caller(try authentication.caller(of: request).name) }
            request.fields.append("Content-Type", "application/x-www-form-urlencoded")
            request.body = Array(form.utf8)
            return .caller(try authentication.caller(of: request, form: try FormParameters(bodyOf: request)).name)
        } catch {
            return .refused(error.status.code, error.code, error.challenge)
        }
    }

    @Test(
        arguments: [
            (ClientCertificate(uris: ["spiffe://example.org/agent"]), .caller("agent")),
            (ClientCertificate(dnsNames: ["Agent.Example"]), .caller("agent")),
            (
                ClientCertificate(uris: ["spiffe://example.org/agent"], dnsNames: ["agent.example", "x"]),
                .caller("agent")
            ),
            (ClientCertificate(uris: ["spiffe://example.org/Agent"]), .missing),
            (ClientCertificate(uris: ["spiffe://example.org/agent/"]), .missing),
            (ClientCertificate(uris: ["agent.example"]), .missing),
            (ClientCertificate(dnsNames: ["*.example", "spiffe://example.org/agent"]), .missing),
            (ClientCertificate(), .missing), (nil, .missing),
            (ClientCertificate(dnsNames: ["agent.example", "other.example"]), .invalidRequest),
        ] as [(ClientCertificate?, Outcome)])
    func `by certificate`(_ certificate: ClientCertificate?, _ expected: Outcome) throws {
        #expect(try outcome(Authentication(Self.certified), certificate: certificate) == expected)
    }

    @Test func `a certificate proves nobody once its time is over, though its connection is open`() throws {
        let time = Mutex(1000)
        let authentication = Authentication(Self.certified, timeOfDay: { time.withLock { $0 } })
        let agent = ClientCertificate(dnsNames: ["agent.example"], notAfter: 1000)
        #expect(try outcome(authentication, certificate: agent) == .caller("agent"))
        time.withLock { $0 = 1001 }
        #expect(try outcome(authentication, certificate: agent) == .missing)
    }

    @Test func `a certificate of a caller goes with no other method, and one of nobody is none`() throws {
        let authentication = Authentication(Self.certified)
        let agent = ClientCertificate(dnsNames: ["agent.example"])
        let key = "Bearer tw_payroll-1"
        let form = "client_id=payroll&client_secret=tw_payroll-1"
        #expect(try outcome(authentication, certificate: agent, key) == .invalidRequest)
        #expect(try outcome(authentication, certificate: agent, "Bearer wrong") == .invalidRequest)
        #expect(try outcome(authentication, certificate: agent, form: form) == .invalidRequest)
        #expect(try outcome(authentication, certificate: agent, form: "client_id=agent") == .caller("agent"))
        #expect(try outcome(authentication, certificate: agent, form: "client_id=payroll") == .invalidRequest)
        let nobody = ClientCertificate(dnsNames: ["nobody.example"])
        #expect(try outcome(authentication, certificate: nobody, key) == .caller("payroll"))
        #expect(try outcome(authentication, certificate: nobody, form: form) == .caller("payroll"))
    }

    // MARK: - Networks and limits

    @Test func `from elsewhere a right proof is a wrong one`() throws {
        let networks = [Network("10.0.0.0/8"), Network("fd00::/8")].compactMap(\.self)
        let authentication = Authentication([
            Caller(
                name: "near", keys: [KeyDigest(of: "tw_near")], certificateNames: [.dns("near.example")],
                grant: Grant(tenants: []), networks: networks)
        ])
        let certificate = ClientCertificate(dnsNames: ["near.example"])
        for peer in ["10.1.2.3:4", "[fd00::1]:4", "[::ffff:10.1.2.3]:4"] {
            #expect(try outcome(authentication, "Bearer tw_near", from: peer) == .caller("near"))
            #expect(try outcome(authentication, certificate: certificate, from: peer) == .caller("near"))
        }
        for peer in ["11.1.2.3:4", "[fe00::1]:4", "127.0.0.1:4"] {
            #expect(try outcome(authentication, "Bearer tw_near", from: peer) == .invalidToken)
            #expect(try outcome(authentication, Self.basic("near:tw_near"), from: peer) == .invalidClient)
            #expect(
                try outcome(authentication, form: "client_id=near&client_secret=tw_near", from: peer) == .invalidClient)
            #expect(try outcome(authentication, certificate: certificate, from: peer) == .missing)
        }
    }

    @Test func `a caller that asks too often is told when it may`() throws {
        let now = Mutex(ContinuousClock.now)
        let limited = RateLimit(perSecond: 1, burst: 2)
        let eager = Caller(
            name: "eager", keys: [KeyDigest(of: "tw_eager")], grant: Grant(tenants: []), rateLimit: limited)
        let authentication = Authentication(
            [
                eager,
                Caller(name: "calm", keys: [KeyDigest(of: "tw_calm")], grant: Grant(tenants: [])),
            ], now: { now.withLock { $0 } })
        let slowDown = Outcome.refused(429, "slow_down", nil)
        #expect(try outcome(authentication, "Bearer tw_eager") == .caller("eager"))
        #expect(try outcome(authentication, Self.basic("eager:tw_eager")) == .caller("eager"))
        #expect(try outcome(authentication, "Bearer tw_eager") == slowDown)
        #expect(try outcome(authentication, form: "client_id=eager&client_secret=tw_eager") == slowDown)
        for _ in 0..<100 { #expect(try outcome(authentication, "Bearer tw_calm") == .caller("calm")) }
        now.withLock { $0 += .seconds(1) }
        #expect(try outcome(authentication, "Bearer tw_eager") == .caller("eager"))
        #expect(eager.identity.requests.admitted.value == 3 && eager.identity.requests.limited.value == 2)
    }

    @Test func `an address that fails again and again is refused, but never a right key`() throws {
        let now = Mutex(ContinuousClock.now)
        let metrics = MetricsRegistry()
        let authentication = Authentication(Self.certified, metrics: metrics, now: { now.withLock { $0 } })
        for _ in 0..<100 { #expect(try outcome(authentication) == .missing) }
        for _ in 0..<10 {
            #expect(try outcome(authentication, "Bearer wrong") == .invalidToken)
            #expect(try outcome(authentication, Self.basic("payroll:wrong")) == .invalidClient)
        }
        let slowDown = Outcome.refused(429, "slow_down", nil)
        #expect(try outcome(authentication, "Bearer wrong") == slowDown)
        #expect(try outcome(authentication, Self.basic("nobody:wrong")) == slowDown)
        #expect(try outcome(authentication, "Digest x") == slowDown)
        #expect(try outcome(authentication, "Bearer tw_payroll-1") == .caller("payroll"))
        #expect(try outcome(authentication, "Bearer wrong", from: "127.0.0.2:1") == .invalidToken)
        now.withLock { $0 += .seconds(3) }
        #expect(try outcome(authentication, "Bearer wrong") == .invalidToken)
        let page = String(decoding: metrics.exposition(), as: UTF8.self)
        for line in [
            #"{reason="no_credentials"} 100"#, #"{reason="wrong_credentials"} 22"#, #"{reason="too_many_failures"} 3"#,
            #"{reason="two_methods"} 0"#,
        ] {
            #expect(page.contains("tokenwell_refusals_total\(line)\n"))
        }
    }
}
