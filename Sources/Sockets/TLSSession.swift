import COpenSSL
import Glibc

/// One TLS session over a connected descriptor, driven by whoever waits for that descriptor.
///
/// No call blocks if the descriptor does not. A call that answers `wantsRead` or `wantsWrite` has to be made again, with
/// the same arguments, once the descriptor is readable or writable: a read may want to write, and the reverse. A call
/// that throws has ended the session: every later call throws the same error again.
///
/// It owns the `SSL`, not the descriptor, which has to stay open longer.
///
/// `@unchecked Sendable`: the session can't be copied, and all that changes it is `mutating`, so the compiler sees to it
/// that one thread at a time uses it; OpenSSL does not care which.
struct TLSSession: ~Copyable, @unchecked Sendable {
    /// How far a handshake has come.
    enum Step: Equatable, Sendable { case done, wantsRead, wantsWrite }

    /// What became of a read or a write.
    enum Transfer: Equatable, Sendable {
        /// So many bytes were moved, at least one unless the buffer was empty.
        case bytes(Int)
        /// The peer sent its close_notify: nothing more will come, and nothing is missing. Only reads answer so.
        case endOfStream
        case wantsRead
        case wantsWrite
    }

    private let pointer: OpaquePointer
    /// Allocated here, and freed after the `SSL` whose `BIO` uses it.
    private let transport: UnsafeMutablePointer<TLSTransport>
    /// Held because OpenSSL may call back into it as long as the `SSL` is there.
    private let context: TLSContext
    /// Whose authorities have vouched for the client's certificate last: held, so that no other takes its place in memory.
    private var judge: TLSContext
    private var failure: TLSError?

    /// Whether there may be something to read: else no call asks the kernel. Whoever waits for the descriptor sets it.
    var mayRead = true
    /// Whether the descriptor has been reported as ending, which no later report repeats. Whoever waits for it sets this too.
    var isClosing = false
    /// Whether the last call has left nothing to read in the kernel.
    var isDrained: Bool { transport.pointee.isDrained }

    /// A session with the server `host`, which is the only name or IP address its certificate may be for.
    ///
    /// A name is also announced (SNI, RFC 6066 §3), an address is not. Only subject alternative names count, not the
    /// common name, and a wildcard only as a whole label (RFC 9525 §6). Throws `invalidHost` or `library`.
    init(client context: TLSContext, descriptor: Int32, host: String) throws(TLSError) {
        let parts = try Self.make(context, over: descriptor)
        SSL_set_connect_state(parts.pointer)
        guard Self.expect(host, of: parts.pointer) else {
            Self.free(parts)
            OpenSSLErrors.clear()
            throw .invalidHost(host)
        }
        (pointer, transport) = parts
        self.context = context
        judge = context
    }

    /// A session with a client that has connected. Throws `library`.
    init(server context: TLSContext, descriptor: Int32) throws(TLSError) {
        (pointer, transport) = try Self.make(context, over: descriptor)
        self.context = context
        judge = context
        SSL_set_accept_state(pointer)
    }

    deinit { Self.free((pointer, transport)) }

    /// Takes the handshake a step further; `done` before any byte may be read or written.
    mutating func handshake() throws(TLSError) -> Step {
        switch try attempt({ SSL_do_handshake($0) }) {
        case .succeeded: return .done
        case .wantsRead: return .wantsRead
        case .wantsWrite: return .wantsWrite
        case .closed: throw fail(.closedByPeer)
        }
    }

