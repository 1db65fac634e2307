import HTTP
import Sockets
import Telemetry
import TokenBroker

/// Who may ask: finds the caller that a request proves itself to be. Deny by default.
///
/// A key is looked up by its SHA-256. What a lookup's time can tell is about a digest that nobody can steer, and the
/// comparison itself takes constant time (CWE-208). An unknown caller and a wrong key are one case, here as in the answer.
struct Authentication: Sendable {
    private let byKey: [KeyDigest: Caller]
    private let byCertificate: [CertificateName: Caller]
    /// nil when no caller has a JWT.
    private let jwts: JWTCallers?
    let failures: FailedAttempts
    private let refusals: Refusals
    private let now: @Sendable () -> ContinuousClock.Instant
    private let timeOfDay: @Sendable () -> Int

    /// - Parameters:
    ///   - issuers: Every issuer whose JWTs a caller has.
    ///   - failures: How often an address may fail, and has; it outlasts the callers.
    ///   - now: For limits.
    ///   - timeOfDay: Now, in seconds since 1970, for JWTs and certificates.
    init(
        _ callers: [Caller], issuers: [IssuerKeys] = [], failures: FailedAttempts = FailedAttempts(),
        metrics: MetricsRegistry = MetricsRegistry(),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        timeOfDay: @escaping @Sendable () -> Int = { Timestamp.now.milliseconds / 1000 }
    ) {
        var byKey: [KeyDigest: Caller] = [:]
        var byCertificate: [CertificateName: Caller] = [:]
        for caller in callers {
            for key in caller.keys { byKey[key] = caller.found }
            for name in caller.certificateNames { byCertificate[name] = caller.found }
        }
        self.byKey = byKey
        self.byCertificate = byCertificate
        jwts =
            callers.contains { $0.jwt != nil } ? JWTCallers(callers, issuers: issuers, timeOfDay: timeOfDay) : nil
        self.failures = failures
        refusals = Refusals(in: metrics)
        self.now = now
        self.timeOfDay = timeOfDay
    }

    /// The caller that sent `request`, by one of: an API key or a JWT as a bearer token (RFC 6750 §2.1), name and key as
    /// Basic (RFC 6749 §2.3.1), or a client certificate (RFC 8705 §2).
    ///
    /// - Throws: 401 with the challenge that fits, 429, and 400 for two methods in one request.
    func caller(of request: Request) throws(ErrorResponse) -> Caller {
        let certified = try certifiedCaller(of: request)
        let (first, count) = request.fields.occurrences(of: "Authorization")
        guard let field = first else {
            guard let certified else {
                refusals.record(.noCredentials)
                throw Self.missing
            }
            return try admitted(certified)
        }
        guard count == 1 else { throw .invalidRequest("more than one Authorization field") }
        guard certified == nil else { throw twoMethods("a client certificate and the Authorization field") }
        return try admitted(authorizedCaller(field, of: request))
    }

    /// The caller that sent a form to the token or revocation endpoint: as with ``caller(of:)``, or by `client_id` and
    /// `client_secret` in the form, but not by both (RFC 6749 §2.3).
    func caller(of request: Request, form: FormParameters) throws(ErrorResponse) -> Caller {
        let id = try form.single("client_id")
        let secret = try form.single("client_secret")
        guard let secret else {
            if request.fields.count(of: "Authorization") == 0, try certifiedCaller(of: request) == nil {
                refusals.record(.noCredentials)
                throw Self.missingClient
            }
            let caller = try caller(of: request)
            // RFC 6749 §3.2.1 has a client name itself besides Basic; then it has to be the same name.
            if let id, id != caller.name {
                throw .invalidRequest("client_id is not the authenticated caller").concerning(caller)
            }
            return caller
        }
        guard request.fields["Authorization"] == nil else {
            throw twoMethods("the Authorization field and the body")
        }
        guard try certifiedCaller(of: request) == nil else { throw twoMethods("a client certificate and the body") }
        return try admitted(keyedCaller(id: id ?? "", key: secret, of: request))
    }

    // MARK: - The methods

    /// By its certificate; a certificate that names no caller is only transport.
    private func certifiedCaller(of request: Request) throws(ErrorResponse) -> Caller? {
        guard !byCertificate.isEmpty, let certificate = request.clientCertificate else { return nil }
        var found: Caller?
        for name in CertificateName.all(of: certificate) {
            guard let caller = byCertificate[name], caller.name != found?.name else { continue }
            guard found == nil else { throw twoMethods("a client certificate of more than one caller") }
            found = caller
        }
        // The connection may have been open for longer than the certificate is valid.
        guard let found, timeOfDay() <= certificate.notAfter else { return nil }
        return try here(found, request, else: Self.elsewhere)
    }

    private func authorizedCaller(_ field: ArraySlice<UInt8>, of request: Request) throws(ErrorResponse) -> Caller {
        if let token = Self.bearerToken(field) { return try bearer(token, of: request) }
        guard let basic = BasicCredentials(field: String(decoding: field, as: UTF8.self)) else {
            throw refused(.wrongCredentials, request, Self.invalidClient)
        }
        return try keyedCaller(id: basic.user, key: basic.password, of: request)
    }

