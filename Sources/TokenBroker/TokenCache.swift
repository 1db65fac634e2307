import Logging
import Synchronization
import Telemetry

/// One tenant's tokens: hands them out, and sees to it that there is one to hand out.
///
/// The decisions are ``TenantState``'s; this carries them out. The lock guards that state alone, is the tenant's own, and is
/// never held across a wait. Whatever runs in the background belongs to the cache, not to a caller, and ends soon after
/// the cache is gone.
final class TokenCache: Sendable {
    /// What the rest of the program provides, to all the caches on one executor.
    final class Surroundings: Sendable {
        let endpoint: any TokenEndpoint
        let timekeeper: any Timekeeper
        let executor: (any TaskExecutor)?
        /// On that executor.
        let alarms: Alarms
        let flights = Flights()
        let settings: Broker.Settings
        let metrics: BrokerMetrics
        let logger: Logger
        let persistence: Persistence?
        private let currentDeadline: Mutex<Duration>

        init(
            endpoint: any TokenEndpoint, timekeeper: any Timekeeper, executor: (any TaskExecutor)?,
            settings: Broker.Settings, metrics: BrokerMetrics, logger: Logger, persistence: Persistence?
        ) {
            currentDeadline = Mutex(settings.callerDeadline)
            self.endpoint = endpoint
            self.timekeeper = timekeeper
            self.executor = executor
            alarms = Alarms(timekeeper, on: executor)
            self.settings = settings
            self.metrics = metrics
            self.logger = logger
            self.persistence = persistence
        }

        /// How long a caller waits: at first what the settings say.
        var callerDeadline: Duration {
            get { currentDeadline.withLock(\.self) }
            set { currentDeadline.withLock { $0 = newValue } }
        }
    }

    /// The tenant's.
    let name: String
    let surroundings: Surroundings
    let coalescedCallers = Counter()
    let mints = Tally()
    let rejections = Tally()
    let revocations = Tally()
    let state: Mutex<TenantState>
    /// What of that may fail again and again.
    private enum Subject: Hashable { case mint(ScopeSet), revocation(Fingerprint) }
    private let outages = Mutex(Outages<Subject>())
    private let handOuts = (fresh: Counter(), aging: Counter(), lastKnownGood: Counter())

    init(_ setup: TenantSetup, _ surroundings: Surroundings) {
        name = setup.tenant.name
        self.surroundings = surroundings
        state = Mutex(TenantState(setup, settings: surroundings.settings, at: surroundings.timekeeper.now))
        setup.credential.add(self)
    }

    /// The tenant as it is now.
    var setup: TenantSetup { state.withLock { $0.setup } }

    /// Takes up what a store kept, before anybody asks.
    func restore(_ body: (inout TenantState) -> Void) { state.withLock { body(&$0) } }

    var now: Instant { surroundings.timekeeper.now }

    /// Changes the state, and has the store keep what that changes of what it keeps.
    func change<Value>(_ body: (inout TenantState) -> Value) -> Value {
        state.withLock { state in
            let value = body(&state)
            if !state.changes.isEmpty {
                if let persistence = surroundings.persistence {
                    persistence.store.keep(state.takeRecords(by: persistence.clock, at: now))
                } else {
                    state.changes = TenantState.Changes()
                }
            }
            return value
        }
    }

    /// Runs in the background, on the tenant's executor.
    func run(_ work: @escaping @Sendable () async -> Void) {
        Task(executorPreference: surroundings.executor, operation: work)
    }
}

// MARK: Handing out

extension TokenCache {
    /// The token of a key while nothing needs doing about it: what nearly every request comes to.
    ///
    /// - Parameter caller: Who gets it.
    func freshToken(_ key: TokenKey, minimum: Duration?, for caller: CallerIdentity) -> HandOut? {
        let now = now
        return state.withLock { $0.fresh(key, minimum: minimum, for: caller, at: now) }.map(count)
    }

