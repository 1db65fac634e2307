import Crypto
import FoundationEssentials
import HTTP
import Synchronization

/// A token request that the vendor finds in order.
struct TokenGrant: Sendable {
    var client: SimulatedClient
    /// What the token is for: the scopes at PageUp, the customer's `client_id` at UKG.
    var purpose: String
    /// The vendor's own claims; the issuer adds `jti` and the times.
    var claims: [(name: String, value: JSON)]
}

/// A token request that the vendor refuses, in the vendor's words.
struct Refusal: Error {
    /// The client that it names, if there is one of that name.
    var client: SimulatedClient?
    var response: Response
}

/// What the simulators share: it knows the clients, counts their mints, issues and withdraws their tokens, and plays
/// the faults that it was told to.
///
/// One lock guards all of its state; what is held for one client never outgrows `MintLedger` and `IssuedTokens`.
final class Issuer: Sendable {
    /// What the lock guards.
    private struct State {
        var ledgers: [String: MintLedger] = [:]
        var tokens = IssuedTokens()
        var faults = FaultPlan()
    }

    /// What came of a token request.
    enum Outcome {
        /// `seconds` is what the token has left.
        case issued(IssuedToken, seconds: Int)
        /// Refused for asking too often, for that many more seconds.
        case banned(seconds: Int)
        case refused(Response)
    }

    private let clients: [String: SimulatedClient]
    private let lifetime: Duration
    private let ban: BanPolicy?
    private let now: @Sendable () -> Date
    private let pause: @Sendable (Duration) async -> Void
    private let signer = TokenSigner()
    private let state = Mutex(State())

    /// - Parameter clients: Of two with one id, the last counts.
    init(
        clients: [SimulatedClient], lifetime: Duration, ban: BanPolicy?, now: @escaping @Sendable () -> Date,
        pause: @escaping @Sendable (Duration) async -> Void
    ) {
        self.clients = Dictionary(clients.map { ($0.id, $0) }) { $1 }
        self.lifetime = lifetime
        self.ban = ban
        self.now = now
        self.pause = pause
    }

    var publicKey: P256.Signing.PublicKey { signer.publicKey }

    func client(_ id: String) -> SimulatedClient? { clients[id] }

    /// Plays the fault that is armed for the endpoint: waits for a slow one, and returns its mode for the rest.
    func fault(at endpoint: Fault.Endpoint) async -> Fault.Mode? {
        let mode = state.withLock { $0.faults.strike(endpoint) }
        if case .slow(let delay) = mode { await pause(delay) }
        return mode
    }

    /// Decides a token request that the vendor has judged, and counts it.
    func mint(_ request: Result<TokenGrant, Refusal>) async -> Outcome {
        let fault = await fault(at: .token)
        switch request {
        case .failure(let refusal):
            recordRefusal(of: refusal.client)
            return .refused(fault?.answer ?? refusal.response)
        case .success(let grant):
            guard let answer = fault?.answer else { return issue(grant, repeating: fault == .sameToken) }
            recordRefusal(of: grant.client)
            return .refused(answer)
        }
    }

    /// Whether an API of the vendor takes this token.
    func accepts(_ token: String?) -> Bool {
        guard let token else { return false }
        let now = now()
        return state.withLock { $0.tokens.owner(of: token, at: now) != nil }
    }

    /// Kills a token of the client; any other is left as it is.
    func revoke(_ token: String, of client: SimulatedClient) {
        state.withLock { $0.tokens.remove(token, of: client.id) }
    }

    /// Kills every token of the client, and returns how many there were; nil when there is no such client.
    func expireAll(of id: String) -> Int? {
        guard clients[id] != nil else { return nil }
        let now = now()
        return state.withLock { $0.tokens.removeAll(of: id, at: now) }
    }

    func perform(_ command: FaultCommand) {
        state.withLock { state in
            switch command {
            case .arm(let fault): state.faults.arm(fault)
            case .disarm(let endpoint): state.faults.disarm(endpoint)
            }
        }
    }

    /// Every client's ledger, its good tokens counted, and the end of its ban, in the order of the ids.
    func report() -> [(id: String, ledger: MintLedger, tokens: Int, bannedUntil: Date?)] {
        let now = now()
        let ids = clients.keys.sorted()
        return state.withLock { state in
            ids.map { id in
                let ledger = state.ledgers[id] ?? MintLedger()
                return (id, ledger, state.tokens.count(of: id, at: now), ledger.bannedUntil(at: now))
            }
        }
    }

    private func recordRefusal(of client: SimulatedClient?) {
        guard let client else { return }
        let now = now()
        state.withLock { $0.ledgers[client.id, default: MintLedger()].recordRefusal(at: now) }
    }

    /// The token is signed before the lock is taken, and thrown away when the ledger refuses it.
    private func issue(_ grant: TokenGrant, repeating: Bool) -> Outcome {
        let now = now()
        guard let fresh = try? sign(grant, at: now) else {
            return .refused(Response(.internalServerError, text: "Internal Server Error"))
        }
        let id = grant.client.id
        return state.withLock { state in
            switch state.ledgers[id, default: MintLedger()].mint(at: now, under: ban) {
            case .banned(let until):
                return .banned(seconds: Self.secondsLeft(until, now))
            case .bannedNow(let until):
                if ban?.expiresTokens == true { _ = state.tokens.removeAll(of: id, at: now) }
                return .banned(seconds: Self.secondsLeft(until, now))
            case .minted:
                let former = repeating ? state.tokens.latest(of: id, for: grant.purpose, at: now) : nil
                if let former {
                    return .issued(former, seconds: Int(former.expires.timeIntervalSince(now)))
                }
                state.tokens.insert(fresh, of: id, at: now)
                return .issued(fresh, seconds: Int(lifetime.components.seconds))
            }
        }
    }

    private func sign(_ grant: TokenGrant, at now: Date) throws -> IssuedToken {
        let issued = Int(now.timeIntervalSince1970)
        let times: [(name: String, value: JSON)] = [
            ("nbf", .integer(issued)), ("iat", .integer(issued)),
            ("exp", .integer(issued + Int(lifetime.components.seconds))), ("jti", .string(UUID().uuidString)),
        ]
        return IssuedToken(
            text: try signer.sign(.object(grant.claims + times)), purpose: grant.purpose,
            expires: now + lifetime.timeInterval)
    }

    /// Rounded up, as `Retry-After` has to be.
    private static func secondsLeft(_ until: Date, _ now: Date) -> Int {
        Int(until.timeIntervalSince(now).rounded(.up))
    }
}