    private func bearer(_ token: ArraySlice<UInt8>, of request: Request) throws(ErrorResponse) -> Caller {
        let digest = KeyDigest(of: token)
        if let caller = byKey[digest] { return try here(caller, request, else: Self.invalidToken) }
        guard let jwts, JWT.looksLike(token) else { throw refused(.wrongCredentials, request, Self.invalidToken) }
        let caller: Caller
        do throws(JWTCallers.Failure) {
            caller = try jwts.caller(token, digest) {
                failures.addVerification(from: request.peer.network, at: now())
            }
        } catch {
            switch error {
            case .tooMany(let wait): throw tooManyFailures(retryAfter: wait)
            case .unread(let keys): throw Self.keysUnavailable(until: keys)
            case .refused(.jwtKeysUnavailable):
                refusals.record(.jwtKeysUnavailable)
                throw Self.keysUnavailable(until: nil)
            case .refused(let refusal): throw refused(refusal, request, Self.invalidToken)
            }
        }
        return try here(caller, request, else: Self.invalidToken)
    }

    /// Basic comes raw from most clients and form-encoded from some, as RFC 6749 §2.3.1 has it. Names and keys of ours
    /// read the same both ways unless a client encodes what needs no encoding, so either reading may prove the caller.
    private func keyedCaller(id: String, key: String, of request: Request) throws(ErrorResponse) -> Caller {
        let readings = [(id, key), (Self.formDecoded(id), Self.formDecoded(key))]
        for (id, key) in readings {
            guard let caller = byKey[KeyDigest(of: key)], caller.name == id else { continue }
            return try here(caller, request, else: Self.invalidClient)
        }
        throw refused(.wrongCredentials, request, Self.invalidClient)
    }

    private static func formDecoded(_ text: String) -> String {
        (try? FormBody.decode(text.utf8)) ?? text
    }

    /// The scheme's name is without case (RFC 9110 §11.1).
    private static func bearerToken(_ field: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard field.prefix(6).equalsIgnoringCase("bearer") else { return nil }
        let rest = field.dropFirst(6)
        guard rest.isEmpty || rest.first == UInt8(ascii: " ") else { return nil }
        return rest.drop { $0 == UInt8(ascii: " ") }
    }

    // MARK: - Refusals

    /// The caller, if it may ask from there; from elsewhere its credentials are as good as wrong.
    private func here(
        _ caller: Caller, _ request: Request, else answer: ErrorResponse
    ) throws(ErrorResponse) -> Caller {
        guard caller.mayCome(from: request.peer) else { throw refused(.network, request, answer).concerning(caller) }
        return caller
    }

    /// The caller, if it does not ask too often.
    private func admitted(_ caller: Caller) throws(ErrorResponse) -> Caller {
        guard let limit = caller.identity.rateLimit, let wait = limit.take(at: now()) else {
            caller.identity.requests.admitted.increment()
            return caller
        }
        caller.identity.requests.limited.increment()
        refusals.record(.rateLimit)
        throw ErrorResponse.slowDown("the caller asks too often", retryAfter: wait).concerning(caller)
    }

    /// What a failure is answered: `answer`, or 429 when there were too many from that address.
    private func refused(_ refusal: Refusal, _ request: Request, _ answer: ErrorResponse) -> ErrorResponse {
        guard let wait = failures.add(from: request.peer.network, at: now()) else {
            refusals.record(refusal)
            return answer
        }
        return tooManyFailures(retryAfter: wait)
    }

    private func tooManyFailures(retryAfter wait: Duration) -> ErrorResponse {
        refusals.record(.tooManyFailures)
        return ErrorResponse.slowDown("too many wrong credentials from this address", retryAfter: wait)
    }

    private func twoMethods(_ which: String) -> ErrorResponse {
        refusals.record(.twoMethods)
        return .invalidRequest("credentials twice: \(which)")
    }

    private static let missing = refusal(
        nil, "credentials are required", #"Bearer realm="tokenwell", Basic realm="tokenwell""#, isNoise: true)
    /// To a certificate that may not be shown from there: what a client without one would be told.
    private static let elsewhere = refusal(
        missing.code, missing.description, missing.challenge ?? "")
    /// A token endpoint names the error even then (RFC 6749 §5.2): clients tell a refusal from a token by that.
    private static let missingClient = refusal(
        "invalid_client", "credentials are required", #"Basic realm="tokenwell""#, isNoise: true)
    private static let invalidToken = refusal(
        "invalid_token", "the key or token is not valid", #"Bearer realm="tokenwell", error="invalid_token""#)
    private static let invalidClient = refusal(
        "invalid_client", "client authentication failed", #"Basic realm="tokenwell""#)

    private static func keysUnavailable(until keys: IssuerKeys?) -> ErrorResponse {
        var refusal = ErrorResponse(.serviceUnavailable, "temporarily_unavailable", "the issuer's keys are unavailable")
        refusal.retryAfter = 30
        refusal.remedy = keys.map(ErrorResponse.Remedy.init)
        return refusal
    }

    private static func refusal(
        _ code: String?, _ description: String, _ challenge: String, isNoise: Bool = false
    ) -> ErrorResponse {
        var refusal = ErrorResponse(.unauthorized, code, description)
        refusal.challenge = challenge
        refusal.isNoise = isNoise
        return refusal
    }
}
