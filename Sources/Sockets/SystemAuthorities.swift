import COpenSSL
import Glibc
import Synchronization

/// The authorities that the system trusts: OpenSSL's default file, parsed once for all contexts, and its default folder,
/// which each context searches when it needs an authority.
///
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` name others. The file is parsed again when it has changed.
package enum SystemAuthorities {
    /// The file's path.
    package static var file: String { named ?? String(cString: X509_get_default_cert_file()) }

    /// The file that the environment names, which has to be there; the default one need not.
    private static var named: String? {
        getenv(X509_get_default_cert_file_env()).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static let cache = Mutex<Parsed?>(nil)

    /// The certificates of a file in one of its states.
    ///
    /// `@unchecked Sendable`: the store is filled in `init` and only read afterwards; each certificate counts its users by
    /// itself.
    private final class Parsed: @unchecked Sendable {
        let path: String
        let identity: FileIdentity?
        private let store: OpaquePointer

        init(_ path: String, isRequired: Bool) throws(TLSError) {
            self.path = path
            // Before it is read: what changes meanwhile differs from this, and is read again.
            identity = FileIdentity(of: path)
            OpenSSLErrors.clear()
            guard let store = X509_STORE_new() else { throw .library(reason: OpenSSLErrors.takeReason()) }
            self.store = store
            if X509_STORE_load_file(store, path) != 1 {
                let reason = OpenSSLErrors.takeReason()
                if isRequired { throw .caFile(path: path, reason: reason) }
            }
        }

        deinit { X509_STORE_free(store) }

        /// Adds them, not copies of them.
        func add(to other: OpaquePointer) -> Bool {
            let objects = X509_STORE_get0_objects(store)
            return (0..<tokenwell_X509_OBJECTS_num(objects)).allSatisfy { index in
                guard let certificate = tokenwell_X509_OBJECTS_certificate(objects, index) else { return true }
                return X509_STORE_add_cert(other, certificate) == 1
            }
        }
    }

    /// Has a store trust them. Throws `caFile` when the file that `SSL_CERT_FILE` names cannot be used, and `library`.
    static func add(to store: OpaquePointer) throws(TLSError) {
        guard try parsed().add(to: store), let folders = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir()),
            tokenwell_X509_LOOKUP_add_default_dir(folders) == 1
        else { throw .library(reason: OpenSSLErrors.takeReason()) }
    }

    private static func parsed() throws(TLSError) -> Parsed {
        let (path, isRequired) = (file, named != nil)
        let result = cache.withLock { cached -> Result<Parsed, TLSError> in
            if let cached, cached.path == path, cached.identity == FileIdentity(of: path) { return .success(cached) }
            do throws(TLSError) {
                let parsed = try Parsed(path, isRequired: isRequired)
                cached = parsed
                return .success(parsed)
            } catch { return .failure(error) }
        }
        return try result.get()
    }
}
