import HTTP
import Synchronization
import TokenBroker

/// `GET` and `POST /tokens/{tenant}`: hands out the tenant's token.
struct TokenRoute: Sendable {
    let broker: Broker
    let authentication: Authentication
    let audit: AuditLog?

    /// `GET`: `scope` and `min_ttl` in the query; `If-None-Match` answers 304.
    func get(_ request: Request, tenant: String) throws(ErrorResponse) -> Reply {
        let caller = try authentication.caller(of: request)
        return try caller.served { () throws(ErrorResponse) in
            let parameters = try FormParameters(query: request.target.query)
            let known = request.fields["If-None-Match"]
            return try reply(
                to: request, tenant, for: caller, scope: try parameters.single("scope"),
                minimumLifetime: try Self.minimumLifetime(try parameters.single("min_ttl"))
            ) { handOut in
                if let known, EntityTag.matches(known, TokenRendering.tag(handOut.token.fingerprint)) {
                    return Self.notModified(handOut)
                }
                return Self.answer(handOut)
            }
        }
    }

    /// `POST`: an RFC 6749 §4.4 token endpoint.
    func post(_ request: Request, tenant: String) throws(ErrorResponse) -> Reply {
        let form = try FormParameters(bodyOf: request)
        let caller = try authentication.caller(of: request, form: form)
        return try caller.served { () throws(ErrorResponse) in
            guard let grantType = try form.single("grant_type") else { throw .invalidRequest("grant_type is missing") }
            guard grantType == "client_credentials" else {
                throw ErrorResponse(.badRequest, "unsupported_grant_type", "grant_type must be client_credentials")
            }
            return try reply(
                to: request, tenant, for: caller, scope: try form.single("scope"), minimumLifetime: nil,
                answer: Self.answer)
        }
    }

    /// Hands the tenant's token out as `answer` has it, at once while it is fresh.
    func reply(
        to request: Request, _ tenant: String, for caller: Caller, scope: String?, minimumLifetime: Duration?,
        answer: @escaping @Sendable (HandOut) -> Response
    ) throws(ErrorResponse) -> Reply {
        let wanted = try TokenRequest(
            tenant: tenant, scope: scope, minimumLifetime: minimumLifetime, caller: caller)
        do throws(BrokerError) {
            if let handOut = try broker.freshToken(wanted) {
                audit?.handOut(handOut, of: tenant, to: caller, request)
                return .ready(answer(handOut))
            }
        } catch {
            throw ErrorResponse(error, tenant: tenant).concerning(caller, broker.known(tenant))
        }
        return .later {
            do throws(BrokerError) {
                let handOut = try await broker.token(wanted)
                audit?.handOut(handOut, of: tenant, to: caller, request)
                return answer(handOut)
            } catch {
                return audit.refused(ErrorResponse(error, tenant: tenant).concerning(caller, tenant), request)
            }
        }
    }

    /// Seconds, at most the 100 days that a lifetime is capped at.
    private static func minimumLifetime(_ text: String?) throws(ErrorResponse) -> Duration? {
        guard let text else { return nil }
        guard text.utf8.count <= 7, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let seconds = Int(text),
            seconds <= 8_640_000
        else { throw .invalidRequest("min_ttl is a number of seconds from 0 to 8640000") }
        return .seconds(seconds)
    }

