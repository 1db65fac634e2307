import HTTP
import Logging
import Telemetry
import Testing
import TokenBroker

@testable import Service

/// `openapi.yaml` against what the service does; the tests that ask a service hold each answer against it too.
struct OpenAPITests {
    private let description: OpenAPIDescription
    private let routes: [Route]

    init() throws {
        description = try .read()
        let group = try LoopbackService.group.get()
        let metrics = MetricsRegistry()
        let broker = Broker(
            tenants: [], endpoint: OAuthTokenEndpoint(client: HTTPClient(on: group), tls: try UpstreamTLS(for: [])),
            timekeeper: LoopTimekeeper(group), metrics: metrics, logger: Logger(label: "tokenwell"))
        let authentication = Authentication([])
        routes = Service.routes(
            tokens: TokenRoute(broker: broker, authentication: authentication, audit: nil),
            rejection: RejectionRoute(broker: broker, authentication: authentication, audit: nil),
            revocation: RevocationRoute(broker: broker, authentication: authentication, audit: nil),
            tenants: TenantsRoute(broker: broker, authentication: authentication),
            status: StatusRoute(authentication: authentication),
            operations: OperationsRoutes(
                broker: broker, authentication: authentication, audit: nil, metrics: MetricsPage(metrics),
                readiness: Readiness()),
            reload: ReloadRoute(authentication: authentication, audit: nil, reloader: ReloaderReference()),
            metadata: MetadataRoute(origin: ExternalOrigin("https://tokens.example")))
    }

    @Test func `every route is described, and everything described is a route`() {
        let served = routes.flatMap { route in
            (route.method == .get ? ["GET", "HEAD"] : [route.method.name]).map { "\($0) \(route.path)" }
        }
        #expect(Set(served).count == served.count)
        #expect(description.operations == Set(served))
    }

    @Test func `the ways to prove oneself are those that are described`() {
        #expect(description.securitySchemes.named == description.securitySchemes.described)
        #expect(description.securitySchemes.named == ["bearer", "basic", "mutualTLS"])
    }

    @Test func `HEAD is described as GET is`() {
        for route in routes where route.method == .get {
            #expect(description.statuses(of: .head, route.path) == description.statuses(of: .get, route.path))
        }
    }

    /// The operations whose caller may meet an error of the broker.
    private static func operations(meeting error: BrokerError) -> [(Method, String)] {
        let tokens = [(Method.get, "/tokens/{tenant}"), (.head, "/tokens/{tenant}"), (.post, "/tokens/{tenant}")]
        let refresh = [(Method.post, "/tenants/{tenant}/refresh")]
        let rejected = [(Method.post, "/tokens/{tenant}/rejected")]
        let revoke = [(Method.post, "/revoke")]
        let revokeAll = [(Method.post, "/tenants/{tenant}/revoke")]
        let tenant = [(Method.get, "/tenants/{tenant}"), (.head, "/tenants/{tenant}")]
        let tenants = [(Method.get, "/tenants"), (.head, "/tenants")]
        return switch error {
        case .accessDenied: tokens + rejected + refresh + revoke + revokeAll + tenant + tenants
        case .invalidScope: tokens + rejected
        case .slowDown: rejected
        case .revocationPending: revoke
        case .storeUnavailable: revoke + revokeAll
        case .unknownTenant: tokens + rejected + refresh + revokeAll + tenant
        case .upstreamRejected, .upstreamUnavailable, .upstreamTimeout, .budgetExhausted:
            tokens + rejected + refresh
        }
    }

    @Test(arguments: [
        BrokerError.accessDenied, .unknownTenant, .invalidScope, .upstreamRejected,
        .upstreamUnavailable(retryAfter: .seconds(1)), .upstreamTimeout(retryAfter: .seconds(1)),
        .budgetExhausted(retryAfter: .seconds(1)), .slowDown(retryAfter: .seconds(1)),
        .revocationPending(retryAfter: .seconds(1)), .storeUnavailable(retryAfter: .seconds(1)),
    ])
    func `every refusal of the broker is described wherever it can be met`(_ error: BrokerError) {
        var response = ErrorResponse(error, tenant: "acme").response
        response.fields.append("X-Request-Id", "1")
        for (method, path) in Self.operations(meeting: error) {
            #expect(description.statuses(of: method, path).contains(response.status.code))
            if method == .head { response.body = [] }
            #expect(description.problems(with: Answer(response: response), to: method, path) == [])
            response.body = ErrorResponse(error, tenant: "acme").response.body
        }
    }

