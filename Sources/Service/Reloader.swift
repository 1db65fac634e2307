import Dispatch
import Logging
import Sockets
import Stores
import Synchronization
import Telemetry
import TokenBroker

/// Reads the configuration again and puts it in force: all of what can change while the service runs, or nothing.
///
/// A mistake within a tenant leaves that tenant as it was, and the rest is taken; any other mistake leaves everything as it
/// was. It reads and compares on a thread of its own, one reading at a time, so that no event loop waits for it.
final class Reloader: Sendable {
    private struct State {
        /// Those who wait for the reading that is to begin.
        var waiting: [CheckedContinuation<Reload, Never>] = []
        /// As they were read last.
        var files: ConfigurationFiles?
    }

    private let current: CurrentServing
    private let premises: Premises
    private let source: ConfigurationSource?
    private let upstreamTLS: UpstreamTLS
    private let listenerTLS: ReloadableTLSContext?
    private let certificates: CertificateWatch
    private let group: EventLoopGroup
    /// Where other brokers keep what they do; nil when there are none.
    private let shared: RedisStore?
    private let logger: Logger
    private let metrics: ReloadMetrics
    private let queue = DispatchQueue(label: "tokenwell.reloader")
    private let state: Mutex<State>

    init(
        _ current: CurrentServing, on premises: Premises, from source: ConfigurationSource?, upstreamTLS: UpstreamTLS,
        listenerTLS: ReloadableTLSContext?, certificates: CertificateWatch, group: EventLoopGroup,
        shared: RedisStore? = nil, logger: Logger
    ) {
        self.current = current
        self.premises = premises
        self.source = source
        self.upstreamTLS = upstreamTLS
        self.listenerTLS = listenerTLS
        self.certificates = certificates
        self.group = group
        self.shared = shared
        self.logger = logger
        metrics = ReloadMetrics(in: premises.metrics)
        state = Mutex(State(files: source?.files))
        premises.reloader.set(self)
    }

    /// Reads everything that a start reads: the configuration, certificates and keys; and begins a new audit file.
    ///
    /// Who calls while others wait shares a reading with them, which begins after the call.
    func reload() async -> Reload {
        await withCheckedContinuation { continuation in
            let isFirst = state.withLock { state in
                state.waiting.append(continuation)
                return state.waiting.count == 1
            }
            guard isFirst else { return }
            queue.async {
                let waiting = self.state.withLock { state in
                    defer { state.waiting = [] }
                    return state.waiting
                }
                let reload = self.reloadAll()
                for continuation in waiting { continuation.resume(returning: reload) }
            }
        }
    }

    /// Reads the configuration as its files are now; nothing is done when they change meanwhile.
    func reloadFiles() async {
        await withCheckedContinuation { continuation in
            queue.async {
                // A certificate that is renewed, say, changes nothing here.
                if let reload = self.readFiles(isSettled: true), reload.outcome != .ok || !reload.change.isEmpty {
                    self.premises.audit?.record("reload", reload.members(.files))
                }
                continuation.resume()
            }
        }
    }

    /// As they were read last; nil when there are none.
    var files: ConfigurationFiles? { state.withLock { $0.files } }

    // MARK: - On the thread

    private func reloadAll() -> Reload {
        var troubles = certificates.reloadAll().map { mistake($0.description) }
        do throws(LineWriter.Unwritable) { try premises.audit?.reopen() } catch {
            troubles.append(mistake("the audit file cannot be opened again: \(error)"))
            logger.error("the audit file cannot be opened again", metadata: ["reason": "\(error)"])
        }
        return readFiles(troubles, isSettled: false) ?? Reload(outcome: .ok)
    }

    /// - Parameters:
    ///   - troubles: What could not be read besides.
    ///   - isSettled: Whether what changes while it is read is left for later: then nil.
    private func readFiles(_ troubles: [ConfigurationErrors.Mistake] = [], isSettled: Bool) -> Reload? {
        let inForce = current.value
        let reading = source?.read() ?? ConfigurationReading(inForce.configuration)
        if isSettled, let files = reading.files, files.current != files { return nil }
        if let files = reading.files { state.withLock { $0.files = files } }
        let reload = take(reading, after: inForce, troubles)
        metrics.record(reload.outcome)
        let level = current.value.configuration.logLevel
        // Told by the one of both levels that logs more.
        source?.threshold?.level = min(level, inForce.configuration.logLevel)
        report(reload)
        source?.threshold?.level = level
        return reload
    }

