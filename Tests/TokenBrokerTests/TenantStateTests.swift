import Testing

@testable import TokenBroker

struct TenantStateTests {
    private let now = ContinuousClock.now

    private func state(_ tenant: Tenant) -> TenantState {
        let credential = SharedCredential(CredentialIdentity(tenant), of: [tenant], at: now, keptBy: nil)
        return TenantState(TenantSetup(tenant, credential), settings: Broker.Settings(random: { 0 }), at: now)
    }

    /// Asks for the default token, and has the upstream answer so.
    private func ask(_ state: inout TenantState, _ answer: Result<MintedToken, MintFailure>) -> Int? {
        guard case .wait(_, let departure?) = state.answer(state.defaultKey, minimum: nil, for: nil, at: now) else {
            return nil
        }
        return state.land(departure, with: state.credential, secret: 0, sent: now, answer, at: now).generation
    }

    /// Follows a keeper until it ends or mints.
    private func lastCare(_ state: inout TenantState, generation: Int) -> ContinuousClock.Instant {
        var instant = now
        while case .sleep(let next) = state.care(for: state.defaultKey, generation: generation, at: instant) {
            instant = next
        }
        return instant
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var answer: Result<MintedToken, MintFailure>
        /// When nothing is known of the key any more.
        var forgotten: Duration?
        var testDescription: String { name }
    }

    @Test(arguments: [
        Case(name: "it failed", answer: .failure(.timeout), forgotten: .seconds(900)),
        Case(
            name: "it failed, and may not be asked for soon", answer: .failure(.throttled(retryAfter: .seconds(3000))),
            forgotten: .seconds(3000)),
        Case(name: "its scopes are refused, for good", answer: .failure(.rejected("invalid_scope")), forgotten: nil),
    ])
    func `a key that nobody asks for is forgotten when nothing about it matters`(_ example: Case) throws {
        var state = state(.example())
        let generation = try #require(ask(&state, example.answer))
        // It is in use only once something was minted for it.
        let end = lastCare(&state, generation: generation)
        #expect(state.takeOver().isEmpty == (example.forgotten != nil))
        if let forgotten = example.forgotten { #expect(end == now + forgotten) }
    }

    @Test func `a keeper of a key that was forgotten is in charge of no other`() throws {
        var state = state(.example())
        let first = try #require(ask(&state, .failure(.timeout)))
        _ = lastCare(&state, generation: first)
        #expect(ask(&state, .failure(.timeout)) != first)
    }
}
