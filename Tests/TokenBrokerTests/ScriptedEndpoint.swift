import Synchronization
import TokenBroker

/// The upstream as a test writes it: answers from a script by tenant, and notes what it was asked.
final class ScriptedEndpoint: TokenEndpoint {
    enum Answer: Sendable {
        /// A token that was never given before.
        case token(lifetime: Duration?, scopes: ScopeSet? = nil)
        case exactly(MintedToken)
        case failure(MintFailure)
        /// Nothing, until the test calls `release`.
        case hang
    }

    struct Mint: Sendable {
        let tenant: String
        let scopes: ScopeSet
        let secret: String
        let deadline: ContinuousClock.Instant
    }

    private struct State {
        var script: [Answer] = []
        var usual: [String: Answer] = [:]
        var mints: [Mint] = []
        var hanging: [CheckedContinuation<Answer, Never>] = []
        var refused: Set<String> = []
        var revocations: [String] = []
        var revocationFailures: [MintFailure] = []
        var revocationsHang = false
    }

    private let state = Mutex(State())

    /// Every mint so far.
    var mints: [Mint] { state.withLock { $0.mints } }
    /// Every token that it was asked to revoke.
    var revocations: [String] { state.withLock { $0.revocations } }

    /// What comes next, in order, whichever tenant asks.
    func script(_ answers: Answer...) { state.withLock { $0.script += answers } }

    /// What comes when the script is at its end; by itself, a token of 300 s.
    func usually(_ answer: Answer, for tenant: String = "acme") { state.withLock { $0.usual[tenant] = answer } }

    /// The secrets that it refuses as `invalid_client` from now on, whatever the script says.
    func refuse(_ secrets: String...) { state.withLock { $0.refused = Set(secrets) } }

    /// How the next revocations fail; after them all succeed.
    func failRevocations(_ failures: MintFailure...) { state.withLock { $0.revocationFailures = failures } }

    /// Has revocations wait for `release`, whatever that answers.
    func hangRevocations() { state.withLock { $0.revocationsHang = true } }

    /// Whether a request waits for `release`.
    var hasHanging: Bool { state.withLock { !$0.hanging.isEmpty } }

    /// Answers the request that has hung longest.
    func release(_ answer: Answer) {
        let continuation = state.withLock { $0.hanging.isEmpty ? nil : $0.hanging.removeFirst() }
        continuation?.resume(returning: answer)
    }

    func mint(
        _ tenant: Tenant, scopes: ScopeSet, deadline: ContinuousClock.Instant
    ) async throws(MintFailure) -> MintedToken {
        let (number, answer) = state.withLock { state -> (Int, Answer) in
            let secret = tenant.credential.secret.reveal()
            state.mints.append(Mint(tenant: tenant.name, scopes: scopes, secret: secret, deadline: deadline))
            if state.refused.contains(secret) { return (state.mints.count, .failure(.rejected("invalid_client"))) }
            let usual = state.usual[tenant.name] ?? .token(lifetime: .seconds(300))
            return (state.mints.count, state.script.isEmpty ? usual : state.script.removeFirst())
        }
        switch await resolved(answer) {
        case .token(let lifetime, let scopes):
            return MintedToken(token: Secret("\(tenant.name)-\(number)"), lifetime: lifetime, scopes: scopes)
        case .exactly(let token): return token
        case .failure(let failure): throw failure
        case .hang: throw .timeout
        }
    }

    func revoke(_ token: Secret, of tenant: Tenant, deadline: ContinuousClock.Instant) async throws(MintFailure) {
        let (failure, hangs) = state.withLock { state in
            state.revocations.append(token.reveal())
            let failure = state.revocationFailures.isEmpty ? nil : state.revocationFailures.removeFirst()
            return (failure, state.revocationsHang)
        }
        if hangs { _ = await resolved(.hang) }
        if let failure { throw failure }
    }

    private func resolved(_ answer: Answer) async -> Answer {
        guard case .hang = answer else { return answer }
        return await withCheckedContinuation { continuation in
            state.withLock { $0.hanging.append(continuation) }
        }
    }
}