    /// The token of a key: at once when there is a usable one, else after a mint.
    ///
    /// - Parameters:
    ///   - minimum: What the caller would like to have left; worth a wait, but no error when it cannot be had.
    ///   - caller: Who gets it; nil when nobody does.
    func token(_ key: TokenKey, minimum: Duration?, for caller: CallerIdentity?) async throws(BrokerError) -> HandOut {
        let arrival = now
        let answer = state.withLock { $0.answer(key, minimum: minimum, for: caller, at: arrival) }
        return try await settle(answer, key, minimum: minimum, for: caller, arrival: arrival)
    }

    /// Does what was decided.
    func settle(
        _ answer: TenantState.Answer, _ key: TokenKey, minimum: Duration?, for caller: CallerIdentity?,
        arrival: Instant
    ) async throws(BrokerError) -> HandOut {
        switch answer {
        case .handOut(let handOut, let departure):
            if let departure { launch(departure) }
            return count(handOut)
        case .wait(let flight, let departure):
            return try await wait(for: flight, departure, key, minimum: minimum, caller: caller, arrival: arrival)
        case .refuse(let error):
            throw error
        }
    }

    /// Mints the default token for an operator, whatever stands in the way but the budget.
    func refresh() async throws(BrokerError) -> HandOut {
        let arrival = now
        let setup = setup
        let key = setup.defaultKey
        // At the end, so that the other tenants do not try before this one knows.
        defer { setup.credential.announce() }
        switch change({ $0.refresh(at: arrival) }) {
        case .handOut(let handOut, _):
            return count(handOut)
        case .wait(let flight, let departure):
            switch await join(key, flight, departure, until: arrival + surroundings.callerDeadline) {
            case .landed: return try await token(key, minimum: nil, for: nil)
            case .once(let token): return count(HandOut(once: token, minimum: nil))
            case .failed(let error): throw error
            }
        case .refuse(let error):
            throw error
        }
    }

    /// Has what is wanted without a caller minted now, if it is not there.
    func warm() {
        for (key, generation) in state.withLock({ $0.takeOver() }) { keep(key, generation: generation) }
    }

    private func warmIfKept() {
        if state.withLock({ $0.isKeptWarm }) { warm() }
    }

    /// Looks at the credential's standing, which another tenant may have changed.
    func credentialChanged() {
        let now = now
        _ = change { $0.reviewCredential(at: now) }
        warm()
    }

    /// When the default token is handed out no more; nobody's is so late as that of a tenant without one.
    var endOfUse: Instant {
        state.withLock { $0.slots[$0.defaultKey]?.token?.schedule.lastUse } ?? now + Schedule.maximumLifetime
    }

