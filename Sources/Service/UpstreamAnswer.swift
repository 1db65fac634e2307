import FoundationEssentials
import HTTP
import TokenBroker

/// What an upstream's answer means. Classified by the body's `error` first and by the status second: IdentityServer answers
/// 400 to everything.
///
/// Nothing of the body gets past here but what was checked, so that no vendor's words reach a log or a caller.
enum UpstreamAnswer {
    private static let maximumTokenBytes = 16 * 1024
    /// Codes after which another try with the same credential and scopes is pointless, whatever the status (RFC 6749 §5.2).
    private static let rejections: Set<String> = ["invalid_client", "unauthorized_client", "invalid_scope"]
    /// The same of the request as a whole; but servers in distress say these too, so only with status 400.
    private static let requestRejections: Set<String> = [
        "invalid_request", "invalid_grant", "unsupported_grant_type", "access_denied",
    ]

    /// Reads the answer to a token request (RFC 6749 §5).
    ///
    /// - Parameter now: For a `Retry-After` that is a date: seconds since 1970.
    static func token(_ response: Response, of provider: Provider, now: Int) throws(MintFailure) -> MintedToken {
        let body = try? JSONDecoder().decode(Body.self, from: Data(response.body))
        // Even in a 200: some servers refuse with one.
        if let error = body?.error { throw failure(error, response, now: now) }
        guard response.status == .ok else { throw failure(nil, response, now: now) }
        guard !response.body.isEmpty else { throw .unavailable("empty_answer") }
        guard let body else { throw .unavailable("malformed_answer") }
        guard let token = body.accessToken, isToken(token) else { throw .unavailable("malformed_token") }
        guard let type = body.tokenType, type.lowercased() == "bearer" else { throw .unavailable("unknown_token_type") }
        return MintedToken(
            token: Secret(token), tokenType: "Bearer", lifetime: body.lifetime,
            scopes: try scopes(body.scope, separator: provider.scopeSeparator))
    }

    /// Reads the answer to a revocation: any 2xx without an `error` will do (RFC 7009 §2.2; UKG documents none).
    static func revocation(_ response: Response, now: Int) throws(MintFailure) {
        let error = (try? JSONDecoder().decode(Body.self, from: Data(response.body)))?.error
        if (200..<300).contains(response.status.code), error == nil { return }
        throw failure(error, response, now: now)
    }

    /// Why there was no answer.
    static func failure(_ error: HTTPClientError) -> MintFailure {
        switch error {
        case .timedOut: .timeout
        case .unknownHost: .unavailable("unknown_host")
        case .connect: .unavailable("connection_failed")
        case .tls: .unavailable("tls_failed")
        case .closed: .unavailable("connection_closed")
        case .malformed: .unavailable("malformed_answer")
        }
    }

    private static func failure(_ error: String?, _ response: Response, now: Int) -> MintFailure {
        let retryAfter = retryAfter(response, now: now)
        if let error, rejections.contains(error) { return .rejected(error) }
        if let error, requestRejections.contains(error), response.status == .badRequest { return .rejected(error) }
        switch response.status.code {
        case 429: return .throttled(retryAfter: retryAfter)
        case 401, 403: return .rejected("http_\(response.status.code)")
        case 300..<400: return .unavailable("redirected")
        case 200..<300 where error != nil: return .unavailable("error_in_success", retryAfter: retryAfter)
        default: return .unavailable("http_\(response.status.code)", retryAfter: retryAfter)
        }
    }

    /// `Retry-After` in both of its forms (RFC 9110 §10.2.3); nil when it is absent or neither.
    static func retryAfter(_ response: Response, now: Int) -> Duration? {
        guard let text = response.fields["Retry-After"] else { return nil }
        if text.utf8.count <= 9, text.utf8.allSatisfy(\.isASCIIDigit), let seconds = Int(text) {
            return .seconds(seconds)
        }
        return HTTPDate.parse(text).map { .seconds(max(0, $0 - now)) }
    }

    /// Printable ASCII (RFC 6749 appendix A.12), without the space that would split an `Authorization` field.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= maximumTokenBytes && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private static func scopes(_ text: String?, separator: String) throws(MintFailure) -> ScopeSet? {
        guard let text, !text.isEmpty else { return nil }
        let plain = separator == " " ? text : text.split(separator: separator).joined(separator: " ")
        guard text.utf8.count <= 8192, let scopes = ScopeSet(parsing: plain) else {
            throw .unavailable("malformed_scope")
        }
        return scopes
    }

    /// The members that are read; what else there is, RFC 6749 §5.1 has us ignore.
    private struct Body: Decodable {
        var accessToken: String?
        var tokenType: String?
        var scope: String?
        var error: String?
        var lifetime: Duration?

        /// Their names on the wire.
        enum CodingKeys: String, CodingKey {
            case accessToken = "access_token"
            case tokenType = "token_type"
            case expiresIn = "expires_in"
            case scope, error
        }

        init(from decoder: any Decoder) throws {
            let body = try decoder.container(keyedBy: CodingKeys.self)
            error = try? body.decodeIfPresent(String.self, forKey: .error)
            if error?.isEmpty == true { error = nil }
            // An error is one, whatever else is said beside it.
            if error != nil { return }
            accessToken = try body.decodeIfPresent(String.self, forKey: .accessToken)
            tokenType = try body.decodeIfPresent(String.self, forKey: .tokenType)
            scope = try? body.decodeIfPresent(String.self, forKey: .scope)
            lifetime = try Self.lifetime(body)
        }

        /// `expires_in` in seconds: a number, or as PayPal and others write it, a string.
        private static func lifetime(_ body: KeyedDecodingContainer<CodingKeys>) throws -> Duration? {
            guard body.contains(.expiresIn), try !body.decodeNil(forKey: .expiresIn) else { return nil }
            let number: Double?
            if let text = try? body.decode(String.self, forKey: .expiresIn) {
                number = Double(text)
            } else {
                number = try body.decode(Double.self, forKey: .expiresIn)
            }
            guard let number, number.isFinite else {
                throw DecodingError.dataCorruptedError(
                    forKey: .expiresIn, in: body, debugDescription: "not a number of seconds")
            }
            // Some say "never" by the largest number they have; the schedule has a cap of its own.
            return .seconds(Int(min(max(number, -1e9), 1e9)))
        }
    }
}
