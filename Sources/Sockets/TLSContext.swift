import COpenSSL

/// Which certificates are trusted, which are shown, and what is negotiated: shared by many sessions.
///
/// TLS 1.2 and 1.3 only, with forward secrecy and authenticated ciphers; no compression, no renegotiation; HTTP/1.1 is
/// the one protocol of ALPN. To change certificates, make another context: sessions keep the one they began with.
///
/// OpenSSL's socket writes raise SIGPIPE when the peer has gone: the process must ignore that signal before its first
/// session.
///
/// `@unchecked Sendable`: the `SSL_CTX` is configured only in the functions that make it, before anyone else sees it;
/// after that OpenSSL reads it, and guards what it counts inside with locks of its own.
package final class TLSContext: @unchecked Sendable {
    /// The `SSL_CTX`, freed with the last of this and of its sessions.
    let pointer: OpaquePointer

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
    /// The system's authorities are always trusted (OpenSSL's default paths, which `SSL_CERT_FILE` and `SSL_CERT_DIR`
    /// override), and so are the PEM certificates of `caFile`. Verification cannot be switched off.
    /// Throws `caFile` or `library`.
    package static func client(caFile: String? = nil) throws(TLSError) -> TLSContext {
        let context = try TLSContext(method: TLS_client_method())
        SSL_CTX_set_verify(context.pointer, SSL_VERIFY_PEER, nil)
        try require(SSL_CTX_set_default_verify_paths(context.pointer) == 1)
        // An absent default file leaves an error behind, yet is none.
        OpenSSLErrors.clear()
        if let caFile, SSL_CTX_load_verify_file(context.pointer, caFile) != 1 {
            throw .caFile(path: caFile, reason: OpenSSLErrors.takeReason())
        }
        // Unlike its kind, this one returns 0 for success.
        try require(SSL_CTX_set_alpn_protos(context.pointer, ALPN.http11.utf8Start, ALPN.length) == 0)
        return context
    }

    /// A context for a listener: a PEM chain, the server's own certificate first, and its PEM key without passphrase.
    ///
    /// Throws `certificateFile`, `keyFile`, `keyDoesNotMatch` or `library`.
    package static func server(certificateFile: String, keyFile: String) throws(TLSError) -> TLSContext {
        let context = try TLSContext(method: TLS_server_method())
        // The default would ask for the passphrase at the terminal.
        SSL_CTX_set_default_passwd_cb(context.pointer) { _, _, _, _ in -1 }
        // The key goes first: a certificate put beside another's key discards it, and the check below tells.
        guard SSL_CTX_use_PrivateKey_file(context.pointer, keyFile, SSL_FILETYPE_PEM) == 1 else {
            throw .keyFile(path: keyFile, reason: OpenSSLErrors.takeReason())
        }
        guard SSL_CTX_use_certificate_chain_file(context.pointer, certificateFile) == 1 else {
            throw .certificateFile(path: certificateFile, reason: OpenSSLErrors.takeReason())
        }
        guard SSL_CTX_check_private_key(context.pointer) == 1 else {
            OpenSSLErrors.clear()
            throw .keyDoesNotMatch(certificate: certificateFile, key: keyFile)
        }
        try context.limitResumption()
        SSL_CTX_set_alpn_select_cb(context.pointer, ALPN.select, nil)
        return context
    }

    /// What holds for both sides.
    private func restrict() throws(TLSError) {
        try Self.require(tokenwell_SSL_CTX_set_min_proto_version(pointer, TLS1_2_VERSION) == 1)
        try Self.require(SSL_CTX_set_cipher_list(pointer, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1)
        // At least 112 bits: no RSA key under 2048 bits, no SHA-1 signature.
        SSL_CTX_set_security_level(pointer, 2)
        SSL_CTX_set_options(pointer, tokenwell_SSL_OP_NO_COMPRESSION | tokenwell_SSL_OP_NO_RENEGOTIATION)
        tokenwell_SSL_CTX_set_mode(
            pointer,
            Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS))
    }

    /// Tickets resume sessions, since they leave the memory with the client; a cache here is one that anybody could fill.
    private func limitResumption() throws(TLSError) {
        tokenwell_SSL_CTX_set_session_cache_mode(pointer, Int(SSL_SESS_CACHE_OFF))
        let name: StaticString = "tokenwell"
        try Self.require(SSL_CTX_set_session_id_context(pointer, name.utf8Start, UInt32(name.utf8CodeUnitCount)) == 1)
    }

    private static func require(_ accepted: Bool) throws(TLSError) {
        guard accepted else { throw .library(reason: OpenSSLErrors.takeReason()) }
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
