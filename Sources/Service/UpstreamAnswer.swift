import HTTP
import Sockets
import TokenBroker

/// What an upstream's answer means. Classified by the body's `error` first and by the status second: IdentityServer answers
/// 400 to everything.
///
/// Nothing of the body gets past here but what was checked, so that no vendor's words reach a log or a caller. What the
/// answer calls its media type is of no account: the body is what the provider has, strictly, or it is nothing.
enum UpstreamAnswer {
    private static let maximumTokenBytes = 16 * 1024
    /// Of a member that is handed on.
    private static let maximumMemberBytes = 2048
    /// Longer pauses are not believed.
    private static let maximumRetryAfter = 86_400
    /// Codes after which another try with the same credential and scopes is pointless, whatever the status (RFC 6749 §5.2).
    private static let rejections: Set<String> = ["invalid_client", "unauthorized_client", "invalid_scope"]
    /// The same of the request as a whole; but servers in distress say these too, so only with status 400.
    private static let requestRejections: Set<String> = [
        "invalid_request", "invalid_grant", "unsupported_grant_type", "access_denied",
    ]

    /// Reads the answer to a token request (RFC 6749 §5) as the provider gives it.
    ///
    /// - Parameter now: Seconds since 1970, for instants in the answer when that does not say what time it was there.
    static func token(_ response: Response, of provider: Provider, now: Int) throws(MintFailure) -> MintedToken {
        let answer = provider.answer
        let body = document(response.body, answer.format)
        // Even in a 200: some servers refuse with one.
        if let error = error(in: body, at: answer.error) { throw failure(error, response, of: provider, now: now) }
        guard response.status == .ok else { throw failure(nil, response, of: provider, now: now) }
        guard !response.body.isEmpty else { throw .unavailable("empty_answer") }
        guard let body, body.isObject else { throw .unavailable("malformed_answer") }
        guard let token = body.member(at: answer.accessToken)?.text, isToken(token) else {
            throw .unavailable("malformed_token")
        }
        return MintedToken(
            token: Secret(token), tokenType: try tokenType(body, of: provider),
            lifetime: try lifetime(body, of: provider, now: clock(of: response) ?? now),
            scopes: try scopes(body.member(at: answer.scope)?.text, separator: provider.scopeSeparator),
            members: try members(answer.members, of: body))
    }

    /// Reads the answer to a revocation: any 2xx without an `error` will do (RFC 7009 §2.2; UKG documents none).
    static func revocation(_ response: Response, of provider: Provider, now: Int) throws(MintFailure) {
        let error = error(in: JSONDocument(parsing: response.body), at: provider.answer.error)
        if (200..<300).contains(response.status.code), error == nil { return }
        throw failure(error, response, of: provider, now: now)
    }

    // MARK: - Bodies

    /// The body in the shape of RFC 6749 §5.1, if that is what it is or can be read as.
    private static func document(_ body: [UInt8], _ format: Provider.Answer.Format) -> JSONDocument? {
        let document = JSONDocument(parsing: body)
        switch format {
        case .json: return document
        case .form: return document?.isObject == true ? document : form(body)
        case .token: return document?.isObject == true ? document : bareToken(body)
        }
    }

    /// A form's pairs; nil when a name repeats, as in JSON.
    private static func form(_ body: [UInt8]) -> JSONDocument? {
        guard let form = try? FormBody(parsing: body) else { return nil }
        let members = form.pairs.map { ($0.name, JSONDocument.string($0.value)) }
        let byName = Dictionary(members) { first, _ in first }
        return byName.count == members.count && !byName.isEmpty ? .object(byName) : nil
    }

    /// The body as the token that it is all of: `b64token` (RFC 6750 §2.1), so that neither HTML nor JSON can pass for one.
    private static func bareToken(_ body: [UInt8]) -> JSONDocument? {
        var body = body[...]
        if body.last == UInt8(ascii: "\n") { body.removeLast() }
        if body.last == UInt8(ascii: "\r") { body.removeLast() }
        guard body.allSatisfy({ $0.isASCIILetter || $0.isASCIIDigit || "-._~+/=".utf8.contains($0) }) else {
            return nil
        }
        return .object(["access_token": .string(String(decoding: body, as: UTF8.self))])
    }

    // MARK: - Failures

    /// Why there was no answer.
    static func failure(_ error: HTTPClientError) -> MintFailure {
        switch error {
        case .timedOut: .timeout
        case .unknownHost: .unavailable("unknown_host")
        case .connect: .unavailable("connection_failed")
        case .tls(let error): .unavailable(cause(error))
        case .closed: .unavailable("connection_closed")
        case .malformed(.bodyTooLarge): .unavailable("answer_too_large")
        case .malformed(.unsupportedContentCoding): .unavailable("unknown_content_coding")
        case .malformed: .unavailable("malformed_answer")
        }
    }

    /// A word for each thing that an operator can set right.
    private static func cause(_ error: TLSError) -> String {
        switch error {
        case .expired: "tls_expired"
        case .notYetValid: "tls_not_yet_valid"
        case .wrongHost: "tls_wrong_host"
        case .selfSigned: "tls_self_signed"
        case .unknownIssuer: "tls_unknown_issuer"
        case .untrusted: "tls_untrusted"
        case .certificateRequired: "tls_certificate_required"
        case .refusedByPeer: "tls_certificate_refused"
        default: "tls_failed"
        }
    }

