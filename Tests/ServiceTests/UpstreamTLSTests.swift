import Support
import Testing
import TokenBroker

@testable import Service

struct UpstreamTLSTests {
    @Test func `tenants share a context when their files are the same, and only then`() throws {
        let certificates = try Certificates()
        let pair = try certificates.issue()
        let plain = UpstreamExchange.initech("https://upstream.example")
        var trusting = plain
        trusting.caFile = certificates.authorityFile
        var showing = trusting
        showing.clientCertificate = Tenant.ClientCertificate(
            certificateFile: pair.certificateFile, keyFile: pair.keyFile)
        let tenants = [plain, trusting, showing]
        let tls = try UpstreamTLS(for: tenants)
        let contexts = Set(tenants.compactMap { tls.context(of: $0).map(ObjectIdentifier.init) })
        #expect(contexts.count == 3)
        let another = Tenant(
            name: "another", provider: plain.provider, credential: plain.credential, scopes: .empty,
            caFile: certificates.authorityFile)
        #expect(tls.context(of: another) === tls.context(of: trusting))
    }
}
