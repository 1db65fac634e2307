import Foundation
import HTTP
import Logging
import Sockets
import Support
import Synchronization
import Telemetry
import Testing
import TokenBroker
import VendorSimulator

@testable import Service

/// The real service on loopback sockets, in front of both vendors simulated and of an upstream that a test writes.
///
/// Every answer that a test gets through it is held against `openapi.yaml`.
final class LoopbackService: Sendable {
    /// One for the whole process, as the program has it.
    static let group = Result { try EventLoopGroup(count: 2) }
    private static let turnstile = Turnstile(places: 4)
    /// What the vendors know the broker by.
    static let vendorSecret = "vendor-s3cret"
    static let pageUpScopes = ["Public.Application.Read", "Public.Application.Write"]

    /// How the callers of a test prove themselves.
    enum Proof: CaseIterable { case key, basic, jwt, certificate }

    /// The one that runs now.
    var service: Service { running.withLock { $0 } }
    private let running: Mutex<Service>
    private let readings: Readings
    let upstream: ScriptedUpstream
    let pageUpURL: String
    let ukgURL: String
    private let client: HTTPClient
    private let tls: TLSContext
    private let proof: Proof
    private let lines: LineCollector
    private let description: OpenAPIDescription

    var url: String { "\(proof == .certificate ? "https" : "http")://\(service.address)" }
    var log: String { lines.text }

    /// Runs a test against a service of its own, which is drained in the end.
    ///
    /// It has the tenants `acme` (PageUp), `globex` (UKG) and `initech` (the scripted upstream; scopes `read` and
    /// `write`), and the callers that ``callers`` says.
    static func run(
        proof: Proof = .key, adjust: (inout Configuration) throws -> Void = { _ in },
        _ test: (LoopbackService) async throws -> Void
    ) async throws {
        try await turnstile.pass { try await runNow(proof, adjust: adjust, test) }
    }

    private static func runNow(
        _ proof: Proof, adjust: (inout Configuration) throws -> Void, _ test: (LoopbackService) async throws -> Void
    ) async throws {
        let group = try Self.group.get()
        let upstream = ScriptedUpstream()
        let servers = try [pageUp, ukg, upstream.respond].map { handler in
            try HTTPServer(at: .loopback(), on: group, handler: handler)
        }
        let urls = servers.map { "http://\($0.address)" }
        var configuration = Self.configuration(pageUp: urls[0], ukg: urls[1], upstream: urls[2])
        try CallerProofs.shared.get().add(proof, to: &configuration)
        try adjust(&configuration)
        let service = try LoopbackService(
            configuration, proof, on: group, upstream, pageUpURL: urls[0], ukgURL: urls[1])
        // Away from the threads that all tests share, where one that computes for long would have this one miss deadlines.
        let result = await withTaskExecutorPreference(group.any) { () async -> Result<Void, any Error> in
            do { return .success(try await test(service)) } catch { return .failure(error) }
        }
        await service.service.stop(within: .seconds(5))
        for server in servers { await server.drain(within: .zero) }
        try result.get()
    }

    private init(
        _ configuration: Configuration, _ proof: Proof, on group: EventLoopGroup, _ upstream: ScriptedUpstream,
        pageUpURL: String,
        ukgURL: String
    ) throws {
        let lines = LineCollector()
        readings = Readings(configuration)
        running = Mutex(try Self.start(readings, on: group, lines))
        self.upstream = upstream
        self.pageUpURL = pageUpURL
        self.ukgURL = ukgURL
        self.lines = lines
        // Connections that nobody keeps hold up no drain.
        var clientConfiguration = HTTPClient.Configuration()
        clientConfiguration.lifetime = .zero
        clientConfiguration.limits.bodyBytes = 1 << 20
        client = HTTPClient(on: group, configuration: clientConfiguration)
        tls = try .client()
        self.proof = proof
        description = try .read()
    }

    private static func start(
        _ readings: Readings, on group: EventLoopGroup, _ lines: LineCollector
    ) throws -> Service {
        let threshold = LogThreshold(.trace)
        let logger = Logger(label: "tokenwell") { label in
            ThresholdLogHandler(LineLogHandler(JSONLogFormat(label: label), sink: { lines.append($0) }), threshold)
        }
        return try Service(
            readings.next.configuration, on: group, logger: logger,
            source: ConfigurationSource(threshold: threshold) { readings.next })
    }

    /// Has the service find another configuration when it reads it next.
    func edit(_ change: (inout ConfigurationReading) throws -> Void) rethrows { try readings.edit(change) }

    /// Stops the service, and starts it again: the vendors and the store are what they were.
    func restart() async throws {
        // Long enough for the store to be closed: it is opened again at once.
        await service.stop(within: .seconds(60))
        let next = try Self.start(readings, on: try Self.group.get(), lines)
        running.withLock { $0 = next }
    }

    // MARK: - Configuration

    private static var pageUp: Handler {
        SimulatedVendor.pageup.handler(
            clients: [SimulatedVendor.pageup.client(secret: vendorSecret)], lifetime: .seconds(300), ban: nil)
    }

    private static var ukg: Handler {
        SimulatedVendor.ukg.handler(
            clients: [SimulatedVendor.ukg.client(secret: vendorSecret)], lifetime: .seconds(3600), ban: nil)
    }

    private static func configuration(pageUp: String, ukg: String, upstream: String) -> Configuration {
        var configuration = Configuration()
        configuration.listen = .loopback()
        configuration.store = .memory
        configuration.tenants = [
            Tenant(
                name: "acme", provider: .pageUp(tokenURL: pageUp + "/connect/token"),
                credential: Credential(id: "acme-integration", secret: Secret(vendorSecret)),
                scopes: ScopeSet(pageUpScopes) ?? .empty),
            Tenant(
                name: "globex", provider: .ukg(baseURL: ukg, clientID: "globex"),
                credential: Credential(id: "app-1", secret: Secret(vendorSecret)),
                scopes: ScopeSet(["client"]) ?? .empty),
            initech(upstream),
        ]
        configuration.callers = callers
        return configuration
    }

