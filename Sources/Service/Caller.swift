import HTTP
package import Sockets
package import TokenBroker

/// An internal service that asks for tokens.
package struct Caller: Hashable, Sendable {
    /// What a caller proves itself by: no two callers have one in common.
    enum Proof: Hashable {
        case key(KeyDigest)
        case jwt(CallerJWT)
        case certificate(CertificateName)
    }

    package private(set) var identity: CallerIdentity
    /// None, one, or two while it changes from one key to the next.
    package var keys: [KeyDigest]
    /// nil when no JWT proves it.
    package var jwt: CallerJWT?
    /// Any of these in a client certificate.
    package var certificateNames: [CertificateName]
    package var grant: Grant
    /// From where it may ask; empty is from everywhere.
    package var networks: [Network]

    /// Its id where the protocol wants one, see ``isName(_:)``.
    package var name: String { identity.name }

    var proofs: [Proof] {
        keys.map { .key($0) } + [jwt].compactMap { $0.map { .jwt($0) } } + certificateNames.map { .certificate($0) }
    }

    /// - Parameter rejectionsPerMinute: At least 1.
    package init(
        name: String, keys: [KeyDigest] = [], jwt: CallerJWT? = nil, certificateNames: [CertificateName] = [],
        grant: Grant, networks: [Network] = [],
        rejectionsPerMinute: Int = CallerIdentity.usualRejectionsPerMinute, rateLimit: RateLimit? = nil
    ) {
        identity = CallerIdentity(name: name, rejectionsPerMinute: rejectionsPerMinute, rateLimit: rateLimit)
        self.keys = keys
        self.jwt = jwt
        self.certificateNames = certificateNames
        self.grant = grant
        self.networks = networks
    }

    /// The same without what it is found by: each request copies it.
    var found: Caller {
        var caller = self
        (caller.keys, caller.jwt, caller.certificateNames) = ([], nil, [])
        return caller
    }

    /// What `body` makes of its request; what is refused there concerns this caller.
    func served<Value>(_ body: () throws(ErrorResponse) -> Value) throws(ErrorResponse) -> Value {
        do throws(ErrorResponse) { return try body() } catch {
            throw error.caller == nil ? error.concerning(self) : error
        }
    }

    /// The same with what one of `others` has used of its limits, if that is the same caller with the same limits.
    func continuing(_ others: [String: Caller]) -> Caller {
        guard let known = others[name]?.identity, known == identity else { return self }
        var caller = self
        caller.identity = known
        return caller
    }

    /// Whether it may ask from there.
    func mayCome(from address: SocketAddress) -> Bool {
        networks.isEmpty || networks.contains { $0.contains(address) }
    }

    /// `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`.
    package static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first.isASCIILetter || first.isASCIIDigit else { return false }
        return text.utf8.count <= 63 && Printable.isWord(text)
    }
}
