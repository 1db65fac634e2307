import HTTP
import Sockets
import Synchronization
import TokenBroker

/// `GET /.well-known/oauth-authorization-server/tokens/{tenant}`: RFC 8414 metadata, with which a client that knows the
/// issuer `…/tokens/{tenant}` finds the endpoints.
///
/// Open to all, so it says the same of every name that a tenant may have, and no scopes.
struct MetadataRoute: Sendable {
    let origin: ExternalOrigin

    func get(_: Request, tenant: String) throws(ErrorResponse) -> Reply {
        guard let origin = origin.value, Tenant.isName(tenant) else {
            throw ErrorResponse(.notFound, "not_found", "no metadata here")
        }
        let endpoint = "\(origin)/tokens/\(tenant)"
        var body: [UInt8] = [UInt8(ascii: "{")]
        body.append(member: "issuer")
        body.append(json: endpoint)
        body.append(member: "token_endpoint")
        body.append(json: endpoint)
        body.append(member: "revocation_endpoint")
        body.append(json: "\(origin)/revoke")
        // There is no authorization endpoint, and yet RFC 8414 §2 requires the member.
        body.append(#","response_types_supported":[],"grant_types_supported":["client_credentials"]"#)
        body.append(#","token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"]"#)
        body.append(#","revocation_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"]}"#)
        return .ready(.json(.ok, body))
    }
}

/// The origin that callers know the broker by, such as `https://tokens.example`: what the configuration says, else where
/// a listener on the loopback is. Never what a request's `Host` says: RFC 8414 §3.3 has a client trust the issuer.
final class ExternalOrigin: Sendable {
    private let known: Mutex<(configured: String?, own: String?)>

    init(_ configured: String?) { known = Mutex((configured, nil)) }

    /// nil while nobody has said it.
    var value: String? { known.withLock { $0.configured ?? $0.own } }

    /// Takes what the configuration says now.
    func configure(_ origin: String?) { known.withLock { $0.configured = origin } }

    /// Takes the listener's own address, once that is known, for when nothing else was said.
    func settle(for address: SocketAddress, isTLS: Bool) {
        guard address.isLoopback else { return }
        known.withLock { $0.own = "\(isTLS ? "https" : "http")://\(address)" }
    }
}
