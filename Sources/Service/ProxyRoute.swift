import HTTP
import TokenBroker

/// `/auth/{tenant}`: the token in an `Authorization` field, for a reverse proxy to pass on with a client's request.
///
/// Tenant, key and scopes are the proxy's own. Whatever it passes on of a client's request (`X-Forwarded-…`, cookies, the
/// path, the query and the method behind Envoy's prefix) decides nothing.
struct ProxyRoute: Sendable {
    let tokens: TokenRoute

    /// nginx's `auth_request` and Traefik's `ForwardAuth`, which send a GET to a fixed target: `scope` in its query.
    func get(_ request: Request, tenant: String) throws(ErrorResponse) -> Reply {
        let caller = try tokens.authentication.caller(of: request)
        return try caller.served { () throws(ErrorResponse) in
            let scope = try FormParameters(query: request.target.query).single("scope")
            return try tokens.reply(to: request, tenant, for: caller, scope: scope, minimumLifetime: nil) {
                Self.answer($0, .noContent)
            }
        }
    }

    /// Envoy's `ext_authz`, which appends the client's target to its own and takes 200 alone for leave. Method, query and
    /// body are the client's, so none of them is looked at.
    func any(_ request: Request, tenant: String) throws(ErrorResponse) -> Reply {
        let caller = try tokens.authentication.caller(of: request)
        return try tokens.reply(to: request, tenant, for: caller, scope: nil, minimumLifetime: nil) {
            Self.answer($0, .ok)
        }
    }

    private static func answer(_ handOut: HandOut, _ status: Status) -> Response {
        Response(status, fields: TokenRendering.of(handOut.token).authorization(handOut.token.secret))
    }
}