    private func take(
        _ reading: ConfigurationReading, after inForce: Serving, _ troubles: [ConfigurationErrors.Mistake]
    ) -> Reload {
        guard reading.isUsable else { return Reload(outcome: .failed, mistakes: reading.mistakes + troubles) }
        var reading = reading
        let contexts = upstreamTLS.prepare(for: reading.configuration.tenants)
        for (tenant, error) in contexts.failures {
            reading.note(
                error.description, of: tenant.name,
                key: tenant.clientCertificate == nil ? "ca_file" : "client_certificate")
        }
        var issuers: JWTIssuers
        do throws(TLSError) {
            issuers = try JWTIssuers(
                reading.configuration.jwtIssuers, after: inForce.issuers, on: group, metrics: premises.metrics,
                logger: logger)
        } catch {
            let mistake = mistake(error.description, at: "jwt_issuers")
            return Reload(outcome: .failed, mistakes: reading.mistakes + [mistake] + troubles)
        }
        let next = reading.configuration(after: inForce.configuration)
        let change = ConfigurationChange(from: inForce.configuration, to: next)
        let mistakes = reading.mistakes + troubles
        let reload = Reload(outcome: mistakes.isEmpty ? .ok : .partial, change: change, mistakes: mistakes)
        if !change.isEmpty { put(next.running(as: inForce.configuration), contexts, &issuers, change, inForce) }
        for warning in next.warnings where !inForce.configuration.warnings.contains(warning) {
            logger.warning("the configuration is not as safe as it could be", metadata: ["warning": "\(warning)"])
        }
        return reload
    }

    /// Puts a configuration in force, of which nothing can fail any more.
    private func put(
        _ configuration: Configuration, _ contexts: UpstreamTLS.Preparation, _ issuers: inout JWTIssuers,
        _ change: ConfigurationChange, _ inForce: Serving
    ) {
        // What is under way goes on as it began, and so does what is yet to be revoked of those that are tenants no more.
        let former = inForce.configuration.tenants + inForce.broker.retired
        upstreamTLS.take(contexts, for: configuration.tenants + former)
        issuers.start()
        certificates.watch(
            upstreamTLS.contexts(for: configuration.tenants) + issuers.contexts + [listenerTLS].compactMap(\.self))
        premises.origin.configure(configuration.externalOrigin)
        let authentication = authentication(configuration, issuers, change, inForce)
        let install = { [current, issuers, premises] broker in
            current.replace(with: Serving(configuration, broker, issuers, authentication, on: premises))
        }
        if change.tenants.isEmpty, !change.settings.contains("deadline") {
            install(inForce.broker)
        } else {
            inForce.broker.handOver(
                to: configuration.tenants, callerDeadline: configuration.deadline, install: install)
            // What was kept of tenants that there have not been.
            shared?.readAgain()
        }
        inForce.issuers.stop(except: issuers)
    }

    private func authentication(
        _ configuration: Configuration, _ issuers: JWTIssuers, _ change: ConfigurationChange, _ inForce: Serving
    ) -> Authentication {
        let isSame = change.callers.isEmpty && !change.settings.contains("jwt_issuers")
        let isSameLimit = !change.settings.contains("failed_attempts")
        // With the JWTs that it has verified.
        if isSame && isSameLimit { return inForce.authentication }
        return Authentication(
            configuration.callers, issuers: issuers.keys,
            failures: isSameLimit ? inForce.authentication.failures : FailedAttempts(configuration.failedAttempts),
            metrics: premises.metrics)
    }

    private func report(_ reload: Reload) {
        if reload.outcome == .failed {
            logger.error("the configuration was not reloaded: what was in force stays so", metadata: reload.metadata)
        } else {
            let level: Logger.Level = reload.change.isEmpty && reload.outcome == .ok ? .info : .notice
            logger.log(level: level, "configuration reloaded", metadata: reload.metadata)
        }
        for mistake in reload.mistakes.prefix(20) {
            logger.error("a mistake in the configuration", metadata: ["mistake": "\(mistake)"])
        }
        if !reload.change.needsRestart.isEmpty {
            logger.warning(
                "what has changed in the configuration needs a restart",
                metadata: ["settings": "\(reload.change.needsRestart.joined(separator: ", "))"])
        }
    }

    private func mistake(_ problem: String, at path: String = "") -> ConfigurationErrors.Mistake {
        .init(file: source?.files?.path ?? "configuration", line: 0, column: 0, path: path, problem: problem)
    }
}

/// A reloader that is not held: what it puts in force refers to it.
final class ReloaderReference: Sendable {
    private struct Reference {
        weak var reloader: Reloader?
    }

    private let reference = Mutex(Reference())

    /// nil once the service is gone.
    var value: Reloader? { reference.withLock { $0.reloader } }

    func set(_ reloader: Reloader) { reference.withLock { $0.reloader = reloader } }
}

extension ConfigurationReading {
    /// What is to be in force after another: tenants that have a mistake as they were, and callers with what they have used
    /// of their limits.
    func configuration(after inForce: Configuration) -> Configuration {
        let broken = brokenTenants
        var next = configuration
        next.tenants.removeAll { broken.contains($0.name) }
        next.tenants += inForce.tenants.filter { broken.contains($0.name) }
        let known = Dictionary(uniqueKeysWithValues: inForce.callers.map { ($0.name, $0) })
        next.callers = next.callers.map { $0.continuing(known) }
        return next
    }
}
