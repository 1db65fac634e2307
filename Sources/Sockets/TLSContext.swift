import COpenSSL

/// Which certificates are trusted, which are shown, and what is negotiated: shared by many sessions.
///
/// TLS 1.2 and 1.3 only. Ciphers, all with forward secrecy and authenticated encryption: AES-128-GCM, AES-256-GCM and
/// ChaCha20-Poly1305, in TLS 1.2 by ECDHE; the client's order decides. Groups: X25519, P-256, P-384. No key or signature
/// below 112 bits (RSA of 2048), no compression, no renegotiation, no early data; HTTP/1.1 is the one protocol of ALPN.
/// To change certificates, make another context: sessions keep the one they began with.
///
/// `@unchecked Sendable`: the `SSL_CTX` and the rest are configured only in the functions that make the context, before
/// anyone else sees it; after that OpenSSL reads it, and guards what it counts inside with locks of its own.
package final class TLSContext: @unchecked Sendable {
    let pointer: OpaquePointer
    /// Our own certificates that it may show, the default one first.
    package private(set) var certificates: [TLSCertificate] = []
    /// A context for each certificate but the first, and which of them is for which name.
    private var alternatives: [TLSContext] = []
    private var names = TLSServerNames([])
    /// The authorities that vouch for clients, each as its DER encoding; none where no client is asked.
    private(set) var clientAuthorities: Set<[UInt8]> = []

    private init(method: OpaquePointer?) throws(TLSError) {
        // Before any other call: OpenSSL's exit handler would free its tables while event loop threads still use them.
        OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_ATEXIT), nil)
        OpenSSLErrors.clear()
        guard let pointer = SSL_CTX_new(method) else { throw .library(reason: OpenSSLErrors.takeReason()) }
        self.pointer = pointer
        try restrict()
    }

    deinit { SSL_CTX_free(pointer) }

    /// A context for connections to servers.
    ///
    /// The ``SystemAuthorities`` are always trusted, and so are the PEM certificates of `caFile`. Verification cannot be
    /// switched off.
    /// Throws `caFile`, `library`, and what is wrong with the certificate.
    ///
    /// - Parameter certificate: Shown to servers that ask for one.
    package static func client(caFile: String? = nil, certificate: CertificateFiles? = nil) throws(TLSError)
        -> TLSContext
    {
        let context = try TLSContext(method: TLS_client_method())
        SSL_CTX_set_verify(context.pointer, SSL_VERIFY_PEER, nil)
        guard let store = SSL_CTX_get_cert_store(context.pointer) else {
            throw .library(reason: OpenSSLErrors.takeReason())
        }
        try SystemAuthorities.add(to: store)
        if let caFile { try context.trust(caFile) }
        if let certificate { try context.show(certificate) }
        // Unlike its kind, this one returns 0 for success.
        try require(SSL_CTX_set_alpn_protos(context.pointer, ALPN.http11.utf8Start, ALPN.length) == 0)
        return context
    }

    /// What holds for both sides.
    private func restrict() throws(TLSError) {
        try Self.require(tokenwell_SSL_CTX_set_min_proto_version(pointer, TLS1_2_VERSION) == 1)
        try Self.require(SSL_CTX_set_cipher_list(pointer, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1)
        try Self.require(
            SSL_CTX_set_ciphersuites(
                pointer, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1)
        try Self.require(tokenwell_SSL_CTX_set1_groups_list(pointer, "X25519:P-256:P-384") == 1)
        SSL_CTX_set_security_level(pointer, 2)
        SSL_CTX_set_options(pointer, tokenwell_SSL_OP_NO_COMPRESSION | tokenwell_SSL_OP_NO_RENEGOTIATION)
        // Released buffers: an idle session holds none, for an allocation with each record. No automatic chain: what we show
        // is what our file holds, not what those whom we trust could add to it. A record is read whole, where OpenSSL would
        // call the kernel for its header and again for the rest.
        tokenwell_SSL_CTX_set_mode(
            pointer,
            Int(
                SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS
                    | SSL_MODE_NO_AUTO_CHAIN))
        tokenwell_SSL_CTX_set_read_ahead(pointer, 1)
    }

    private func trust(_ caFile: String) throws(TLSError) {
        guard SSL_CTX_load_verify_file(pointer, caFile) == 1 else {
            throw .caFile(path: caFile, reason: OpenSSLErrors.takeReason())
        }
    }

    private func show(_ files: CertificateFiles) throws(TLSError) {
        // The default would ask for the passphrase at the terminal.
        SSL_CTX_set_default_passwd_cb(pointer) { _, _, _, _ in -1 }
        // The key goes first: a certificate put beside another's key discards it, and the check below tells.
        guard SSL_CTX_use_PrivateKey_file(pointer, files.key, SSL_FILETYPE_PEM) == 1 else {
            throw .keyFile(path: files.key, reason: OpenSSLErrors.takeReason())
        }
        guard SSL_CTX_use_certificate_chain_file(pointer, files.certificate) == 1,
            let certificate = SSL_CTX_get0_certificate(pointer)
        else { throw .certificateFile(path: files.certificate, reason: OpenSSLErrors.takeReason()) }
        guard SSL_CTX_check_private_key(pointer) == 1 else {
            OpenSSLErrors.clear()
            throw .keyDoesNotMatch(certificate: files.certificate, key: files.key)
        }
        certificates = [try TLSCertificate(certificate, file: files.certificate)]
    }

    private static func require(_ accepted: Bool) throws(TLSError) {
        guard accepted else { throw .library(reason: OpenSSLErrors.takeReason()) }
    }
}

// MARK: - Servers

extension TLSContext {
    /// Which clients' certificates a listener takes.
    package struct ClientAuthorities: Sendable, Equatable {
        /// PEM file of the authorities that may vouch for a client; no others are trusted.
        package var caFile: String
        /// Whether a client without certificate is refused.
        package var isRequired: Bool

        package init(caFile: String, isRequired: Bool) {
            self.caFile = caFile
            self.isRequired = isRequired
        }
    }

    /// A context for a listener.
    ///
    /// Sessions are resumed by tickets, under keys that end with this context: the certificates of resumed clients are
    /// those that this context has verified. Throws `certificateFile`, `keyFile`, `keyDoesNotMatch`, `caFile` or
    /// `library`.
    ///
    /// - Parameters:
    ///   - certificateFile: A PEM chain, the server's own certificate first: for every client without a better one.
    ///   - keyFile: Its PEM key without passphrase.
    ///   - additional: Certificates for clients that ask for one of their DNS names (SNI).
    ///   - clients: Whose certificates are asked for and verified; nil asks for none.
    package static func server(
        certificateFile: String, keyFile: String, additional: [CertificateFiles] = [],
        clients: ClientAuthorities? = nil
    ) throws(TLSError) -> TLSContext {
        let sessionID = try randomSessionIDContext()
        let files = CertificateFiles(certificate: certificateFile, key: keyFile)
        let context = try server(files, clients, sessionID)
        for files in additional { context.alternatives.append(try server(files, clients, sessionID)) }
        context.chooseByName()
        return context
    }

    private static func server(
        _ files: CertificateFiles, _ clients: ClientAuthorities?, _ sessionID: [UInt8]
    ) throws(TLSError) -> TLSContext {
        let context = try TLSContext(method: TLS_server_method())
        try context.show(files)
        if let clients { try context.ask(clients) }
        try context.limitResumption(sessionID)
        SSL_CTX_set_alpn_select_cb(context.pointer, ALPN.select, nil)
        return context
    }

    private func ask(_ clients: ClientAuthorities) throws(TLSError) {
        try trust(clients.caFile)
        // Told to the client, so that it can choose the right one of its certificates.
        guard let names = SSL_load_client_CA_file(clients.caFile) else {
            throw .caFile(path: clients.caFile, reason: OpenSSLErrors.takeReason())
        }
        SSL_CTX_set_client_CA_list(pointer, names)
        clientAuthorities = Set(trusted)
        let demand = clients.isRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | demand, Self.judgeClient)
    }

    /// Refuses a trusted certificate whose names cannot be used, while the client can still be told (bad_certificate).
    private static let judgeClient: SSL_verify_cb = { isTrusted, verification in
        guard isTrusted == 1, X509_STORE_CTX_get_error_depth(verification) == 0 else { return isTrusted }
        if let certificate = X509_STORE_CTX_get_current_cert(verification), SubjectNames(of: certificate) != nil {
            return 1
        }
        X509_STORE_CTX_set_error(verification, X509_V_ERR_CERT_REJECTED)
        return 0
    }

    /// The certificates that are trusted, as they are encoded.
    private var trusted: [[UInt8]] {
        guard let objects = SSL_CTX_get_cert_store(pointer).flatMap({ X509_STORE_get0_objects($0) }) else { return [] }
        return (0..<tokenwell_X509_OBJECTS_num(objects)).compactMap { index in
            guard let certificate = tokenwell_X509_OBJECTS_certificate(objects, index) else { return nil }
            var bytes = [UInt8](repeating: 0, count: Int(max(0, i2d_X509(certificate, nil))))
            bytes.withUnsafeMutableBufferPointer { buffer in
                var start = buffer.baseAddress
                _ = i2d_X509(certificate, &start)
            }
            return bytes
        }
    }

    /// Whether a client with that certificate, and those that it has shown besides, would be trusted now, but for its time.
    func vouches(for certificate: OpaquePointer, chain: OpaquePointer?) -> Bool {
        guard let verification = X509_STORE_CTX_new() else { return false }
        defer {
            X509_STORE_CTX_free(verification)
            OpenSSLErrors.clear()
        }
        guard
            X509_STORE_CTX_init(verification, SSL_CTX_get_cert_store(pointer), certificate, chain) == 1,
            X509_STORE_CTX_set_default(verification, "ssl_client") == 1
        else { return false }
        let parameters = X509_STORE_CTX_get0_param(verification)
        // As in a handshake, where it comes from the context.
        X509_VERIFY_PARAM_set_auth_level(parameters, SSL_CTX_get_security_level(pointer))
        // What has expired proves nobody anyway, and needs no other answer because authorities were read again.
        X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_NO_CHECK_TIME))
        return X509_verify_cert(verification) == 1
    }

    /// Tickets resume sessions, since they leave the memory with the client; a cache here is one that anybody could fill.
    private func limitResumption(_ sessionID: [UInt8]) throws(TLSError) {
        tokenwell_SSL_CTX_set_session_cache_mode(pointer, Int(SSL_SESS_CACHE_OFF))
        try Self.require(SSL_CTX_set_session_id_context(pointer, sessionID, UInt32(sessionID.count)) == 1)
        // Early data could be replayed.
        try Self.require(SSL_CTX_set_max_early_data(pointer, 0) == 1)
        try Self.require(SSL_CTX_set_num_tickets(pointer, 1) == 1)
        try Self.require(SSL_CTX_set_session_ticket_cb(pointer, nil, Self.judgeTicket, nil) == 1)
    }

    /// Has a ticket whose client certificate has expired meanwhile ignored: the full handshake that follows lets a client
    /// that has renewed in, and tells others why not.
    private static let judgeTicket: SSL_CTX_decrypt_session_ticket_fn = { _, session, _, _, status, _ in
        guard status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW else {
            return SSL_TICKET_RETURN_IGNORE_RENEW
        }
        if let session, let certificate = SSL_SESSION_get0_peer(session), TLSCertificate.isExpired(certificate) {
            return SSL_TICKET_RETURN_IGNORE_RENEW
        }
        return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW
    }

    /// What ties a ticket to one context, besides its key: whoever trusts other clients resumes none of this one's.
    private static func randomSessionIDContext() throws(TLSError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(SSL_MAX_SID_CTX_LENGTH))
        try require(RAND_bytes(&bytes, Int32(bytes.count)) == 1)
        return bytes
    }

    private func chooseByName() {
        guard !alternatives.isEmpty else { return }
        certificates += alternatives.flatMap(\.certificates).map(\.chosenByName)
        names = TLSServerNames(certificates.map(\.dnsNames))
        // Unretained: a session holds the context that it began with, and only sessions call back.
        tokenwell_SSL_CTX_set_tlsext_servername(
            pointer,
            { session, _, argument in
                guard let session, let argument,
                    let name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name)
                else { return SSL_TLSEXT_ERR_NOACK }
                let context = Unmanaged<TLSContext>.fromOpaque(argument).takeUnretainedValue()
                return context.choose(String(cString: name), for: session)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func choose(_ name: String, for session: OpaquePointer) -> Int32 {
        guard let index = names.index(for: name) else { return SSL_TLSEXT_ERR_NOACK }
        if index > 0 { SSL_set_SSL_CTX(session, alternatives[index - 1].pointer) }
        return SSL_TLSEXT_ERR_OK
    }
}

/// The protocol that both sides offer and take by ALPN (RFC 7301).
private enum ALPN {
    /// A list of one name, each name behind its length.
    static let http11: StaticString = "\u{8}http/1.1"
    static let length = UInt32(http11.utf8CodeUnitCount)

    /// Picks HTTP/1.1 from the client's list; a list without it ends the handshake with `no_application_protocol`.
    ///
    /// OpenSSL calls it only for clients that send a list.
    static let select: SSL_CTX_alpn_select_cb_func = { _, chosen, chosenLength, offered, offeredLength, _ in
        var name: UnsafeMutablePointer<UInt8>?
        let outcome = SSL_select_next_proto(&name, chosenLength, http11.utf8Start, length, offered, offeredLength)
        guard outcome == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        // It points into the static list, so it outlives the session.
        chosen?.pointee = UnsafePointer(name)
        return SSL_TLSEXT_ERR_OK
    }
}