    private static func initech(_ url: String) -> Tenant {
        Tenant(
            name: "initech",
            provider: Provider(
                name: "oauth2", tokenURL: url + "/token", revocationURL: url + "/revoke", clientAuthentication: .basic),
            credential: Credential(id: "tokenwell", secret: Secret(vendorSecret)),
            scopes: ScopeSet(["read", "write"]) ?? .empty)
    }

    /// `payroll` may do all but operate, `reports` only read at acme, `directory` has globex and may revoke, `root` sees
    /// every tenant, `ops` operates, `idle` may do nothing.
    private static var callers: [Caller] {
        let named = [Grant.TenantPattern.exact("acme"), .exact("globex"), .exact("initech")]
        let grants = [
            "payroll": Grant(tenants: named, mayRevoke: true),
            "reports": Grant(tenants: [.exact("acme")], scopes: ScopeSet(["Public.Application.Read"])),
            "directory": Grant(tenants: [.exact("globex")], mayRevoke: true),
            "root": Grant(tenants: [.prefix("")]),
            "ops": Grant(tenants: [], isOperator: true),
            "idle": Grant(tenants: []),
        ]
        return grants.map { Caller(name: $0, keys: [KeyDigest(of: key(of: $0))], grant: $1) }
    }

    /// The key of a caller.
    static func key(of caller: String) -> String {
        "tw_" + caller + String(repeating: "0", count: 43 - caller.utf8.count)
    }

    static func basic(_ user: String, _ password: String) -> String {
        BasicCredentials(user: user, password: password).field
    }

    // MARK: - Asking

    func get(_ path: String, as caller: String? = nil, _ fields: [(StaticString, String)] = []) async throws -> Answer {
        try await send(.get, path, as: caller, fields)
    }

    /// Posts a form, written as it is sent.
    func post(
        _ path: String, _ form: String = "", as caller: String? = nil, _ fields: [(StaticString, String)] = []
    ) async throws -> Answer {
        try await send(
            .post, path, as: caller, fields + [("Content-Type", "application/x-www-form-urlencoded")], form)
    }

    func send(
        _ method: Method, _ path: String, as caller: String? = nil, _ fields: [(StaticString, String)] = [],
        _ body: String = ""
    ) async throws -> Answer {
        let proofs = try CallerProofs.shared.get()
        let credentials = try caller.flatMap { try proofs.authorization($0, by: proof) }.map {
            [("Authorization", $0)] as [(StaticString, String)]
        }
        let answer = try await ask(
            method, url + path, (credentials ?? []) + fields, body,
            tls: proof == .certificate ? try proofs.context(of: caller) : tls)
        for problem in description.problems(with: answer, to: method, path) {
            Issue.record("\(method) \(path) answered \(answer.status) against openapi.yaml: \(problem)")
        }
        return answer
    }

    /// Asks the listener for metrics and health.
    func metricsListener(_ path: String, _ method: Method = .get) async throws -> Answer {
        let address = try #require(service.metricsAddress)
        return try await ask(method, "http://\(address)\(path)")
    }

    /// Asks any server.
    func ask(
        _ method: Method, _ url: String, _ fields: [(StaticString, String)] = [], _ body: String = "",
        tls: TLSContext? = nil
    ) async throws -> Answer {
        var all = Fields()
        for (name, value) in fields { all.append(name, value) }
        return Answer(
            response: try await client.send(
                method, to: try #require(HTTPURL(url)), fields: all, body: Array(body.utf8),
                tls: tls ?? self.tls, by: .now.advanced(by: .seconds(300))))
    }

    // MARK: - The vendors

    /// Has a simulated vendor misbehave, as its own control route takes it.
    func fault(_ url: String, _ form: String) async throws {
        let answer = try await ask(
            .post, url + "/_simulator/fault", [("Content-Type", "application/x-www-form-urlencoded")], form)
        #expect(answer.status == 200)
    }

    /// How many token requests and how many tokens a simulated vendor has counted.
    func count(at url: String) async throws -> (attempts: Int, mints: Int) {
        let client = try await ask(.get, url + "/_simulator/clients").json?["clients"]?.items.first
        return (try #require(client?["attempts"]?.integer), try #require(client?["mints"]?.integer))
    }

    /// Whether UKG's sample API takes a token.
    func ukgTakes(_ token: String) async throws -> Bool {
        try await ask(.get, ukgURL + "/api/v2/client/employees", [("Authorization", "Bearer \(token)")]).status == 200
    }

    /// The value of a series, written as in the exposition; 0 when it is not there.
    func metric(_ series: String) async throws -> Int {
        let lines = try await get("/metrics").text.split(separator: "\n")
        let line = lines.first { $0.hasPrefix(series + " ") }
        return line.flatMap { Int($0.dropFirst(series.count + 1)) } ?? 0
    }
}

/// What a service finds when it reads its configuration.
private final class Readings: Sendable {
    private let reading: Mutex<ConfigurationReading>

    init(_ configuration: Configuration) { reading = Mutex(ConfigurationReading(configuration)) }

    var next: ConfigurationReading { reading.withLock(\.self) }

    func edit(_ change: (inout ConfigurationReading) throws -> Void) rethrows {
        try reading.withLock { try change(&$0) }
    }
}

/// Log lines as they are written.
final class LineCollector: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }

    func append(_ line: [UInt8]) { bytes.withLock { $0 += line } }
}
