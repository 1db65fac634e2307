/// A vendor's dialect of OAuth 2.0 client credentials: how a token is asked for, read and revoked.
///
/// `pageup` and `ukg` are built-in values of this type, not code paths.
package struct Provider: Hashable, Sendable {
    /// How the client proves itself (RFC 6749 §2.3).
    package enum ClientAuthentication: Hashable, Sendable {
        /// HTTP Basic with id and secret form-encoded first, as RFC 6749 §2.3.1 demands.
        case basic
        /// HTTP Basic with id and secret as they are: what UKG and many others take.
        case basicRaw
        /// `client_id` and `client_secret` in the body.
        case body
    }

    /// How the token request's parameters travel.
    package enum BodyFormat: Hashable, Sendable { case form, json }

    /// A parameter with its values: more than one is sent as a repeat (RFC 8707 §2 allows it for `resource`).
    package struct Parameter: Hashable, Sendable {
        package var name: String
        package var values: [String]

        package init(_ name: String, _ values: [String]) {
            self.name = name
            self.values = values
        }
    }

    /// The name that the configuration, metrics and logs use: `pageup`, `ukg`, `oauth2`.
    package var name: String
    package var tokenURL: String
    /// Where a token is revoked (RFC 7009); nil when the vendor has no such endpoint.
    package var revocationURL: String?
    package var clientAuthentication: ClientAuthentication
    package var bodyFormat: BodyFormat
    /// Sent besides `grant_type` and `scope`.
    package var parameters: [Parameter]
    package var scopeSeparator: String
    /// What a token lives when the answer does not say (`expires_in` is only RECOMMENDED, RFC 6749 §5.1).
    package var defaultLifetime: Duration
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
    /// UKG expires the tokens of a consumer that asks for too many, hence the small budget.
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
