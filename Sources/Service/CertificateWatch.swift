import Logging
import Sockets
import Synchronization
import Telemetry
import TokenBroker

/// Keeps TLS contexts as their files say: looks every five seconds whether they have changed, and at once when asked.
///
/// Files rather than inotify, because it has to see a swap anywhere along a path: Kubernetes and certbot replace symbolic
/// links.
final class CertificateWatch: Sendable {
    private static let interval = Duration.seconds(5)
    /// A context is replaced after a day even so: the keys of its tickets, which could open recorded sessions of TLS 1.2,
    /// go with it.
    private static let maximumAge = Duration.seconds(24 * 3600)

    private let watched: Mutex<[ReloadableTLSContext]>
    private let timekeeper: any Timekeeper
    private let logger: Logger
    private let successes: Counter
    private let failures: Counter

    init(
        _ contexts: [ReloadableTLSContext], timekeeper: any Timekeeper, metrics: MetricsRegistry, logger: Logger
    ) {
        watched = Mutex(contexts)
        self.timekeeper = timekeeper
        self.logger = logger
        let counter = { (outcome: String) in
            metrics.counter(
                "tokenwell_tls_reloads_total", help: "Certificates, keys and authorities read again.",
                labels: [("outcome", outcome)])
        }
        successes = counter("ok")
        failures = counter("failed")
        metrics.collect(
            "tokenwell_tls_certificate_not_after_timestamp_seconds",
            help: "When a certificate of ours expires, in seconds since unix epoch.", kind: .gauge
        ) { [weak self] in Self.expiries(self?.contexts ?? []) }
        for certificate in contexts.flatMap(\.current.value.certificates) { warnUnlessValid(certificate) }
    }

    private var contexts: [ReloadableTLSContext] { watched.withLock(\.self) }

    /// Watches these from now on, and no others.
    func watch(_ contexts: [ReloadableTLSContext]) {
        let known = watched.withLock { watched in
            defer { watched = contexts }
            return Set(watched.map(ObjectIdentifier.init))
        }
        for context in contexts where !known.contains(ObjectIdentifier(context)) {
            for certificate in context.current.value.certificates { warnUnlessValid(certificate) }
        }
    }

    /// Looks for changes until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            await timekeeper.sleep(until: timekeeper.now.advanced(by: Self.interval))
            if !Task.isCancelled { reloadChanged() }
        }
    }

    /// Reads the files that have changed since they were read last, and what is a day old.
    func reloadChanged() {
        let now = timekeeper.now
        for context in contexts where context.isDue(at: now, age: Self.maximumAge) { reload(context, at: now) }
    }

    /// Reads all files now.
    ///
    /// - Returns: What is wrong with those that could not be taken.
    @discardableResult
    func reloadAll() -> [TLSError] {
        let now = timekeeper.now
        return contexts.compactMap { reload($0, at: now) }
    }

    @discardableResult
    private func reload(_ context: ReloadableTLSContext, at now: ContinuousClock.Instant) -> TLSError? {
        do throws(TLSError) {
            try context.reload(at: now)
        } catch {
            failures.increment()
            logger.error("can't reload certificates, those before stay in use", metadata: ["reason": "\(error)"])
            return error
        }
        successes.increment()
        let certificates = context.current.value.certificates
        var metadata: Logger.Metadata = ["files": "\(context.files.joined(separator: ", "))"]
        if let end = certificates.map(\.notAfter).min() { metadata["not_after"] = "\(Timestamp(end))" }
        logger.notice("certificates reloaded", metadata: metadata)
        for certificate in certificates { warnUnlessValid(certificate) }
        return nil
    }

    private func warnUnlessValid(_ certificate: TLSCertificate) {
        let now = Timestamp.now.milliseconds / 1000
        guard now < certificate.notBefore || now > certificate.notAfter else { return }
        logger.warning(
            "a certificate is out of its time, and will be refused",
            metadata: [
                "file": "\(certificate.file)", "not_before": "\(Timestamp(certificate.notBefore))",
                "not_after": "\(Timestamp(certificate.notAfter))",
            ])
    }

    /// One sample per file, however many contexts show it.
    private static func expiries(_ contexts: [ReloadableTLSContext]) -> [Sample] {
        var seen: Set<String> = []
        return contexts.flatMap(\.current.value.certificates).filter { seen.insert($0.file).inserted }.map {
            Sample(.time(.seconds($0.notAfter)), labels: Labels([("file", $0.file)]))
        }
    }
}

extension Timestamp {
    /// - Parameter seconds: Since 1970-01-01T00:00:00Z.
    init(_ seconds: Int) { self.init(milliseconds: seconds * 1000) }
}
