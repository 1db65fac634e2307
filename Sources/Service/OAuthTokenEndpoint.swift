import FoundationEssentials
import HTTP
import Sockets
import Telemetry
import TokenBroker

/// The upstream over HTTP: every provider's dialect is read off its ``Provider`` value by ``UpstreamRequest`` and
/// ``UpstreamAnswer``, and nowhere else.
struct OAuthTokenEndpoint: TokenEndpoint {
    let client: HTTPClient
    let tls: UpstreamTLS

    func mint(
        _ tenant: Tenant, scopes: ScopeSet, deadline: ContinuousClock.Instant
    ) async throws(MintFailure) -> MintedToken {
        let now = Self.now
        var request = try UpstreamRequest.token(tenant, scopes: scopes, now: now)
        // The configuration may say otherwise.
        if let trace = RequestContext.current?.trace, request.fields.count(of: "traceparent") == 0 {
            request.fields.append("traceparent", trace.description)
        }
        let response = try await send(request, of: tenant, by: deadline)
        return try UpstreamAnswer.token(response, of: tenant.provider, now: now)
    }

    func revoke(_ token: Secret, of tenant: Tenant, deadline: ContinuousClock.Instant) async throws(MintFailure) {
        let now = Self.now
        let request = try UpstreamRequest.revocation(of: token, tenant, now: now)
        let response = try await send(request, of: tenant, by: deadline)
        try UpstreamAnswer.revocation(response, of: tenant.provider, now: now)
    }

    private static var now: Int { Int(Date().timeIntervalSince1970) }

    private func send(
        _ request: UpstreamRequest, of tenant: Tenant, by deadline: ContinuousClock.Instant
    ) async throws(MintFailure) -> Response {
        // The configuration has checked both.
        guard let url = HTTPURL(request.url), let tls = tls.context(of: tenant) else { throw .unavailable("bad_url") }
        do throws(HTTPClientError) {
            return try await client.send(
                request.method, to: url, fields: request.fields, body: request.body, tls: tls, by: deadline)
        } catch {
            throw UpstreamAnswer.failure(error)
        }
    }
}
