import HTTP
import Telemetry

/// One line of the table: what is answered where.
struct Route: Sendable {
    /// The answer to a request; the text is what stood in the place of `{tenant}`, empty on paths without one.
    typealias Handler = @Sendable (Request, String) async throws(ErrorResponse) -> Response

    let method: Method
    /// As `openapi.yaml` writes it: `/tokens/{tenant}`.
    let path: String
    let handler: Handler
    private let segments: [String]

    init(_ method: Method, _ path: String, _ handler: @escaping Handler) {
        self.method = method
        self.path = path
        self.handler = handler
        segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    }

    /// What stands in the place of `{tenant}`; nil when the path is another one.
    func match(_ path: [String]) -> String? {
        guard path.count == segments.count else { return nil }
        var parameter = ""
        for (given, wanted) in zip(path, segments) {
            if wanted == "{tenant}", !given.isEmpty { parameter = given } else if given != wanted { return nil }
        }
        return parameter
    }
}

/// Finds who answers a request, and sees to what every answer has: a request id, a count, an error's form.
struct Routes: Sendable {
    private let routes: [Route]
    private let metrics: RequestMetrics
    private let requestIDs = RequestIDs()

    init(_ routes: [Route], metrics: MetricsRegistry) {
        self.routes = routes
        self.metrics = RequestMetrics(routes: routes, in: metrics)
    }

    /// The handler for an ``HTTPServer``.
    func respond(to request: Request) async -> Response {
        let start = ContinuousClock.now
        let (index, outcome) = await answer(request)
        var response: Response
        switch outcome {
        case .success(let answer): response = answer
        case .failure(let refusal): response = refusal.response
        }
        response.fields.append("X-Request-Id", requestIDs.id(of: request))
        metrics.record(route: index, request.method, response.status, .now - start)
        return response
    }

    /// The answer to what never became a request.
    @Sendable func refuse(_ status: Status, _ reason: String) -> Response {
        var response = ErrorResponse(refusing: status, reason).response
        response.fields.append("X-Request-Id", requestIDs.next())
        metrics.record(route: nil, Method(""), status, .zero)
        return response
    }

    private func answer(_ request: Request) async -> (route: Int?, Result<Response, ErrorResponse>) {
        // HEAD is GET without the body, which the connection leaves out (RFC 9110 §9.3.2).
        let method = request.method == .head ? .get : request.method
        var allowed: [String] = []
        var onPath: Int?
        for (index, route) in routes.enumerated() {
            guard let parameter = route.match(request.target.segments) else { continue }
            guard route.method == method else {
                allowed += route.method == .get ? ["GET", "HEAD"] : [route.method.name]
                onPath = index
                continue
            }
            do throws(ErrorResponse) {
                return (index, .success(try await route.handler(request, parameter)))
            } catch {
                return (index, .failure(error))
            }
        }
        guard onPath != nil else { return (nil, .failure(ErrorResponse(.notFound, "not_found", "no such path"))) }
        var refusal = ErrorResponse(.methodNotAllowed, "method_not_allowed", "this path does not take that method")
        refusal.allow = allowed.joined(separator: ", ")
        return (onPath, .failure(refusal))
    }
}

extension Service {
    /// Every route there is. A test holds `openapi.yaml` against it.
    static func routes(tokens: TokenRoute, revocation: RevocationRoute, operations: OperationsRoutes) -> [Route] {
        [
            Route(.get, "/tokens/{tenant}", tokens.get),
            Route(.post, "/tokens/{tenant}", tokens.post),
            Route(.post, "/revoke", revocation.post),
            Route(.post, "/tenants/{tenant}/refresh", operations.refresh),
        ] + openRoutes(operations)
    }

    /// Those that need no key; a metrics listener of its own has just these.
    static func openRoutes(_ operations: OperationsRoutes) -> [Route] {
        [
            Route(.get, "/metrics", operations.metrics),
            Route(.get, "/livez", operations.livez),
            Route(.get, "/readyz", operations.readyz),
            Route(.get, "/healthz", operations.livez),
            Route(.get, "/openapi.yaml", operations.description),
        ]
    }
}
