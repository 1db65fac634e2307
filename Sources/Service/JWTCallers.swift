import Synchronization
import TokenBroker

/// Finds the caller that a JWT proves.
///
/// A JWT is taken apart and verified once: then its digest stands for it until it ends or its issuer's keys change. The lock
/// guards the JWTs that are known so, and is taken for JWTs only.
final class JWTCallers: Sendable {
    /// Why a JWT proves nobody.
    enum Failure: Error {
        case refused(Refusal)
        /// No more signatures are verified for whoever sent it, for so long.
        case tooMany(Duration)
        /// Its key may be among those that are to be read now.
        case unread(IssuerKeys)
    }

    /// JWTs that need not be verified again.
    private static let capacity = 10_000

    /// Who is who at one issuer.
    private struct Subjects {
        let keys: IssuerKeys
        // Bytes, as texts that are canonically equivalent are equal, and may be of different users.
        var exact: [[UInt8]: Caller] = [:]
        /// The longest first.
        var prefixes: [(bytes: [UInt8], caller: Caller)] = []

        func caller(_ subject: String) -> Caller? {
            exact[Array(subject.utf8)] ?? prefixes.first { subject.utf8.starts(with: $0.bytes) }?.caller
        }
    }

    private struct Known {
        let caller: Caller
        let keys: IssuerKeys
        let generation: Int
        /// In seconds since 1970.
        let end: Int
    }

    private let byIssuer: [[UInt8]: Subjects]
    private let timeOfDay: @Sendable () -> Int
    private let known = Mutex(RecentTable<KeyDigest, Known>(capacity: capacity))

    /// - Parameters:
    ///   - issuers: One for each that a caller names.
    ///   - timeOfDay: Now, in seconds since 1970.
    init(_ callers: [Caller], issuers: [IssuerKeys], timeOfDay: @escaping @Sendable () -> Int) {
        var byIssuer: [[UInt8]: Subjects] = [:]
        for keys in issuers { byIssuer[Array(keys.issuer.issuer.utf8)] = Subjects(keys: keys) }
        for caller in callers {
            guard let jwt = caller.jwt else { continue }
            switch jwt.subject {
            case .exact(let name): byIssuer[Array(jwt.issuer.utf8)]?.exact[Array(name.utf8)] = caller.found
            case .prefix(let text): byIssuer[Array(jwt.issuer.utf8)]?.prefixes.append((Array(text.utf8), caller.found))
            }
        }
        self.byIssuer = byIssuer.mapValues { subjects in
            var subjects = subjects
            subjects.prefixes.sort { $0.bytes.count > $1.bytes.count }
            return subjects
        }
        self.timeOfDay = timeOfDay
    }

    /// The caller that the JWT proves.
    ///
    /// What it says is looked at before its signature, so that nothing is read or computed for one that would be refused
    /// anyway; but for its subject, as the time would tell who is a caller.
    ///
    /// - Parameters:
    ///   - digest: Of all of `token`.
    ///   - wait: Asked before a signature is verified: how long until that may be, nil for now.
    func caller(
        _ token: ArraySlice<UInt8>, _ digest: KeyDigest, after wait: () -> Duration?
    ) throws(Failure) -> Caller {
        let now = timeOfDay()
        if let known = known.withLock({ $0[digest] }), now < known.end,
            known.generation == known.keys.current.generation
        {
            return known.caller
        }
        let found = try verified(token, at: now, after: wait)
        known.withLock { $0[digest] = found }
        return found.caller
    }

    private func verified(
        _ token: ArraySlice<UInt8>, at now: Int, after wait: () -> Duration?
    ) throws(Failure) -> Known {
        let jwt: JWT
        do throws(Refusal) { jwt = try JWT(parsing: token) } catch { throw .refused(error) }
        guard let subjects = byIssuer[Array(jwt.claims.issuer.utf8)] else { throw .refused(.jwtIssuer) }
        let keys = subjects.keys
        if let refusal = keys.issuer.refusal(of: jwt.claims, at: now) { throw .refused(refusal) }
        if let wait = wait() { throw .tooMany(wait) }
        let current = keys.current
        switch current.set?.verdict(on: jwt) {
        case .valid:
            guard let caller = subjects.caller(jwt.claims.subject) else { throw .refused(.jwtSubject) }
            return Known(
                caller: caller, keys: keys, generation: current.generation, end: keys.issuer.end(of: jwt.claims))
        case .wrongSignature: throw .refused(.jwtSignature)
        case .unknownKey: throw keys.mayChange ? .unread(keys) : .refused(.jwtKey)
        case nil: throw keys.mayChange ? .unread(keys) : .refused(.jwtKeysUnavailable)
        }
    }
}
