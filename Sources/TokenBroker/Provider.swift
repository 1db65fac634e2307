/// A vendor's dialect of OAuth 2.0 client credentials: how a token is asked for, read and revoked.
///
/// `pageup` and `ukg` are built-in values of this type, not code paths.
package struct Provider: Hashable, Sendable {
    /// How the client proves itself (RFC 6749 §2.3).
    package enum ClientAuthentication: String, Sendable {
        /// HTTP Basic with id and secret form-encoded first, as RFC 6749 §2.3.1 demands.
        case basic
        /// HTTP Basic with id and secret as they are: what UKG and many others take.
        case basicRaw
        /// Id and secret among the parameters.
        case body
        /// Id and secret each in a header field of its own.
        case header
        /// A JWT signed with ES256 (RFC 7523 §2.2). The credential's secret is the private key, in PEM.
        case privateKeyJWT
        /// The tenant's client certificate, and the id among the parameters (RFC 8705 §2).
        case tls
    }

    /// The token request's method: RFC 6749 §3.2 has `POST`.
    package enum RequestMethod: String, Sendable { case post, get }

    /// How the token request's parameters travel.
    package enum BodyFormat: String, Sendable {
        case form, json
        /// Not in the body at all, but in the URL's query.
        case query
    }

    /// A parameter, or a header field, with its values: more than one is sent as a repeat (RFC 8707 §2 allows it for
    /// `resource`).
    package struct Parameter: Hashable, Sendable {
        package var name: String
        package var values: [Secret]
        /// Whether people may not see the values.
        package var isSecret: Bool

        package init(_ name: String, _ values: [String], isSecret: Bool = false) {
            self.name = name
            self.values = values.map { Secret($0) }
            self.isSecret = isSecret
        }
    }

    /// How a success answer is read. Each member is named by its path: the names on the way to it, with `.` between.
    package struct Answer: Hashable, Sendable {
        /// What the body is.
        package enum Format: String, Sendable {
            /// As RFC 6749 §5.1 has it.
            case json
            /// `application/x-www-form-urlencoded`; JSON, for those who err in it, is understood too.
            case form
            /// The bare token.
            case token
        }

        /// What ``expiresIn`` counts.
        package enum LifetimeUnit: String, Sendable {
            case seconds, milliseconds
            /// An instant, since 1970.
            case unixSeconds, unixMilliseconds
            /// An instant, as RFC 3339 writes it.
            case dateTime
        }

        package var format = Format.json
        package var accessToken = "access_token"
        package var tokenType = "token_type"
        package var expiresIn = "expires_in"
        package var expiresInUnit = LifetimeUnit.seconds
        package var scope = "scope"
        package var error = "error"
        /// Names of members on the top level, each a text, that whoever gets the token gets too: Salesforce's `instance_url`.
        package var members: [String] = []

        package init() {}
    }

    /// What cures a failure that the vendor words in its own way; see ``MintFailure``.
    package enum FailureClass: String, Sendable { case rejected, throttled, unavailable }

    /// The name that the configuration, metrics and logs use: `pageup`, `ukg`, `oauth2`.
    package var name: String
    package var tokenURL: String
    /// Where a token is revoked (RFC 7009); nil when the vendor has no such endpoint.
    package var revocationURL: String?
    package var clientAuthentication: ClientAuthentication
    /// How the client proves itself when it revokes; nil for the same way.
    package var revocationAuthentication: ClientAuthentication?
    /// The parameter or field that the id is in, where ``clientAuthentication`` leaves that open.
    package var clientIDName = "client_id"
    package var clientSecretName = "client_secret"
    /// `aud` of a client assertion; nil for the token URL. Vendors also want their issuer there.
    package var assertionAudience: String?
    /// `kid` of a client assertion.
    package var assertionKeyID: String?
    package var method = RequestMethod.post
    package var bodyFormat: BodyFormat
    /// nil for a vendor that wants none.
    package var grantType: String? = "client_credentials"
    /// Header fields sent besides what the rest demands.
    package var headers: [Parameter] = []
    /// Sent besides `grant_type` and `scope`.
    package var parameters: [Parameter]
    package var scopeSeparator: String
    package var answer = Answer()
    /// The scheme that tokens are used with, whatever the answer calls it; nil when it has to say `Bearer`.
    package var tokenType: String?
    /// What a token lives whatever the answer says; nil to believe the answer.
    package var fixedLifetime: Duration?
    /// What a token lives when the answer does not say (`expires_in` is only RECOMMENDED, RFC 6749 §5.1).
    package var defaultLifetime: Duration
    /// What answers mean that mean something else with others: by the code of the error, or by `http_403` and the like.
    package var failures: [String: FailureClass] = [:]
    /// How many mints a credential has, unless its tenant says otherwise.
    package var mintBudget: MintBudget.Limits

    package init(
        name: String, tokenURL: String, revocationURL: String? = nil, clientAuthentication: ClientAuthentication,
        bodyFormat: BodyFormat = .form, parameters: [Parameter] = [], scopeSeparator: String = " ",
        defaultLifetime: Duration = .seconds(300), mintBudget: MintBudget.Limits = .standard
    ) {
        self.name = name
        self.tokenURL = tokenURL
        self.revocationURL = revocationURL
        self.clientAuthentication = clientAuthentication
        self.bodyFormat = bodyFormat
        self.parameters = parameters
        self.scopeSeparator = scopeSeparator
        self.defaultLifetime = defaultLifetime
        self.mintBudget = mintBudget
    }
}

extension Provider {
    /// PageUp: an IdentityServer; id and secret in the body, JWTs of 300 s, no revocation that would work on them.
    ///
    /// Source: developers.pageuppeople.com/Content/authentication.
    package static func pageUp(tokenURL: String) -> Provider {
        Provider(name: "pageup", tokenURL: tokenURL, clientAuthentication: .body)
    }

    /// The token URL of PageUp's current form: `login` or `loginuat`, and the data center (`dc2` to `dc5`).
    package static func pageUpTokenURL(live: Bool, dataCenter: String) -> String {
        "https://\(live ? "login" : "loginuat").\(dataCenter).pageuppeople.com/connect/token"
    }

    /// UKG HR Service Delivery: the application by raw Basic, the customer as `client_id` in the body.
    ///
    /// UKG expires the tokens of a consumer that asks for too many, and does not say how many those are; its tokens live
    /// an hour or longer. Hence half of the standard budget, which is still more than twenty times what one token takes.
    /// Source: doc.people-doc.com/client/auth/oauth.html.
    ///
    /// - Parameter baseURL: Scheme and host, without a final `/`.
    package static func ukg(baseURL: String, clientID: String) -> Provider {
        Provider(
            name: "ukg", tokenURL: baseURL + "/api/v2/client/tokens",
            revocationURL: baseURL + "/api/v2/client/revoke_token", clientAuthentication: .basicRaw,
            parameters: [Parameter("client_id", [clientID])], defaultLifetime: .seconds(3600),
            mintBudget: MintBudget.Limits(burst: 5, perHour: 30))
    }

    /// UKG's hosts by region (doc.people-doc.com/client/api/index-v2.html).
    package static let ukgRegions: [String: String] = [
        "eu": "https://apis.eu.people-doc.com", "us": "https://apis.us.people-doc.com",
        "staging-eu": "https://apis.staging.eu.people-doc.com", "staging-us": "https://apis.staging.us.people-doc.com",
        "atl": "https://apis.hrsd.ultipro.com", "tor": "https://apis.hrsd.ultipro.ca",
    ]
}