    private func wait(
        for flight: Int, _ departure: Departure?, _ key: TokenKey, minimum: Duration?, caller: CallerIdentity?,
        arrival: Instant
    ) async throws(BrokerError) -> HandOut {
        let deadline = arrival + surroundings.callerDeadline
        if departure == nil { coalescedCallers.increment() }
        var (flight, departure) = (flight, departure)
        while true {
            let landing = await join(key, flight, departure, until: deadline)
            let now = now
            switch landing {
            case .once(let token):
                return count(HandOut(once: token, minimum: minimum))
            case .failed(let error):
                let fallback = state.withLock { $0.fallback(key, minimum: minimum, for: caller, at: now) }
                guard let handOut = fallback else { throw error }
                return count(handOut)
            case .landed:
                switch state.withLock({ $0.answer(key, minimum: minimum, for: caller, at: now) }) {
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
        handOutCounter(handOut.state).increment()
        return handOut
    }

    /// How many tokens were handed out in that state.
    func handOutCounter(_ state: HandOut.State) -> Counter {
        switch state {
        case .fresh: handOuts.fresh
        case .aging: handOuts.aging
        case .lastKnownGood: handOuts.lastKnownGood
        }
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
        let credential = setup.credential
        // It may have to wait for another request's mint.
        let context = RequestContext.current?.child()
        credential.enter(isUrgent: departure.reason == .operator) { isProbe in
            RequestContext.$current.withValue(context) {
                self.run {
                    await self.fly(departure, with: credential)
                    credential.leave(isProbe: isProbe)
                }
            }
        }
    }

    private func fly(_ departure: Departure, with credential: SharedCredential) async {
        let (mayLeave, before) = state.withLock { [now] in ($0.mayLeave(departure, at: now), $0.setup) }
        guard mayLeave else { return }
        // It was held back for longer than that was the tenant's.
        guard before.credential === credential else { return launch(departure) }
        guard surroundings.flights.leave() else { return leaveToOthers(departure) }
        defer { surroundings.flights.land() }
        guard let departure = await claim(departure) else { return }
        // That may have taken long.
        let setup = setup
        let (tenant, credential) = (setup.tenant, setup.credential)
        let standing = credential.standing
        if let refusal = standing.suspension, departure.reason != .operator {
            let now = now
            return finish(departure, change { $0.ground(departure, because: refusal, at: now) })
        }
        let sent = now
        if let due = departure.refreshPoint {
            surroundings.metrics.refreshLag(tenant.provider.name).record(sent - due)
        }
        let answer: Result<MintedToken, MintFailure>
        do throws(MintFailure) {
            answer = .success(
                try await surroundings.endpoint.mint(
                    tenant.with(credential.secrets[standing.secret]), scopes: departure.key.scopes,
                    deadline: sent + departure.timeout))
        } catch {
            answer = .failure(error)
        }
        let landed = now
        surroundings.metrics.upstreamRequests(tenant.provider.name).record(landed - sent)
        let arrival = change {
            $0.land(departure, with: credential, secret: standing.secret, sent: sent, answer, at: landed)
        }
        report(departure, arrival.result, at: landed)
        finish(departure, arrival)
    }

    /// Ends a flight that never left: if anybody flies it, it is another broker.
    func leaveToOthers(_ departure: Departure) {
        let now = now
        finish(departure, change { $0.ground(departure, after: .elsewhere, at: now) })
    }

    /// Tells those concerned what a flight has come to, and sees to what follows.
    func finish(_ departure: Departure, _ arrival: TenantState.Arrival?) {
        guard let arrival else { return }
        for waiter in arrival.waiters { waiter.continuation.resume(returning: arrival.landing) }
        if let generation = arrival.generation { keep(departure.key, generation: generation) }
        if let next = arrival.next { launch(next) }
        arrival.changed?.announce()
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
        guard let due = care(for: key, generation: generation),
            state.withLock({ $0.setAlarm(for: key, generation: generation, at: due) })
        else { return }
        surroundings.alarms.set(for: due) { [weak self] in
            guard let self, let generation = self.state.withLock({ $0.takeAlarm(for: key, of: due) }) else { return }
            self.keep(key, generation: generation)
        }
    }

    /// Does `work` at an instant, and again at the instant it names, until it names none or the cache is gone.
    ///
    /// It may come early, so it has to decide for itself what is due.
    func nap(until next: Instant?, then work: @escaping @Sendable (TokenCache) -> Instant?) {
        guard let next else { return }
        surroundings.alarms.set(for: next) { [weak self] in
            if let self { self.nap(until: work(self), then: work) }
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

    private func report(_ departure: Departure, _ result: Result<AccessToken, MintFailure>, at now: Instant) {
        surroundings.settings.observe(
            .mint(
                tenant: name, scopes: departure.key.scopes, reason: departure.reason.rawValue,
                result.map(\.fingerprint)))
        let outcome = result.outcome.rawValue
        mints.count([("reason", departure.reason.rawValue), ("outcome", outcome)])
        let subject = Subject.mint(departure.key.scopes)
        var metadata: Logger.Metadata = ["tenant": "\(name)", "reason": "\(departure.reason.rawValue)"]
        switch result {
        case .success(let token):
            if case .ended(let failures, let lasted) = outages.withLock({ $0.succeed(subject, at: now) }) {
                surroundings.logger.notice(
                    "mints succeed again",
                    metadata: [
                        "tenant": "\(name)", "failures": "\(failures)",
                        "failing_seconds": "\(lasted.components.seconds)",
                    ])
            }
            metadata["fingerprint"] = "\(token.fingerprint)"
            metadata["lifetime"] = "\(token.schedule.lifetime.components.seconds)"
            surroundings.logger.info("token minted", metadata: metadata)
        case .failure(let failure):
            metadata["cure"] =
                failure.isPermanent ? "another credential or scope, or an operator's refresh" : "back-off"
            report(subject, failure, at: now, first: "mint failed", later: "mints still fail", metadata)
        }
    }

    /// Writes the line that a failure is worth; the others are there for whoever looks at level debug.
    private func report(
        _ subject: Subject, _ failure: MintFailure, at now: Instant, first: Logger.Message, later: Logger.Message,
        _ metadata: Logger.Metadata
    ) {
        var metadata = metadata
        metadata["failure"] = "\(failure.name)"
        metadata["cause"] = "\(failure.cause)"
        let cause = "\(failure.name) \(failure.cause)"
        switch outages.withLock({ $0.fail(subject, cause: cause, at: now) }) {
        case .began:
            surroundings.logger.warning(first, metadata: metadata)
        case .goesOn(let failures, let lasted):
            metadata["failures"] = "\(failures)"
            metadata["failing_seconds"] = "\(lasted.components.seconds)"
            surroundings.logger.warning(later, metadata: metadata)
        case .ended, nil:
            surroundings.logger.debug(first, metadata: metadata)
        }
    }
}

// MARK: Revocation

extension TokenCache {
    /// Drops a token, so that it is handed out no more.
    ///
    /// - Returns: What has come of its revocation; nil while the upstream is yet to be told, by ``revokeUpstream(_:_:)``.
    func drop(_ fingerprint: Fingerprint) -> Result<Revocation, BrokerError>? {
        let now = now
        switch change({ $0.revoke(fingerprint, at: now) }) {
        case .done(let revocation):
            return .success(revocation)
        case .dropped:
            warmIfKept()
            report(fingerprint, result: Revocation.local.rawValue, nil)
            return .success(.local)
        case .pending(let retryAfter):
            return .failure(.revocationPending(retryAfter: retryAfter))
        case .attempt:
            warmIfKept()
            return nil
        }
    }

    /// Tells the upstream to revoke a token that was dropped; if that fails, again and again in the background.
    ///
    /// - Parameter fingerprint: Of `token`.
    func revokeUpstream(_ token: Secret, _ fingerprint: Fingerprint) async -> Result<Revocation, BrokerError> {
        // Not the caller's own task: its leaving must not end the attempt.
        let attempt = Task(executorPreference: surroundings.executor) {
            await self.tellUpstream(token, fingerprint, failures: 0)
        }
        guard let retryAfter = await attempt.value else {
            return .success(state.withLock { $0.issued[fingerprint]?.revocation } == .upstream ? .upstream : .local)
        }
        state.withLock { $0.issued.follow(fingerprint) }
        keepRevoking(token, fingerprint, after: 1)
        return .failure(.revocationPending(retryAfter: retryAfter))
    }

    /// Revokes every token that may still be alive, all at the same time.
    ///
    /// - Parameter withdrawnOnly: Only those that were minted with another secret than the one that the upstream takes.
    func revokeAll(withdrawnOnly: Bool) async -> RevocationCount {
        let (live, current) = state.withLock { [now] state in
            (state.issued.live(at: now), state.credential.fingerprints[state.winner])
        }
        return await withTaskGroup(of: Revocation?.self) { group in
            for token in live where !withdrawnOnly || token.mintedWith != current {
                group.addTask {
                    let dropped = self.drop(token.fingerprint)
                    let result =
                        if let dropped { dropped } else { await self.revokeUpstream(token.token, token.fingerprint) }
                    return try? result.get()
                }
            }
            var count = RevocationCount()
            for await revocation in group {
                switch revocation {
                case .upstream: count.upstream += 1
                case .local: count.local += 1
                case nil: count.pending += 1
                // It ended meanwhile.
                case .unknown: break
                }
            }
            return count
        }
    }

    /// - Returns: How long until the next attempt; nil when there is to be none.
    private func tellUpstream(_ token: Secret, _ fingerprint: Fingerprint, failures: Int) async -> Duration? {
        let sent = now
        let (setup, mayTell) = state.withLock { ($0.setup, $0.mayTellUpstream(of: fingerprint)) }
        guard mayTell else { return nil }
        let secret = setup.credential.secrets[setup.credential.standing.secret]
        var failure: MintFailure?
        do throws(MintFailure) {
            try await surroundings.endpoint.revoke(
                token, of: setup.tenant.with(secret), deadline: sent + surroundings.settings.revocationTimeout)
        } catch {
            failure = error
        }
        let answered = now
        let retryAfter = change { [failure] state in
            state.noteRevocation(fingerprint, failure, failures: failures + 1, at: answered)
        }
        report(fingerprint, result: failure == nil ? Revocation.upstream.rawValue : "pending", failure)
        return retryAfter
    }

    /// Tells the upstream again and again, until it has heard or the token has ended.
    private func keepRevoking(_ token: Secret, _ fingerprint: Fingerprint, after failures: Int) {
        nap(until: nextRevocationTry(fingerprint)) { cache in
            // It may have ended meanwhile, or another broker tried.
            guard let next = cache.nextRevocationTry(fingerprint) else { return nil }
            if next > cache.now { return next }
            cache.run {
                if let left = await cache.turn(fingerprint) {
                    let later = cache.now + left
                    cache.state.withLock { $0.issued.mark(fingerprint, .pending(nextTry: later)) }
                    return cache.keepRevoking(token, fingerprint, after: failures)
                }
                let retryAfter = await cache.tellUpstream(token, fingerprint, failures: failures)
                if retryAfter != nil { cache.keepRevoking(token, fingerprint, after: failures + 1) }
            }
            return nil
        }
    }

    /// Goes on with the revocations that were pending before a restart, or that another broker has begun.
    func resumeRevocations() {
        for (fingerprint, token) in state.withLock({ $0.issued.follow() }) {
            keepRevoking(token, fingerprint, after: 1)
        }
    }

    /// Looks after what is there and needs no mint yet.
    ///
    /// - Returns: Whether a mint is due, for which ``warm()`` is to be called.
    func warmUnlessDue() -> Bool {
        let now = now
        guard !state.withLock({ $0.isDue(at: now) }) else { return true }
        warm()
        return false
    }

    private func nextRevocationTry(_ fingerprint: Fingerprint) -> Instant? {
        let now = now
        return state.withLock { $0.nextRevocationTry(fingerprint, at: now) }
    }

    private func report(_ fingerprint: Fingerprint, result: String, _ failure: MintFailure?) {
        surroundings.settings.observe(.revocation(tenant: name, fingerprint, result: result, failure))
        revocations.count([("result", result)])
        var metadata: Logger.Metadata = [
            "tenant": "\(name)", "fingerprint": "\(fingerprint)", "result": "\(result)",
        ]
        let now = now
        if let failure {
            return report(
                .revocation(fingerprint), failure, at: now, first: "revocation failed", later: "revocations still fail",
                metadata)
        }
        if case .ended(let failures, let lasted) = outages.withLock({ $0.succeed(.revocation(fingerprint), at: now) }) {
            metadata["failures"] = "\(failures)"
            metadata["failing_seconds"] = "\(lasted.components.seconds)"
        }
        surroundings.logger.info("token revoked", metadata: metadata)
    }
}
