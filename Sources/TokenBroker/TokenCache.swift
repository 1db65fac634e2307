import Logging
import Synchronization
import Telemetry

/// One tenant's tokens: hands them out, and sees to it that there is one to hand out.
///
/// The decisions are ``TenantState``'s; this carries them out. The lock guards that state alone, is the tenant's own, and is
/// never held across a wait. Whatever runs in the background belongs to the cache, not to a caller, and ends soon after
/// the cache is gone.
final class TokenCache: Sendable {
    /// What the rest of the program provides.
    struct Surroundings: Sendable {
        let endpoint: any TokenEndpoint
        let timekeeper: any Timekeeper
        let executor: (any TaskExecutor)?
        let settings: Broker.Settings
        let metrics: BrokerMetrics
        let logger: Logger
    }

    let tenant: Tenant
    let identity: TenantIdentity
    /// The key of a request that names no scopes, from a caller whose grant limits none.
    let defaultKey: TokenKey

    private let surroundings: Surroundings
    private let handOuts: (fresh: Counter, aging: Counter, lastKnownGood: Counter)
    private let coalescedCallers: Counter
    private let upstreamRequests: Histogram
    private let state: Mutex<TenantState>

    init(_ tenant: Tenant, _ surroundings: Surroundings) {
        self.tenant = tenant
        self.surroundings = surroundings
        let metrics = surroundings.metrics
        handOuts = (
            metrics.handOuts(tenant.name, .fresh), metrics.handOuts(tenant.name, .aging),
            metrics.handOuts(tenant.name, .lastKnownGood)
        )
        coalescedCallers = metrics.coalescedCallers(tenant.name)
        upstreamRequests = metrics.upstreamRequests(tenant.provider.name)
        identity = TenantIdentity(tenant)
        defaultKey = TokenKey(tenant: identity, scopes: tenant.scopes)
        state = Mutex(
            TenantState(
                tenant: tenant, defaultKey: defaultKey, settings: surroundings.settings,
                at: surroundings.timekeeper.now))
    }

    private var now: Instant { surroundings.timekeeper.now }

    /// Runs in the background, on the tenant's executor.
    private func run(_ work: @escaping @Sendable () async -> Void) {
        Task(executorPreference: surroundings.executor, operation: work)
    }
}

// MARK: Handing out

extension TokenCache {
    /// The token of a key: at once when there is a usable one, else after a mint.
    ///
    /// - Parameter minimum: What the caller would like to have left; worth a wait, but no error when it cannot be had.
    func token(_ key: TokenKey, minimum: Duration?) async throws(BrokerError) -> HandOut {
        let arrival = now
        switch state.withLock({ $0.answer(key, minimum: minimum, at: arrival) }) {
        case .handOut(let handOut, let departure):
            if let departure { launch(departure) }
            return count(handOut)
        case .wait(let flight, let departure):
            return try await wait(for: flight, departure, key, minimum: minimum, arrival: arrival)
        case .refuse(let error):
            throw error
        }
    }

    /// Mints the default token for an operator, whatever stands in the way but the budget.
    func refresh() async throws(BrokerError) -> HandOut {
        let arrival = now
        switch state.withLock({ $0.refresh(at: arrival) }) {
        case .handOut(let handOut, _):
            return count(handOut)
        case .wait(let flight, let departure):
            switch await join(defaultKey, flight, departure, until: arrival + surroundings.settings.callerDeadline) {
            case .landed: return try await token(defaultKey, minimum: nil)
            case .once(let token): return count(HandOut(once: token, minimum: nil))
            case .failed(let error): throw error
            }
        case .refuse(let error):
            throw error
        }
    }

    /// Mints the default token, if there is none, before anybody asks.
    func warm() {
        let now = now
        if let departure = state.withLock({ $0.warm(at: now) }) { launch(departure) }
    }

    private func wait(
        for flight: Int, _ departure: Departure?, _ key: TokenKey, minimum: Duration?, arrival: Instant
    ) async throws(BrokerError) -> HandOut {
        let deadline = arrival + surroundings.settings.callerDeadline
        if departure == nil { coalescedCallers.increment() }
        var (flight, departure) = (flight, departure)
        while true {
            let landing = await join(key, flight, departure, until: deadline)
            let now = now
            switch landing {
            case .once(let token):
                return count(HandOut(once: token, minimum: minimum))
            case .failed(let error):
                guard let handOut = state.withLock({ $0.fallback(key, minimum: minimum, at: now) }) else { throw error }
                return count(handOut)
            case .landed:
                switch state.withLock({ $0.answer(key, minimum: minimum, at: now) }) {
                case .handOut(let handOut, let departure):
                    if let departure { launch(departure) }
                    return count(handOut)
                case .wait(let next, let nextDeparture):
                    (flight, departure) = (next, nextDeparture)
                case .refuse(let error):
                    throw error
                }
            }
        }
    }

