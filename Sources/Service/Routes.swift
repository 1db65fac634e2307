import HTTP
import Telemetry

/// One line of the table: what is answered where.
struct Route: Sendable {
    /// The answer to a request; the text is what stood in the place of `{tenant}`, empty on paths without one.
    typealias Handler = @Sendable (Request, String) throws(ErrorResponse) -> Reply

    let method: Method
    /// As `openapi.yaml` writes it: `/tokens/{tenant}`. A `{path}` at the end is one segment or more.
    let path: String
    /// The status that nearly every answer has.
    let usualStatus: Status
    /// Whether it does something, so that no page of another site may have a browser send it.
    let changesState: Bool
    let handler: Handler
    private let segments: [String]
    private let takesMore: Bool

    init(
        _ method: Method, _ path: String, usually status: Status = .ok, changesState: Bool? = nil,
        _ handler: @escaping Handler
    ) {
        self.method = method
        self.path = path
        self.changesState = changesState ?? (method != .get)
        usualStatus = status
        self.handler = handler
        var segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        takesMore = segments.last == "{path}"
        if takesMore { segments.removeLast() }
        self.segments = segments
    }

    /// What stands in the place of `{tenant}`; nil when the path is another one.
    func match(_ path: [String]) -> String? {
        guard takesMore ? path.count > segments.count : path.count == segments.count else { return nil }
        var parameter = ""
        for (given, wanted) in zip(path, segments) {
            if wanted == "{tenant}", !given.isEmpty { parameter = given } else if given != wanted { return nil }
        }
        return parameter
    }
}

/// Finds who answers a request, and sees to what every answer has: a count, an error's form.
final class Routes: Sendable {
    private let routes: [Route]
    private let metrics: RequestMetrics
    private let audit: AuditLog?
    /// Every method that some path takes.
    private let capabilities: Response

    init(_ routes: [Route], metrics: MetricsRegistry, audit: AuditLog? = nil) {
        self.audit = audit
        self.routes = routes
        self.metrics = RequestMetrics(routes: routes, in: metrics)
        var capabilities = Response(.noContent)
        capabilities.fields.append("Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
        self.capabilities = capabilities
    }

    /// The responder for an ``HTTPServer``.
    @Sendable func reply(to request: Request) -> Reply {
        let start = ContinuousClock.now
        let (index, reply) = answer(request)
        switch reply {
        case .success(.ready(let response)):
            return .ready(finish(response, to: request, route: index, since: start))
        case .failure(let refusal):
            if let remedy = refusal.remedy {
                return .later {
                    await RequestContext.$current.withValue(RequestContext(request)) {
                        await self.answer(request, after: remedy, since: start)
                    }
                }
            }
            let response = refused(refusal, request)
            return .ready(finish(response, to: request, route: index, since: start))
        case .success(.later(let work)):
            return .later {
                let response = await RequestContext.$current.withValue(RequestContext(request)) { await work() }
                return self.finish(response, to: request, route: index, since: start)
            }
        }
    }

    /// The answer once the keys have been read that it takes; nothing was done for the request before.
    private func answer(
        _ request: Request, after remedy: ErrorResponse.Remedy, since start: ContinuousClock.Instant
    ) async -> Response {
        await remedy.keys.refresh()
        let (index, reply) = answer(request)
        let response =
            switch reply {
            case .success(.ready(let response)): response
            case .success(.later(let work)): await work()
            case .failure(let refusal): refused(refusal, request)
            }
        return finish(response, to: request, route: index, since: start)
    }

    private func refused(_ refusal: ErrorResponse, _ request: Request) -> Response {
        // Nobody can fill an audit who proves nothing: wrong credentials are limited, by address.
        let isWorthALine = refusal.caller != nil || (refusal.status == .unauthorized && !refusal.isNoise)
        return isWorthALine ? audit.refused(refusal, request) : refusal.response
    }

    private func finish(
        _ response: Response, to request: Request, route index: Int?, since start: ContinuousClock.Instant
    ) -> Response {
        metrics.record(route: index, request.method, response.status, .now - start)
        return response
    }

    /// The answer to what never became a request.
    @Sendable func refuse(_ status: Status, _ reason: String) -> Response {
        metrics.record(route: nil, Method(""), status, .zero)
        return ErrorResponse(refusing: status, reason).response
    }

    private func answer(_ request: Request) -> (route: Int?, Result<Reply, ErrorResponse>) {
        // `OPTIONS *` asks of the server as a whole (RFC 9110 §9.3.7).
        if request.target.isServer { return (nil, .success(.ready(capabilities))) }
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
            guard !route.changesState || !CrossSite.isForged(request) else {
                return (index, .failure(CrossSite.refusal))
            }
            do throws(ErrorResponse) {
                return (index, .success(try route.handler(request, parameter)))
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
    ///
    /// - Parameter showsMetrics: false when they have a listener of their own, for those who may see them.
    static func routes(
        tokens: TokenRoute, rejection: RejectionRoute, revocation: RevocationRoute, tenants: TenantsRoute,
        status: StatusRoute, operations: OperationsRoutes, reload: ReloadRoute, metadata: MetadataRoute,
        showsMetrics: Bool = true
    ) -> [Route] {
        [
            Route(.get, "/tokens/{tenant}", tokens.get),
            Route(.post, "/tokens/{tenant}", tokens.post),
            Route(.post, "/tokens/{tenant}/rejected", rejection.post),
            Route(.post, "/revoke", revocation.post),
            Route(.get, "/tenants", tenants.list),
            Route(.get, "/tenants/{tenant}", tenants.get),
            Route(.get, "/status", status.get),
            Route(.post, "/tenants/{tenant}/refresh", operations.refresh),
            Route(.post, "/tenants/{tenant}/revoke", revocation.postTenant),
            Route(.post, "/reload", reload.post),
            Route(.get, "/.well-known/oauth-authorization-server/tokens/{tenant}", metadata.get),
        ] + proxyRoutes(ProxyRoute(tokens: tokens)) + healthRoutes(operations)
            + (showsMetrics ? [metricsRoute(operations)] : [])
    }

    /// The method there is that of a client, whose browser may be at any site.
    private static func proxyRoutes(_ proxies: ProxyRoute) -> [Route] {
        [Route(.get, "/auth/{tenant}", usually: .noContent, proxies.get)]
            + ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map {
                Route(Method($0), "/auth/{tenant}/{path}", changesState: false, proxies.any)
            }
    }

    /// Those that need no key; a metrics listener of its own has just these.
    static func openRoutes(_ operations: OperationsRoutes) -> [Route] {
        [metricsRoute(operations)] + healthRoutes(operations)
    }

    private static func metricsRoute(_ operations: OperationsRoutes) -> Route {
        Route(.get, "/metrics", operations.metrics)
    }

    private static func healthRoutes(_ operations: OperationsRoutes) -> [Route] {
        [
            Route(.get, "/livez", operations.livez),
            Route(.get, "/readyz", operations.readyz),
            Route(.get, "/healthz", operations.livez),
            Route(.get, "/openapi.yaml", operations.description),
        ]
    }
}