    /// The answer that holds the token.
    @Sendable static func answer(_ handOut: HandOut) -> Response {
        let rendering = TokenRendering.of(handOut.token)
        var body: [UInt8] = []
        body.reserveCapacity(rendering.members.count + 112)
        body.append(contentsOf: rendering.members)
        body.append(#","expires_in":"#)
        body.append(decimal: handOut.remaining.wholeSeconds)
        body.append(#","refresh_in":"#)
        body.append(decimal: handOut.refreshIn.wholeSeconds)
        body.append(#","state":""#)
        body.append(contentsOf: handOut.state.rawValue.utf8)
        if let minimumLifetime = handOut.minimumLifetime {
            body.append(#"","min_ttl":"#)
            body.append(decimal: minimumLifetime.wholeSeconds)
            body.append("}")
        } else {
            body.append(#""}"#)
        }
        return Response(.ok, fields: rendering.fields, body: body)
    }

    private static func notModified(_ handOut: HandOut) -> Response {
        Response(.notModified, fields: TokenRendering.of(handOut.token).notModified(handOut.token.secret))
    }
}

extension TokenRequest {
    /// - Parameter scope: As it was sent (RFC 6749 §3.3).
    init(
        tenant: String, scope: String?, minimumLifetime: Duration? = nil, caller: Caller
    ) throws(ErrorResponse) {
        var scopes: ScopeSet?
        if let scope {
            scopes = ScopeSet(parsing: scope)
            guard scopes != nil else { throw ErrorResponse(.badRequest, "invalid_scope", "malformed scope") }
        }
        self.init(
            tenant: tenant, scopes: scopes, minimumLifetime: minimumLifetime, caller: caller.identity,
            grant: caller.grant)
    }
}

/// What is the same in every answer that holds one token, written once.
final class TokenRendering: Rendering {
    /// The members of our own answers, and one that would have clients renew a token that is not theirs (RFC 6749 §6).
    static let reservedMembers: Set<String> = [
        "access_token", "error", "error_description", "error_uri", "expires_in", "min_ttl", "refresh_in",
        "refresh_token",
        "scope", "state", "token_type",
    ]

    let fields: Fields
    /// Those of RFC 6749 §5.1 that stay as they are, and what the upstream gave to hand on, after the opening brace.
    let members: [UInt8]
    private let type: String
    /// Made when they are first asked for, as most tokens are never handed to a proxy, nor asked after by their tags.
    private let authorization = AtomicLazyReference<Kept>()
    private let notModified = AtomicLazyReference<Kept>()

    private final class Kept: Sendable {
        let fields: Fields

        init(_ fields: Fields) { self.fields = fields.trimmed }
    }

    init(_ minted: MintedToken, scopes: ScopeSet) {
        var fields = Self.notModifiedFields(minted.token)
        fields.append("Content-Type", "application/json")
        self.fields = fields.trimmed
        type = minted.tokenType
        var members: [UInt8] = [UInt8(ascii: "{")]
        members.append(member: "access_token")
        members.append(json: minted.token.reveal())
        members.append(member: "token_type")
        members.append(json: minted.tokenType)
        members.append(member: "scope")
        members.append(json: scopes.description)
        for (name, value) in minted.members.sorted(by: { $0.key < $1.key }) {
            members.append(",")
            members.append(json: name)
            members.append(":")
            members.append(json: value.reveal())
        }
        // Without room for more.
        self.members = members.map(\.self)
    }

    private static func notModifiedFields(_ token: Secret) -> Fields {
        var fields = Fields()
        fields.append("Cache-Control", "no-store")
        fields.append("Pragma", "no-cache")
        fields.append("ETag", tag(Fingerprint(of: token.reveal())))
        return fields
    }

    /// The fields of an answer that says that the token is still the one that the caller has.
    ///
    /// - Parameter token: The one that this is the rendering of.
    func notModified(_ token: Secret) -> Fields {
        if let made = notModified.load() { return made.fields }
        return notModified.storeIfNil(Kept(Self.notModifiedFields(token))).fields
    }

    /// The fields of an answer that has the token in `Authorization` (RFC 6750 §2.1).
    ///
    /// - Parameter token: The one that this is the rendering of.
    func authorization(_ token: Secret) -> Fields {
        if let made = authorization.load() { return made.fields }
        var fields = Fields()
        fields.append("Cache-Control", "no-store")
        fields.append("Pragma", "no-cache")
        fields.append("Authorization", "\(type) \(token.reveal())")
        return authorization.storeIfNil(Kept(fields)).fields
    }

    static func of(_ token: AccessToken) -> TokenRendering {
        guard let rendering = token.rendering as? TokenRendering else {
            preconditionFailure("a broker whose tokens are not rendered here")
        }
        return rendering
    }

    /// The entity tag of an answer with that token.
    static func tag(_ fingerprint: Fingerprint) -> String { "\"\(fingerprint)\"" }
}

extension Duration {
    /// Rounded down: nobody is promised more than there is.
    var wholeSeconds: Int { Int(components.seconds) }
}
