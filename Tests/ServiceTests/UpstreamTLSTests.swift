import Foundation
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

    @Test func `what was prepared is what is served, and nothing is read again`() throws {
        let certificates = try Certificates()
        let plain = UpstreamExchange.initech("https://upstream.example")
        var trusting = plain
        trusting.caFile = certificates.authorityFile
        var unwanted = plain
        unwanted.caFile = try certificates.issue().certificateFile
        let tls = try UpstreamTLS(for: [plain])
        let known = tls.context(of: plain)
        let preparation = tls.prepare(for: [trusting, unwanted])
        #expect(preparation.failures.isEmpty && tls.context(of: trusting) == nil)
        try FileManager.default.removeItem(atPath: certificates.authorityFile)
        tls.take(preparation, for: [plain, trusting])
        #expect(tls.context(of: trusting) != nil && tls.context(of: plain) === known)
        #expect(tls.context(of: unwanted) == nil)
        tls.take(tls.prepare(for: [trusting]), for: [trusting])
        #expect(tls.context(of: trusting) != nil && tls.context(of: plain) == nil)
    }
}
