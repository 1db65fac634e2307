import Sockets
import Synchronization
import TokenBroker

/// What each tenant trusts of its upstream and shows to it. Tenants with the same files share a context, and no others.
///
/// The lock is taken once for each request to an upstream.
final class UpstreamTLS: Sendable {
    fileprivate struct Files: Hashable {
        let ca: String?
        let certificate: CertificateFiles?

        init(of tenant: Tenant) {
            ca = tenant.caFile
            certificate = tenant.clientCertificate.map { .init(certificate: $0.certificateFile, key: $0.keyFile) }
        }
    }

    /// What some tenants need; only those contexts are made that there were not.
    struct Preparation {
        fileprivate var byFiles: [Files: ReloadableTLSContext] = [:]
        /// The tenants whose files cannot be used.
        fileprivate(set) var failures: [(tenant: Tenant, error: TLSError)] = []
    }

    private let byFiles = Mutex<[Files: ReloadableTLSContext]>([:])

    /// - Throws: When a tenant's files cannot be used.
    init(for tenants: [Tenant]) throws(TLSError) {
        let preparation = prepare(for: tenants)
        if let failure = preparation.failures.first { throw failure.error }
        take(preparation, for: tenants)
    }

    /// Those of some tenants.
    func contexts(for tenants: [Tenant]) -> [ReloadableTLSContext] {
        let files = Set(tenants.map(Files.init))
        return byFiles.withLock { byFiles in files.compactMap { byFiles[$0] } }
    }

    /// The tenant's context now; nil for a tenant that nothing was prepared for.
    func context(of tenant: Tenant) -> TLSContext? { byFiles.withLock { $0[Files(of: tenant)] }?.current.value }

    /// Reads the files that are new.
    func prepare(for tenants: [Tenant]) -> Preparation {
        let known = byFiles.withLock(\.self)
        var preparation = Preparation()
        for (files, tenants) in Dictionary(grouping: tenants, by: Files.init) {
            do throws(TLSError) {
                if let context = known[files] {
                    preparation.byFiles[files] = context
                } else {
                    preparation.byFiles[files] = try .upstream(caFile: files.ca, certificate: files.certificate)
                }
            } catch {
                preparation.failures += tenants.map { ($0, error) }
            }
        }
        return preparation
    }

    /// Serves those tenants from now on, and no others: with what was prepared, or what they have now.
    func take(_ preparation: Preparation, for tenants: [Tenant]) {
        let files = Set(tenants.map(Files.init))
        byFiles.withLock { byFiles in
            byFiles = byFiles.merging(preparation.byFiles) { _, new in new }.filter { files.contains($0.key) }
        }
    }
}