    /// The code of the error that the body tells of, empty when it has none; nil when the body tells of no error.
    private static func error(in body: JSONDocument?, at path: String) -> String? {
        switch body?.member(at: path) {
        case .string(let code): code.isEmpty ? nil : code
        case .number(let code): Double(code) == 0 ? nil : code
        case .boolean(true), .array, .object: ""
        case nil, .null, .boolean(false): nil
        }
    }

    private static func failure(
        _ error: String?, _ response: Response, of provider: Provider, now: Int
    ) -> MintFailure {
        let retryAfter = retryAfter(response, now: now)
        let status = "http_\(response.status.code)"
        for word in [error, status].compactMap(\.self) {
            if let known = provider.failures[word] { return failure(known, word, retryAfter) }
            if isRejection(word, response.status) { return .rejected(word) }
        }
        switch response.status.code {
        case 429: return .throttled(retryAfter: retryAfter)
        case 300..<400: return .unavailable("redirected")
        case 200..<300 where error != nil: return .unavailable("error_in_success", retryAfter: retryAfter)
        default: return .unavailable(status, retryAfter: retryAfter)
        }
    }

    private static func failure(
        _ known: Provider.FailureClass, _ word: String, _ retryAfter: Duration?
    ) -> MintFailure {
        switch known {
        case .rejected: .rejected(word)
        case .throttled: .throttled(retryAfter: retryAfter)
        case .unavailable: .unavailable(word, retryAfter: retryAfter)
        }
    }

    private static func isRejection(_ word: String, _ status: Status) -> Bool {
        rejections.contains(word) || status == .badRequest && requestRejections.contains(word)
            || ["http_401", "http_403"].contains(word)
    }

    /// `Retry-After` in both of its forms (RFC 9110 §10.2.3), a day at most; nil when it is absent or neither.
    static func retryAfter(_ response: Response, now: Int) -> Duration? {
        guard let text = response.fields["Retry-After"], !text.isEmpty else { return nil }
        let seconds =
            // More digits than a number can have are many seconds too.
            text.utf8.allSatisfy(\.isASCIIDigit)
            ? Int(text) ?? .max : HTTPDate.parse(text).map { $0 - (clock(of: response) ?? now) }
        return seconds.map { .seconds(min(max(0, $0), maximumRetryAfter)) }
    }

    /// What time it was at the upstream, by its own clock (RFC 9110 §6.6.1): instants of its own are held against that.
    private static func clock(of response: Response) -> Int? { response.fields["Date"].flatMap(HTTPDate.parse) }

    // MARK: - Members

    /// Printable ASCII (RFC 6749 appendix A.12), without the space that would split an `Authorization` field.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= maximumTokenBytes && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private static func tokenType(_ body: JSONDocument, of provider: Provider) throws(MintFailure) -> String {
        if let type = provider.tokenType { return type }
        guard let type = body.member(at: provider.answer.tokenType)?.text, type.lowercased() == "bearer" else {
            throw .unavailable("unknown_token_type")
        }
        return "Bearer"
    }

    /// What is left of the token's life; nil when the answer does not say.
    private static func lifetime(
        _ body: JSONDocument, of provider: Provider, now: Int
    ) throws(MintFailure) -> Duration? {
        if let fixed = provider.fixedLifetime { return fixed }
        switch body.member(at: provider.answer.expiresIn) {
        case nil, .null: return nil
        // PayPal and others write a number as a string.
        case .number(let text), .string(let text):
            guard let seconds = seconds(text, in: provider.answer.expiresInUnit, now: now) else {
                throw .unavailable("malformed_answer")
            }
            // Some say "never" by the largest number they have; the schedule has a cap of its own.
            return .seconds(Int(min(max(seconds, -1e9), 1e9)))
        default: throw .unavailable("malformed_answer")
        }
    }

    private static func seconds(_ text: String, in unit: Provider.Answer.LifetimeUnit, now: Int) -> Double? {
        switch unit {
        case .seconds: number(text)
        case .milliseconds: number(text).map { $0 / 1000 }
        case .unixSeconds: number(text).map { $0 - Double(now) }
        case .unixMilliseconds: number(text).map { $0 / 1000 - Double(now) }
        case .dateTime: DateTime.parse(text).map { Double($0 - now) }
        }
    }

    /// A decimal number, which `Double` alone does not ask for.
    private static func number(_ text: String) -> Double? {
        guard text.utf8.allSatisfy({ $0.isASCIIDigit || "+-.eE".utf8.contains($0) }) else { return nil }
        return Double(text).flatMap { $0.isFinite ? $0 : nil }
    }

    private static func scopes(_ text: String?, separator: String) throws(MintFailure) -> ScopeSet? {
        guard let text, !text.isEmpty else { return nil }
        let plain = separator == " " ? text : text.split(separator: separator).joined(separator: " ")
        guard text.utf8.count <= 8192, let scopes = ScopeSet(parsing: plain) else {
            throw .unavailable("malformed_scope")
        }
        return scopes
    }

    /// Those of the named members that are there, each a printable ASCII text.
    private static func members(_ names: [String], of body: JSONDocument) throws(MintFailure) -> [String: Secret] {
        guard case .object(let all) = body else { return [:] }
        var members: [String: Secret] = [:]
        for name in names {
            switch all[name] {
            case nil, .null: continue
            case .string(let text)
            where text.utf8.count <= maximumMemberBytes && text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }):
                members[name] = Secret(text)
            default: throw .unavailable("malformed_member")
            }
        }
        return members
    }
}
