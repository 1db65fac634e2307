import Sockets
import Synchronization

/// A TLS context that is made anew when the files behind it change.
///
/// Certificates and keys are read together, so half of a new pair is a mistake like any other: the context stays what it is.
final class ReloadableTLSContext: Sendable {
    /// What new sessions begin with.
    let current: CurrentTLSContext
    /// The paths of certificates, keys and authorities that it is made from.
    let files: [String]
    private let make: @Sendable () throws(TLSError) -> TLSContext
    private let lastTry: Mutex<Try>
    /// How long after a failure a context that is too old is tried again, though its files look as they did.
    private static let pause = Duration.seconds(600)

    /// What was found when the files were read last, whether or not they were good.
    private struct Try {
        var files: [FileIdentity?]
        var time: ContinuousClock.Instant
        /// When they were good.
        var lastSuccess: ContinuousClock.Instant
    }

    /// - Throws: What is wrong with the files now.
    private init(
        files: [String], now: ContinuousClock.Instant, make: @escaping @Sendable () throws(TLSError) -> TLSContext
    ) throws(TLSError) {
        // Before they are read: what changes meanwhile differs from this, and is read again.
        lastTry = Mutex(Try(files: files.map(FileIdentity.init), time: now, lastSuccess: now))
        self.files = files
        self.make = make
        current = CurrentTLSContext(try make())
    }

    /// The context of a listener.
    static func listener(_ tls: Configuration.ListenTLS, now: ContinuousClock.Instant = .now) throws(TLSError)
        -> ReloadableTLSContext
    {
        let pairs = [CertificateFiles(certificate: tls.certificate, key: tls.key)] + tls.additional
        let files = pairs.flatMap { [$0.certificate, $0.key] } + [tls.clients?.caFile].compactMap(\.self)
        return try ReloadableTLSContext(files: files, now: now) { () throws(TLSError) in
            try .server(
                certificateFile: tls.certificate, keyFile: tls.key, additional: tls.additional, clients: tls.clients)
        }
    }

    /// The context towards an upstream.
    static func upstream(caFile: String?, certificate: CertificateFiles?, now: ContinuousClock.Instant = .now)
        throws(TLSError) -> ReloadableTLSContext
    {
        let files = [SystemAuthorities.file] + [caFile, certificate?.certificate, certificate?.key].compactMap(\.self)
        return try ReloadableTLSContext(files: files, now: now) { () throws(TLSError) in
            try .client(caFile: caFile, certificate: certificate)
        }
    }

    /// Whether the files differ from those of the last try, or the context is of that age.
    func isDue(at now: ContinuousClock.Instant, age: Duration) -> Bool {
        lastTry.withLock {
            let isOld = now - $0.lastSuccess >= age && now - $0.time >= Self.pause
            return isOld || files.map(FileIdentity.init) != $0.files
        }
    }

    /// Reads the files and has new sessions begin with what is in them.
    ///
    /// - Throws: What is wrong with them; then nothing has changed.
    func reload(at now: ContinuousClock.Instant) throws(TLSError) {
        // Held while they are read: what was read last stays.
        let result = lastTry.withLock { last -> Result<Void, TLSError> in
            last.files = files.map(FileIdentity.init)
            last.time = now
            do throws(TLSError) {
                current.replace(with: try make())
                last.lastSuccess = now
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}