    @Test func `what proves nobody or cannot be read is described wherever a key is asked for`() {
        for route in routes where !Self.open.contains(route.path) {
            #expect(description.statuses(of: route.method, route.path).isSuperset(of: [400, 401, 403]))
        }
        for path in ["/tokens/{tenant}", "/tokens/{tenant}/rejected", "/revoke"] {
            #expect(description.statuses(of: .post, path).isSuperset(of: [413, 415]))
        }
    }

    private static let open = [
        "/.well-known/oauth-authorization-server/tokens/{tenant}", "/metrics", "/livez", "/readyz", "/healthz",
        "/openapi.yaml",
    ]

    @Test func `what reaches no route is described`() {
        for error in [
            ErrorResponse(.notFound, "not_found", "no such path"), ErrorResponse(refusing: .badRequest, "malformed"),
            ErrorResponse(refusing: .contentTooLarge, "the body is too large"),
            ErrorResponse(refusing: .requestTimeout, "slow"), ErrorResponse(refusing: .serviceUnavailable, "busy"),
        ] {
            var response = error.response
            response.fields.append("X-Request-Id", "1")
            #expect(description.problems(with: Answer(response: response), to: .get, "/nowhere") == [])
        }
    }

    @Test(arguments: ["/metrics", "/openapi.yaml"])
    func `what comes compressed is described`(_ path: String) async throws {
        let route = try #require(routes.first { $0.path == path })
        var request = Request(method: .get, target: Target(segments: [String(path.dropFirst())]))
        request.fields.append("Accept-Encoding", "gzip, identity;q=0")
        var response = try await route.handler(request, "").response
        response.fields.append("X-Request-Id", "1")
        #expect(response.fields["Content-Encoding"] == "gzip")
        #expect(description.problems(with: Answer(response: response), to: .get, path) == [])
    }

    @Test func `OpenMetrics are described`() async throws {
        let route = try #require(routes.first { $0.path == "/metrics" })
        var request = Request(method: .get, target: Target(segments: ["metrics"]))
        request.fields.append("Accept", "application/openmetrics-text")
        var response = try await route.handler(request, "").response
        response.fields.append("X-Request-Id", "1")
        #expect(response.fields["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8")
        #expect(description.problems(with: Answer(response: response), to: .get, "/metrics") == [])
    }

    // MARK: - The checker itself

    @Test(arguments: [
        (200, #"{"revoked":"local"}"#, []), (200, #"{"revoked":"maybe"}"#, ["revoked is string(\"maybe\")"]),
        (200, "{}", ["the body has no revoked"]), (200, #"{"revoked":"local","x":1}"#, ["the body has a x"]),
        (200, "[]", ["the body is no object"]), (200, "x", ["the body is not JSON"]),
        (400, #"{"error":"x","error_description":"y"}"#, ["error is string(\"x\")"]),
        (400, #"{"error":"invalid_request","error_description":5}"#, ["error_description is no string"]),
    ])
    func `an answer that is not as described is found out`(_ status: Int, _ body: String, _ problems: [String]) {
        var response = Response(Status(status), type: "application/json", body: Array(body.utf8))
        response.fields.append("Cache-Control", "no-store")
        response.fields.append("X-Request-Id", "1")
        #expect(description.problems(with: Answer(response: response), to: .post, "/revoke") == problems)
    }

    @Test func `a field that is missing, not described or malformed is found out`() {
        var response = Response(.ok, type: "application/json", body: Array(#"{"revoked":"local"}"#.utf8))
        response.fields.append("X-Request-Id", "no id")
        response.fields.append("Server", "x")
        #expect(
            Set(description.problems(with: Answer(response: response), to: .post, "/revoke")) == [
                "the field Cache-Control is missing", "the field server is not described",
                "X-Request-Id does not match ^[A-Za-z0-9._-]{1,64}$",
            ])
    }
}