    private func count(_ handOut: HandOut) -> HandOut {
        switch handOut.state {
        case .fresh: handOuts.fresh.increment()
        case .aging: handOuts.aging.increment()
        case .lastKnownGood: handOuts.lastKnownGood.increment()
        }
        return handOut
    }
}

extension HandOut {
    /// A token without a lifetime, for those who waited for it.
    fileprivate init(once token: AccessToken, minimum: Duration?) {
        self.init(
            token: token, remaining: .zero, refreshIn: .zero, state: .aging, minimumLifetime: minimum.map { _ in .zero }
        )
    }
}

// MARK: Flights

extension TokenCache {
    /// Waits for a flight, which leaves now if it has yet to.
    private func join(
        _ key: TokenKey, _ flight: Int, _ departure: Departure?, until deadline: Instant
    ) async -> Landing {
        await withCheckedContinuation { continuation in
            let waiter = Waiter(deadline: deadline, continuation: continuation)
            let (isFlying, needsSweeper) = state.withLock { $0.join(key, flight: flight, waiter) }
            if !isFlying { continuation.resume(returning: .landed) }
            if needsSweeper { sweep(key, flight, from: deadline) }
            // Only now: a flight that landed before its first passenger had boarded would leave it behind.
            if let departure { launch(departure) }
        }
    }

    private func launch(_ departure: Departure) {
        run { await self.fly(departure) }
    }

    private func fly(_ departure: Departure) async {
        let sent = now
        let answer: Result<MintedToken, MintFailure>
        do throws(MintFailure) {
            answer = .success(
                try await surroundings.endpoint.mint(
                    tenant, scopes: departure.key.scopes, deadline: sent + departure.timeout))
        } catch {
            answer = .failure(error)
        }
        let landed = now
        upstreamRequests.record(landed - sent)
        guard let arrival = state.withLock({ $0.land(departure, sent: sent, answer, at: landed) }) else { return }
        for waiter in arrival.waiters { waiter.continuation.resume(returning: arrival.landing) }
        report(departure, arrival.result)
        keep(departure.key, generation: arrival.generation)
    }

    /// Sends a flight's overdue waiters away, for as long as it has waiters.
    private func sweep(_ key: TokenKey, _ flight: Int, from first: Instant) {
        nap(until: first) { $0.sweep(key, flight) }
    }

    private func sweep(_ key: TokenKey, _ flight: Int) -> Instant? {
        let now = now
        let (overdue, retryAfter, next) = state.withLock { $0.sweep(key, flight: flight, at: now) }
        for waiter in overdue {
            waiter.continuation.resume(returning: .failed(.upstreamTimeout(retryAfter: retryAfter)))
        }
        return next
    }

    /// Looks after a key until a later keeper does, or there is nothing left to look after.
    private func keep(_ key: TokenKey, generation: Int) {
        nap(until: care(for: key, generation: generation)) { $0.care(for: key, generation: generation) }
    }

    /// Does `work` at an instant, and again at the instant it names, until it names none or the cache is gone.
    ///
    /// It may come early, so it has to decide for itself what is due.
    private func nap(until first: Instant?, then work: @escaping @Sendable (TokenCache) -> Instant?) {
        guard let first else { return }
        let timekeeper = surroundings.timekeeper
        run { [weak self] in
            // Not `while let wake = self?...`: Swift 6.3.1 frees that loop's stack in the wrong order and aborts.
            var next: Instant? = first
            while let wake = next {
                // An hour at most: what is waited for may be gone long before its 100 days.
                await timekeeper.sleep(until: min(wake, timekeeper.now + .seconds(3600)))
                next = self.flatMap(work)
            }
        }
    }

    private func care(for key: TokenKey, generation: Int) -> Instant? {
        let now = now
        switch state.withLock({ $0.care(for: key, generation: generation, at: now) }) {
        case .sleep(let wake): return wake
        case .depart(let departure): launch(departure)
        case .end: break
        }
        return nil
    }

