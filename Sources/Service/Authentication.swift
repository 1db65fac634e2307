import HTTP

/// Who may ask: finds the caller that a request proves itself to be. Deny by default.
///
/// A key is looked up by its SHA-256. What a lookup's time can tell is about a digest that nobody can steer, and the
/// comparison itself takes constant time (CWE-208).
struct Authentication: Sendable {
    private let byKey: [KeyDigest: Caller]

    init(_ callers: [Caller]) {
        var byKey: [KeyDigest: Caller] = [:]
        for caller in callers {
            for key in caller.keys { byKey[key] = caller }
        }
        self.byKey = byKey
    }

    /// The caller that sent `request`, by its `Authorization` field: an API key as a bearer token (RFC 6750 §2.1), or
    /// name and key as Basic (RFC 6749 §2.3.1).
    ///
    /// - Throws: 401 with the challenge that fits.
    func caller(of request: Request) throws(ErrorResponse) -> Caller {
        guard let field = request.fields.bytes(of: "Authorization") else { throw Self.missing }
        guard request.fields.count(of: "Authorization") == 1 else {
            throw .invalidRequest("more than one Authorization field")
        }
        if let key = Self.bearerKey(field) {
            guard let caller = byKey[KeyDigest(of: key)] else { throw Self.invalidToken }
            return caller
        }
        guard let basic = BasicCredentials(field: String(decoding: field, as: UTF8.self)) else {
            throw Self.invalidClient
        }
        return try caller(id: basic.user, key: basic.password)
    }

    /// The caller that sent a form to the token or revocation endpoint: by the `Authorization` field, or by `client_id`
    /// and `client_secret` in the form, but not by both (RFC 6749 §2.3).
    func caller(of request: Request, form: FormParameters) throws(ErrorResponse) -> Caller {
        let id = try form.single("client_id")
        let secret = try form.single("client_secret")
        guard let secret else {
            let caller = try caller(of: request)
            // RFC 6749 §3.2.1 has a client name itself besides Basic; then it has to be the same name.
            if let id, id != caller.name { throw .invalidRequest("client_id is not the authenticated caller") }
            return caller
        }
        guard request.fields["Authorization"] == nil else {
            throw .invalidRequest("credentials both in the Authorization field and in the body")
        }
        return try caller(id: id ?? "", key: secret)
    }

    /// Basic comes raw from most clients and form-encoded from some, as RFC 6749 §2.3.1 has it. Names and keys of ours
    /// read the same both ways unless a client encodes what needs no encoding, so either reading may prove the caller.
    private func caller(id: String, key: String) throws(ErrorResponse) -> Caller {
        let readings = [(id, key), (Self.formDecoded(id), Self.formDecoded(key))]
        for (id, key) in readings {
            if let caller = byKey[KeyDigest(of: key)], caller.name == id { return caller }
        }
        throw Self.invalidClient
    }

    private static func formDecoded(_ text: String) -> String {
        (try? FormBody.decode(text.utf8)) ?? text
    }

    /// The scheme's name is without case (RFC 9110 §11.1).
    private static func bearerKey(_ field: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard field.prefix(6).equalsIgnoringCase("bearer") else { return nil }
        let rest = field.dropFirst(6)
        guard rest.isEmpty || rest.first == UInt8(ascii: " ") else { return nil }
        return rest.drop { $0 == UInt8(ascii: " ") }
    }

    private static let missing = refusal(
        nil, "credentials are required", #"Bearer realm="tokenwell", Basic realm="tokenwell""#)
    private static let invalidToken = refusal(
        "invalid_token", "the key is not valid", #"Bearer realm="tokenwell", error="invalid_token""#)
    private static let invalidClient = refusal(
        "invalid_client", "client authentication failed", #"Basic realm="tokenwell""#)

    private static func refusal(_ code: String?, _ description: String, _ challenge: String) -> ErrorResponse {
        var refusal = ErrorResponse(.unauthorized, code, description)
        refusal.challenge = challenge
        return refusal
    }
}
