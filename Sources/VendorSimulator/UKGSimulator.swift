import Crypto
import FoundationEssentials
import HTTP

/// The authorization server of UKG HR Service Delivery (PeopleDoc), to rehearse against.
///
/// A token request carries two identities: the application by Basic, raw and not form-encoded, and the customer as
/// `client_id` in the body. Errors have the bodies that clients of the real one report. Not known, and chosen here:
/// the `WWW-Authenticate` field of a 401 (RFC 6749 §5.2 demands one), what a revocation answers (200 and `{}`, also for
/// an unknown token, as in RFC 7009 §2.2), and how the purge goes that UKG threatens consumers of too many tokens with
/// (`BanPolicy.ukg`, then 429 without `Retry-After`).
///
/// Besides `POST /api/v2/client/tokens` and `POST /api/v2/client/revoke_token` there is one sample of the API,
/// `GET /api/v2/client/employees`. `/_simulator/` is `ControlRoutes`.
final class UKGSimulator: Sendable {
    private let issuer: Issuer

    /// - Parameters:
    ///   - lifetime: Of a token, in whole seconds; UKG sets it for each application, and shows 3600 s and 8640000 s.
    ///   - ban: nil for none.
    ///   - now: The time of day.
    ///   - pause: Waits for as long as a slow fault asks.
    init(
        clients: [SimulatedClient], lifetime: Duration = SimulatedVendor.ukg.lifetime,
        ban: BanPolicy? = SimulatedVendor.ukg.ban,
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
        return switch request.target.segments {
        case ["api", "v2", "client", "tokens"]: await tokens(request)
        case ["api", "v2", "client", "revoke_token"]: await revokeToken(request)
        case ["api", "v2", "client", "employees"]: await employees(request)
        default: Response(.notFound)
        }
    }

    private func tokens(_ request: Request) async -> Response {
        guard request.method == .post else { return Response(allowing: "POST") }
        switch await issuer.mint(Result { () throws(Refusal) in try grant(for: request) }) {
        case .refused(let response):
            return response
        case .banned:
            return Response(
                .tooManyRequests, json: ["code": "rate_limit_exceeded", "message": "Rate Limit Exceeded"])
        case .issued(let token, let seconds):
            return Response(
                .ok,
                json: ["token_type": "bearer", "access_token": .string(token.text), "expires_in": .integer(seconds)]
            ).notStored()
        }
    }

    private func grant(for request: Request) throws(Refusal) -> TokenGrant {
        let client = try authenticate(request)
        guard let parameters = try? Parameters(of: request), parameters["grant_type"] == "client_credentials",
            parameters["scope"] == "client", let customer = parameters["client_id"],
            client.clientIDs.contains(customer)
        else { throw Refusal(client: client, response: Self.invalidRequest) }
        return TokenGrant(
            client: client, purpose: customer,
            claims: [("client_id", .string(customer)), ("application_id", .string(client.id))])
    }

    private func revokeToken(_ request: Request) async -> Response {
        guard request.method == .post else { return Response(allowing: "POST") }
        if let answer = await issuer.fault(at: .revocation)?.answer { return answer }
        do throws(Refusal) {
            let client = try authenticate(request)
            guard let token = (try? Parameters(of: request))?["token"] else { return Self.invalidRequest }
            issuer.revoke(token, of: client)
            return Response(.ok, json: [:])
        } catch {
            return error.response
        }
    }

    private func employees(_ request: Request) async -> Response {
        guard request.method.reads else { return Response(allowing: "GET, HEAD") }
        if let answer = await issuer.fault(at: .api)?.answer { return answer }
        guard issuer.accepts(request.bearerToken) else {
            return Response(.unauthorized, json: ["code": "invalid_token", "message": "Token is invalid."])
                .adding("WWW-Authenticate", "Bearer")
        }
        return Response(.ok, json: [])
    }

    private func authenticate(_ request: Request) throws(Refusal) -> SimulatedClient {
        let sent = request.basicCredentials
        let client = sent.flatMap { issuer.client($0.user) }
        guard let client, client.secret == sent?.password else {
            throw Refusal(client: client, response: Self.invalidClient)
        }
        return client
    }

    private static var invalidClient: Response {
        Response(
            .unauthorized,
            json: ["error": "invalid_client", "error_description": "Client authentication failed."]
        ).notStored().adding("WWW-Authenticate", "Basic realm=\"client\"")
    }

    private static var invalidRequest: Response {
        Response(
            .badRequest, json: ["error": "invalid_request", "error_description": "The request is invalid"]
        ).notStored()
    }
}
