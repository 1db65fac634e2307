import Foundation
import Logging
import Support
import Telemetry
import Testing

@testable import Service
@testable import Sockets

/// When certificates are read again, and what comes of it.
struct CertificateWatchTests {
    private let certificates: Certificates
    private let first: Certificates.Pair
    private let second: Certificates.Pair
    private let certificate: String
    private let key: String
    private let clock = ManualClock()
    private let metrics = MetricsRegistry()
    private let lines = LineCollector()
    private let context: ReloadableTLSContext
    private let watch: CertificateWatch

    init() throws {
        certificates = try Certificates()
        first = try certificates.issue(names: "DNS:first.example")
        second = try certificates.issue(names: "DNS:second.example", validity: .past)
        certificate = certificates.path("certificate")
        key = certificates.path("key")
        try FileManager.default.copyItem(atPath: first.certificateFile, toPath: certificate)
        try FileManager.default.copyItem(atPath: first.keyFile, toPath: key)
        context = try .listener(.init(certificate: certificate, key: key), now: clock.now)
        let logger = Logger(label: "test") { [lines] label in
            LineLogHandler(JSONLogFormat(label: label), logLevel: .trace, sink: { lines.append($0) })
        }
        watch = CertificateWatch([context], timekeeper: clock, metrics: metrics, logger: logger)
    }

    /// The names that new sessions are shown.
    private var names: [String] { context.current.value.certificates.flatMap(\.dnsNames) }

    private var exposition: String { String(decoding: metrics.exposition(), as: UTF8.self) }

    private func reloads(_ outcome: String) -> Bool { exposition.contains("reloads_total{outcome=\"\(outcome)\"} 1\n") }

    private func put(_ file: String, at path: String) throws {
        try Data(contentsOf: URL(fileURLWithPath: file)).write(to: URL(fileURLWithPath: path), options: .atomic)
    }

    @Test func `files that have not changed are left alone`() {
        let before = context.current.value
        watch.reloadChanged()
        #expect(context.current.value === before)
        #expect(!reloads("ok") && !reloads("failed"))
    }

    @Test func `a new pair is taken when both halves are there, and half of one changes nothing`() throws {
        try put(second.certificateFile, at: certificate)
        watch.reloadChanged()
        #expect(names == ["first.example"])
        #expect(reloads("failed"))
        #expect(lines.text.contains("private key \(key) does not belong to certificate \(certificate)"))
        let logged = lines.text
        watch.reloadChanged()
        #expect(lines.text == logged, "what is still wrong is said once")
        try put(second.keyFile, at: key)
        watch.reloadChanged()
        #expect(names == ["second.example"])
        #expect(reloads("ok") && reloads("failed"))
        #expect(lines.text.contains("certificates reloaded"))
    }

    @Test func `a file that is gone or broken changes nothing, and is named`() throws {
        try FileManager.default.removeItem(atPath: key)
        watch.reloadChanged()
        #expect(lines.text.contains("private key \(key): No such file or directory"))
        try Data("-----BEGIN".utf8).write(to: URL(fileURLWithPath: key))
        watch.reloadChanged()
        #expect(lines.text.contains("private key \(key): it holds no private key in PEM form"))
        #expect(names == ["first.example"])
    }

    /// Every file of a listener and towards an upstream, beside its certificate and key.
    @Test(arguments: ["client_ca", "ca_file", "certificate", "key"])
    func `each file that a context is made from is looked at, and named when it was read again`(which: String) throws {
        let file = which == "certificate" ? certificate : which == "key" ? key : certificates.path(which)
        if file != certificate, file != key { try put(certificates.authorityFile, at: file) }
        let context: ReloadableTLSContext =
            if which == "client_ca" {
                try .listener(
                    .init(certificate: certificate, key: key, clients: .init(caFile: file, isRequired: true)),
                    now: clock.now)
            } else {
                try .upstream(
                    caFile: which == "ca_file" ? file : nil, certificate: .init(certificate: certificate, key: key),
                    now: clock.now)
            }
        let logger = Logger(label: "test") { [lines] label in
            LineLogHandler(JSONLogFormat(label: label), logLevel: .trace, sink: { lines.append($0) })
        }
        let watch = CertificateWatch([context], timekeeper: clock, metrics: MetricsRegistry(), logger: logger)
        let before = context.current.value
        watch.reloadChanged()
        #expect(context.current.value === before)
        try put(file, at: file)
        watch.reloadChanged()
        #expect(context.current.value !== before)
        #expect(
            lines.text.split(separator: "\n").contains { $0.contains("certificates reloaded") && $0.contains(file) })
    }

    @Test func `a reload that is asked for reads all files, changed or not`() {
        let before = context.current.value
        watch.reloadAll()
        #expect(context.current.value !== before)
        #expect(reloads("ok"))
    }

    @Test func `the keys of tickets do not outlive a day`() {
        let before = context.current.value
        clock.advance(by: .seconds(24 * 3600 - 1))
        watch.reloadChanged()
        #expect(context.current.value === before)
        clock.advance(by: .seconds(1))
        watch.reloadChanged()
        #expect(context.current.value !== before)
    }

    @Test func `a failure does not make a context younger, which is tried again now and then`() throws {
        clock.advance(by: .seconds(23 * 3600))
        try FileManager.default.removeItem(atPath: key)
        watch.reloadChanged()
        let count = { (failures: Int) in "reloads_total{outcome=\"failed\"} \(failures)\n" }
        #expect(exposition.contains(count(1)))
        clock.advance(by: .seconds(3600))
        watch.reloadChanged()
        #expect(exposition.contains(count(2)))
        clock.advance(by: .seconds(599))
        watch.reloadChanged()
        #expect(exposition.contains(count(2)))
        clock.advance(by: .seconds(1))
        watch.reloadChanged()
        #expect(exposition.contains(count(3)))
    }

    @Test func `it looks every five seconds until it is cancelled`() async throws {
        let run = Task { [watch] in await watch.run() }
        await clock.sleepers(1)
        try put(second.certificateFile, at: certificate)
        try put(second.keyFile, at: key)
        clock.advance(by: .seconds(5))
        await clock.sleepers(1)
        #expect(names == ["second.example"])
        run.cancel()
        clock.advance(by: .seconds(5))
        await run.value
    }

    @Test func `each certificate's end is a metric, and one that is past is said`() throws {
        let series = "tokenwell_tls_certificate_not_after_timestamp_seconds{file=\"\(certificate)\"} "
        #expect(exposition.contains(series + "4070908800\n"))
        #expect(!lines.text.contains("out of its time"))
        try put(second.certificateFile, at: certificate)
        try put(second.keyFile, at: key)
        watch.reloadChanged()
        #expect(exposition.contains(series + "1580515200\n"))
        #expect(lines.text.contains("a certificate is out of its time"))
    }
}
