import Crypto
import FoundationEssentials
import HTTP

/// PageUp's authorization server, to rehearse against.
///
/// PageUp documents the success; everything around it follows stock IdentityServer 4, which its server shows every sign
/// of being: each token error is 400 with `{"error":…}`, whatever RFC 6749 §5.2 says; `/connect/revocation` answers 200
/// to a JWT and does nothing; all scopes are granted when none is asked for; Basic counts before the body. Stricter
/// than the original: a repeated parameter is refused (RFC 6749 §3.2), where IdentityServer takes the first, and so is
/// a malformed escape in Basic credentials, which IdentityServer takes as it stands.
///
/// Besides `POST /connect/token`, `POST /connect/revocation` and `GET /.well-known/openid-configuration` there is one
/// sample of the API, `GET /v3/{tenantId}/jobs`, which takes any good token. `/_simulator/` is `ControlRoutes`.
/// How PageUp throttles token requests is unknown; here it is 429 with `Retry-After` and the body of its API's errors.
final class PageUpSimulator: Sendable {
    /// Lengths beyond which IdentityServer 4 does not look at a value (`InputLengthRestrictions`).
    private enum Limit {
        static let credential = 100
        static let scope = 300
    }

    private let issuer: Issuer

    /// - Parameters:
    ///   - lifetime: Of a token, in whole seconds; PageUp's is 300 s.
    ///   - ban: nil for none.
    ///   - now: The time of day.
    ///   - pause: Waits for as long as a slow fault asks.
    init(
        clients: [SimulatedClient], lifetime: Duration = SimulatedVendor.pageup.lifetime,
        ban: BanPolicy? = SimulatedVendor.pageup.ban,
        now: @escaping @Sendable () -> Date = { Date() },
        pause: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }
    ) {
        issuer = Issuer(clients: clients, lifetime: lifetime, ban: ban, now: now, pause: pause)
    }

    /// The key that its tokens' ES256 signatures verify with.
    var publicKey: P256.Signing.PublicKey { issuer.publicKey }

    /// Answers one request.
    func respond(to request: Request) async -> Response {
        if ControlRoutes.own(request.target) { return ControlRoutes(issuer: issuer).respond(to: request) }
        let path = request.target.segments
        switch path {
        case ["connect", "token"]: return await token(request)
        case ["connect", "revocation"]: return await revocation(request)
        case [".well-known", "openid-configuration"]: return discovery(request)
        case _ where path.count == 3 && path[0] == "v3" && path[2] == "jobs": return await jobs(request)
        default: return Response(.notFound)
        }
    }

    private func token(_ request: Request) async -> Response {
        switch await issuer.mint(Result { () throws(Refusal) in try grant(for: request) }) {
        case .refused(let response):
            return response
        case .banned(let seconds):
            return Response(.tooManyRequests, json: [["message": "The rate limit has been exceeded"]])
                .adding("Retry-After", String(seconds))
        case .issued(let token, let seconds):
            return Self.answer(
                .ok,
                [
                    "access_token": .string(token.text), "expires_in": .integer(seconds), "token_type": "Bearer",
                    "scope": .string(token.purpose),
                ])
        }
    }

    /// Judges a token request as IdentityServer's `TokenEndpoint` and `TokenRequestValidator` do, in their order.
    private func grant(for request: Request) throws(Refusal) -> TokenGrant {
        guard request.method == .post, let parameters = try? Parameters(of: request) else {
            throw Refusal(client: nil, response: Self.error("invalid_request"))
        }
        let client = try authenticate(request, parameters)
        if let error = Self.objection(to: parameters["grant_type"], parameters) {
            throw Refusal(client: client, response: Self.error(error))
        }
        guard let scopes = Self.scopes(parameters["scope"], of: client) else {
            throw Refusal(client: client, response: Self.error("invalid_scope"))
        }
        return TokenGrant(
            client: client, purpose: scopes.joined(separator: " "),
            claims: [
                ("iss", .string(Self.origin(of: request))), ("client_id", .string(client.id)),
                ("scope", .array(scopes.map { .string($0) })),
            ])
    }

    /// The client that proved itself: by Basic, whose halves are form-decoded, and else by the body.
    private func authenticate(_ request: Request, _ parameters: Parameters) throws(Refusal) -> SimulatedClient {
        let refused = Self.error("invalid_client")
        guard let (id, secret) = Self.basic(request) ?? Self.body(parameters) else {
            throw Refusal(client: nil, response: refused)
        }
        guard let client = issuer.client(id), client.secret == secret else {
            throw Refusal(client: issuer.client(id), response: refused)
        }
        return client
    }

    private static func basic(_ request: Request) -> (id: String, secret: String)? {
        guard let sent = request.basicCredentials, !sent.user.isEmpty, sent.user.utf8.count <= Limit.credential,
            sent.password.utf8.count <= Limit.credential, let id = try? FormBody.decode(sent.user.utf8),
            let secret = try? FormBody.decode(sent.password.utf8)
        else { return nil }
        return (id, secret)
    }

    private static func body(_ parameters: Parameters) -> (id: String, secret: String)? {
        guard let id = parameters["client_id"], let secret = parameters["client_secret"],
            id.utf8.count <= Limit.credential, secret.utf8.count <= Limit.credential
        else { return nil }
        return (id, secret)
    }

    /// What IdentityServer says to a grant type that is not the clients'; nil for `client_credentials`.
    private static func objection(to grantType: String?, _ parameters: Parameters) -> String? {
        switch grantType {
        case "client_credentials": nil
        case "authorization_code", "password", "urn:ietf:params:oauth:grant-type:device_code": "unauthorized_client"
        case "refresh_token": parameters["refresh_token"] == nil ? "invalid_request" : "invalid_grant"
        default: "unsupported_grant_type"
        }
    }

    /// The scopes asked for, each once and sorted, or all of the client's; nil when it may not have one of them.
    private static func scopes(_ asked: String?, of client: SimulatedClient) -> [String]? {
        let asked = asked ?? ""
        let names = Set(asked.split(separator: " ").map(String.init))
        let granted = names.isEmpty ? Set(client.scopes) : names
        guard asked.utf8.count <= Limit.scope, !granted.isEmpty, granted.isSubset(of: client.scopes) else { return nil }
        return granted.sorted()
    }

    private func revocation(_ request: Request) async -> Response {
        guard request.method == .post else { return Response(allowing: "POST") }
        if let answer = await issuer.fault(at: .revocation)?.answer { return answer }
        let parameters: Parameters
        do throws(Parameters.Malformed) {
            parameters = try Parameters(of: request)
        } catch {
            return error == .mediaType ? Response(.unsupportedMediaType) : Self.revocationError("invalid_request")
        }
        guard (try? authenticate(request, parameters)) != nil else { return Self.revocationError("invalid_client") }
        guard parameters["token"] != nil else { return Self.revocationError("invalid_request") }
        guard [nil, "access_token", "refresh_token"].contains(parameters["token_type_hint"]) else {
            return Self.revocationError("unsupported_token_type")
        }
        return Response(.ok)
    }

    private func discovery(_ request: Request) -> Response {
        guard request.method.reads else { return Response(allowing: "GET, HEAD") }
        let origin = Self.origin(of: request)
        return Response(
            .ok,
            json: [
                "issuer": .string(origin),
                "token_endpoint": .string(origin + "/connect/token"),
                "revocation_endpoint": .string(origin + "/connect/revocation"),
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            ])
    }

    private func jobs(_ request: Request) async -> Response {
        guard request.method.reads else { return Response(allowing: "GET, HEAD") }
        if let answer = await issuer.fault(at: .api)?.answer { return answer }
        guard issuer.accepts(request.bearerToken) else {
            return Response(.unauthorized, json: [["message": "API key is invalid or expired"]])
                .adding("WWW-Authenticate", "Bearer")
        }
        return Response(.ok, json: [])
    }

    /// Where the client reached us: IdentityServer believes the `Host` field as well.
    private static func origin(of request: Request) -> String {
        let url = request.fields["Host"].flatMap { HTTPURL("http://\($0)/") }
        return "http://" + (url?.authority ?? "localhost")
    }

    private static func error(_ code: String) -> Response { answer(.badRequest, ["error": .string(code)]) }

    private static func answer(_ status: Status, _ body: JSON) -> Response {
        Response(status, json: body, type: "application/json; charset=UTF-8").notStored("no-store, no-cache, max-age=0")
    }

    private static func revocationError(_ code: String) -> Response {
        Response(.badRequest, json: ["error": .string(code)], type: "application/json; charset=UTF-8")
    }
}