    private func report(_ departure: Departure, _ result: Result<AccessToken, MintFailure>) {
        var metadata: Logger.Metadata = ["tenant": "\(tenant.name)", "reason": "\(departure.reason.rawValue)"]
        switch result {
        case .success(let token):
            surroundings.metrics.mints(tenant.name, departure.reason, outcome: "ok").increment()
            metadata["fingerprint"] = "\(token.fingerprint)"
            metadata["lifetime"] = "\(token.schedule.lifetime.components.seconds)"
            surroundings.logger.info("token minted", metadata: metadata)
        case .failure(let failure):
            surroundings.metrics.mints(tenant.name, departure.reason, outcome: failure.name).increment()
            metadata["failure"] = "\(failure.name)"
            metadata["cause"] = "\(failure.cause)"
            metadata["cure"] =
                failure.isPermanent ? "another credential or scope, or an operator's refresh" : "back-off"
            surroundings.logger.warning("mint failed", metadata: metadata)
        }
    }
}

// MARK: Revocation

extension TokenCache {
    /// Drops a token, and tells the upstream if it can be told.
    ///
    /// - Parameter fingerprint: Of `token`.
    func revoke(_ token: Secret, _ fingerprint: Fingerprint) async throws(BrokerError) -> Revocation {
        let now = now
        switch state.withLock({ $0.revoke(fingerprint, at: now) }) {
        case .done(let revocation):
            return revocation
        case .dropped:
            report(fingerprint, result: Revocation.local.rawValue, nil)
            return .local
        case .pending(let retryAfter):
            throw .revocationPending(retryAfter: retryAfter)
        case .attempt:
            // Not the caller's own task: its leaving must not end the attempt.
            let attempt = Task(executorPreference: surroundings.executor) {
                await self.revokeUpstream(token, fingerprint, failures: 0)
            }
            guard let retryAfter = await attempt.value else { return .upstream }
            keepRevoking(token, fingerprint, after: 1)
            throw .revocationPending(retryAfter: retryAfter)
        }
    }

    /// - Returns: How long until the next attempt; nil when this one succeeded.
    private func revokeUpstream(_ token: Secret, _ fingerprint: Fingerprint, failures: Int) async -> Duration? {
        let sent = now
        var failure: MintFailure?
        do throws(MintFailure) {
            try await surroundings.endpoint.revoke(
                token, of: tenant, deadline: sent + surroundings.settings.revocationTimeout)
        } catch {
            failure = error
        }
        let answered = now
        let retryAfter = state.withLock { [failure] state in
            state.noteRevocation(fingerprint, failure, failures: failures + 1, at: answered)
        }
        report(fingerprint, result: failure == nil ? Revocation.upstream.rawValue : "pending", failure)
        return retryAfter
    }

    /// Tells the upstream again and again, until it has heard or the token has ended.
    private func keepRevoking(_ token: Secret, _ fingerprint: Fingerprint, after failures: Int) {
        nap(until: nextRevocationTry(fingerprint)) { cache in
            // It may have ended meanwhile.
            guard cache.nextRevocationTry(fingerprint) != nil else { return nil }
            cache.run {
                let retryAfter = await cache.revokeUpstream(token, fingerprint, failures: failures)
                if retryAfter != nil { cache.keepRevoking(token, fingerprint, after: failures + 1) }
            }
            return nil
        }
    }

    private func nextRevocationTry(_ fingerprint: Fingerprint) -> Instant? {
        let now = now
        return state.withLock { $0.nextRevocationTry(fingerprint, at: now) }
    }

    private func report(_ fingerprint: Fingerprint, result: String, _ failure: MintFailure?) {
        surroundings.metrics.revocations(tenant.name, result: result).increment()
        var metadata: Logger.Metadata = [
            "tenant": "\(tenant.name)", "fingerprint": "\(fingerprint)", "result": "\(result)",
        ]
        guard let failure else { return surroundings.logger.info("token revoked", metadata: metadata) }
        metadata["failure"] = "\(failure.name)"
        metadata["cause"] = "\(failure.cause)"
        surroundings.logger.warning("revocation failed", metadata: metadata)
    }
}

// MARK: Metrics

extension TokenCache {
    /// What is true at the moment of a scrape.
    struct Reading {
        let remaining: Duration
        let budget: Int
        let isSuspended: Bool
    }

    func reading() -> Reading {
        let now = now
        return state.withLock { state in
            Reading(
                remaining: state.defaultTokenRemaining(at: now), budget: state.budgetRemaining(at: now),
                isSuspended: state.isSuspended)
        }
    }
}
