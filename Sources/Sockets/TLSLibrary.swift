import COpenSSL

/// The OpenSSL that is loaded, which need not be the one that the program was built with.
package enum TLSLibrary {
    /// Such as `3.0.17`.
    package static var version: String { String(cString: OpenSSL_version(OPENSSL_VERSION_STRING)) }
}
