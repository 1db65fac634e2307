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
            tenants: [], endpoint: try OAuthTokenEndpoint(for: [], client: HTTPClient(on: group)),
            timekeeper: LoopTimekeeper(group), metrics: metrics, logger: Logger(label: "tokenwell"))
        let authentication = Authentication([])
        routes = Service.routes(
            tokens: TokenRoute(broker: broker, authentication: authentication),
            revocation: RevocationRoute(broker: broker, authentication: authentication),
            operations: OperationsRoutes(
                broker: broker, authentication: authentication, metrics: MetricsPage(metrics), readiness: Readiness()))
    }

    @Test func `every route is described, and everything described is a route`() {
        let served = routes.flatMap { route in
            (route.method == .get ? ["GET", "HEAD"] : [route.method.name]).map { "\($0) \(route.path)" }
        }
        #expect(Set(served).count == served.count)
        #expect(description.operations == Set(served))
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
        let revoke = [(Method.post, "/revoke")]
        return switch error {
        case .accessDenied: tokens + refresh + revoke
        case .invalidScope: tokens
        case .revocationPending: revoke
        case .unknownTenant, .upstreamRejected, .upstreamUnavailable, .upstreamTimeout, .budgetExhausted:
            tokens + refresh
        }
    }

    @Test(arguments: [
        BrokerError.accessDenied, .unknownTenant, .invalidScope, .upstreamRejected,
        .upstreamUnavailable(retryAfter: .seconds(1)), .upstreamTimeout(retryAfter: .seconds(1)),
        .budgetExhausted(retryAfter: .seconds(1)), .revocationPending(retryAfter: .seconds(1)),
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
        for path in ["/tokens/{tenant}", "/revoke"] {
            #expect(description.statuses(of: .post, path).isSuperset(of: [413, 415]))
        }
    }

    private static let open = ["/metrics", "/livez", "/readyz", "/healthz", "/openapi.yaml"]

    @Test func `what reaches no route is described`() {
        for error in [
            ErrorResponse(.notFound, "not_found", "no such path"), ErrorResponse(refusing: .badRequest, "malformed"),
            ErrorResponse(refusing: .contentTooLarge, "the body is too large"),
            ErrorResponse(refusing: .requestTimeout, "slow"),
        ] {
            var response = error.response
            response.fields.append("X-Request-Id", "1")
            #expect(description.problems(with: Answer(response: response), to: .get, "/nowhere") == [])
        }
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