    /// Reads what has come, up to the size of the buffer.
    ///
    /// A connection that ends without close_notify throws `truncated`.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TLSError) -> Transfer {
        guard let start = buffer.baseAddress, !buffer.isEmpty else { return .bytes(0) }
        var count = 0
        return switch try attempt({ SSL_read_ex($0, start, buffer.count, &count) }) {
        case .succeeded: .bytes(count)
        case .wantsRead: .wantsRead
        case .wantsWrite: .wantsWrite
        case .closed: .endOfStream
        }
    }

    /// Sends bytes from the front of the buffer, often not all of them.
    ///
    /// After `wantsRead` or `wantsWrite` some of them may have gone already, to be counted by a later call: the next
    /// write has to begin with the same bytes, and be no shorter, though it may lie elsewhere in memory.
    mutating func write(_ bytes: UnsafeRawBufferPointer) throws(TLSError) -> Transfer {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return .bytes(0) }
        var count = 0
        switch try attempt({ SSL_write_ex($0, start, bytes.count, &count) }) {
        case .succeeded: return .bytes(count)
        case .wantsRead: return .wantsRead
        case .wantsWrite: return .wantsWrite
        case .closed: throw fail(.closedByPeer)
        }
    }

    /// Tells the peer that nothing more will come (close_notify), if that can be done at once; later calls do nothing.
    ///
    /// The peer may go on sending, and reading goes on as before.
    mutating func close() {
        guard failure == nil, SSL_get_shutdown(pointer) & SSL_SENT_SHUTDOWN == 0 else { return }
        OpenSSLErrors.clear()
        SSL_shutdown(pointer)
        OpenSSLErrors.clear()
    }

    /// Whether bytes have come in that no read has given yet.
    var hasBufferedBytes: Bool { SSL_has_pending(pointer) == 1 }

    /// Whether the handshake went by a ticket from an earlier session.
    var isResumed: Bool { SSL_session_reused(pointer) == 1 }

    /// The client's certificate, in a resumed session the one of the first; nil when it showed none.
    ///
    /// Throws `unusableNames`, and `expired` for one whose time was over before it could be used.
    func clientCertificate() throws(TLSError) -> ClientCertificate? {
        guard let certificate = SSL_get0_peer_certificate(pointer) else { return nil }
        guard !TLSCertificate.isExpired(certificate), let end = TLSCertificate.end(of: certificate) else {
            throw .expired
        }
        guard let names = SubjectNames(of: certificate) else { throw .unusableNames }
        return ClientCertificate(uris: names.uris, dnsNames: names.dns, notAfter: end)
    }

    /// Whether the authorities of `context` vouch for the client's certificate, as those of the handshake did.
    ///
    /// Only contexts with other authorities are asked, each once. Intermediate certificates are not known in a resumed
    /// session, so a client that needs them has to come again.
    mutating func isClientTrusted(by context: TLSContext) -> Bool {
        guard context !== judge else { return true }
        guard context.clientAuthorities != judge.clientAuthorities else {
            judge = context
            return true
        }
        guard let certificate = SSL_get0_peer_certificate(pointer),
            context.vouches(for: certificate, chain: SSL_get_peer_cert_chain(pointer))
        else { return false }
        judge = context
        return true
    }

    /// The version that was agreed on: `TLSv1.2` or `TLSv1.3` once the handshake is done.
    var version: String { String(cString: SSL_get_version(pointer)) }

    /// The protocol that was agreed on by ALPN; nil when a side offered none.
    var applicationProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(pointer, &name, &length)
        return name.map { String(decoding: UnsafeBufferPointer(start: $0, count: Int(length)), as: UTF8.self) }
    }
}

extension TLSSession {
    /// How a call to OpenSSL ended, short of failure.
    private enum Outcome { case succeeded, wantsRead, wantsWrite, closed }

    /// Makes one call that returns a positive number for success, and judges it.
    private mutating func attempt(_ call: (OpaquePointer) -> Int32) throws(TLSError) -> Outcome {
        if let failure { throw failure }
        OpenSSLErrors.clear()
        transport.pointee.isDrained = !mayRead
        transport.pointee.isClosing = isClosing
        errno = 0
        let result = call(pointer)
        let systemError = errno
        guard result <= 0 else { return .succeeded }
        switch SSL_get_error(pointer, result) {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case SSL_ERROR_WANT_WRITE: return .wantsWrite
        case SSL_ERROR_ZERO_RETURN: return .closed
        case SSL_ERROR_SYSCALL:
            OpenSSLErrors.clear()
            throw fail(systemError == 0 ? .truncated : .reset(errno: systemError))
        default:
            let wasAsked = tokenwell_SSL_was_asked_for_certificate(pointer) == 1 && SSL_get_certificate(pointer) == nil
            throw fail(
                TLSError(OpenSSLErrors.take(), verification: SSL_get_verify_result(pointer), wasAsked: wasAsked))
        }
    }

    private mutating func fail(_ error: TLSError) -> TLSError {
        failure = error
        return error
    }

    private typealias Parts = (pointer: OpaquePointer, transport: UnsafeMutablePointer<TLSTransport>)

    private static func make(_ context: TLSContext, over descriptor: Int32) throws(TLSError) -> Parts {
        OpenSSLErrors.clear()
        guard let pointer = SSL_new(context.pointer) else { throw .library(reason: OpenSSLErrors.takeReason()) }
        let transport = UnsafeMutablePointer<TLSTransport>.allocate(capacity: 1)
        transport.initialize(to: TLSTransport(descriptor))
        guard let bio = TLSTransport.makeBIO(over: transport) else {
            free((pointer, transport))
            throw .library(reason: OpenSSLErrors.takeReason())
        }
        // It takes the one reference over for both directions.
        SSL_set_bio(pointer, bio, bio)
        return (pointer, transport)
    }

    private static func free(_ parts: Parts) {
        SSL_free(parts.pointer)
        parts.transport.deallocate()
    }

    /// Has the certificate checked against `host`; false when that is no host.
    private static func expect(_ host: String, of session: OpaquePointer) -> Bool {
        // OpenSSL would take an empty name for "any".
        guard !host.isEmpty, !host.utf8.contains(0), let parameters = SSL_get0_param(session) else { return false }
        if isAddress(host) { return X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1 }
        X509_VERIFY_PARAM_set_hostflags(
            parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
        return X509_VERIFY_PARAM_set1_host(parameters, host, host.utf8.count) == 1
            && tokenwell_SSL_set_tlsext_host_name(session, host) == 1
    }

    private static func isAddress(_ host: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
    }
}
