import Foundation
import HTTP
import Logging
import Support
import Telemetry
import Testing
import TokenBroker

@testable import Service

/// When a configuration is read again because its files have changed.
struct ConfigurationWatchTests {
    private static let text = """
        tenants:
          acme:
            provider: pageup
            token_url: http://127.0.0.1:1/token
            client_id: acme
            client_secret: {file: secret}
            scopes: [read]
        """

    private let folder: ConfigurationFolder
    private let clock = ManualClock()
    private let current: CurrentServing
    private let metrics = MetricsRegistry()
    private let lines = LineCollector()
    private let reloader: Reloader
    private let watch: ConfigurationWatch

    init() throws {
        let folder = try ConfigurationFolder(Self.text)
        self.folder = folder
        let group = try LoopbackService.group.get()
        let reading = folder.reading()
        let configuration = reading.configuration
        let logger = Logger(label: "test") { [lines] in
            LineLogHandler(JSONLogFormat(label: $0), sink: { lines.append($0) })
        }
        let tls = try UpstreamTLS(for: configuration.tenants)
        let broker = Broker(
            tenants: configuration.tenants, endpoint: OAuthTokenEndpoint(client: HTTPClient(on: group), tls: tls),
            timekeeper: clock, metrics: metrics, logger: logger)
        let issuers = try JWTIssuers([], on: group, metrics: metrics, logger: logger)
        let premises = Premises(configuration, metrics: metrics, audit: nil)
        current = CurrentServing(Serving(configuration, broker, issuers, Authentication([]), on: premises))
        let path = folder.path + "tokenwell.yaml"
        reloader = Reloader(
            current, on: premises,
            from: ConfigurationSource(files: reading.files) { ConfigurationLoader.read(path, environment: [:]) },
            upstreamTLS: tls, listenerTLS: nil,
            certificates: CertificateWatch([], timekeeper: clock, metrics: metrics, logger: logger), group: group,
            logger: logger)
        watch = ConfigurationWatch(reloader, timekeeper: clock)
    }

    private func reloads(_ outcome: String = "ok") -> Int {
        let text = String(decoding: metrics.exposition(), as: UTF8.self)
        let line = text.split(separator: "\n").first {
            $0.contains("configuration_reloads_total{outcome=\"\(outcome)\"}")
        }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }

    /// Has it look, and lets a second pass whenever it waits for files to be still.
    private func look() async {
        let look = Task { [watch] in await watch.look() }
        await clock.sleepers(1)
        clock.advance(by: .seconds(1))
        await look.value
    }

    private var tenants: [String] { current.value.configuration.tenants.map(\.name).sorted() }
    private var secret: String? { current.value.configuration.tenants.first?.credential.secret.reveal() }

    @Test func `files that have not changed are left alone`() async {
        await watch.look()
        #expect(reloads() == 0)
    }

    @Test func `the file itself, a file of tenants that comes or goes, and a secret's`() async throws {
        try folder.write("tokenwell.yaml", Self.text + "\ndeadline: 1s")
        await look()
        #expect(current.value.configuration.deadline == .seconds(1))
        let globex = Self.text.replacing("tenants:\n  acme", with: "  globex").replacing("secret}", with: "../secret}")
        try folder.write("tenants.d/more.yaml", globex)
        await look()
        #expect(tenants == ["acme", "globex"])
        try FileManager.default.removeItem(atPath: folder.path + "tenants.d/more.yaml")
        await look()
        #expect(tenants == ["acme"])
        try folder.write("secret", "rotated")
        await look()
        #expect(secret == "rotated")
        #expect(reloads() == 4)
        await watch.look()
        #expect(reloads() == 4)
    }

    @Test func `a link that is swapped, as Kubernetes does it`() async throws {
        let files = FileManager.default
        for version in ["..1", "..2"] {
            try folder.write("mount/\(version)/secret", "s3cret\(version)")
        }
        let link = folder.path + "mount/..data"
        try files.createSymbolicLink(atPath: link, withDestinationPath: "..1")
        try files.createSymbolicLink(
            atPath: folder.path + "mount/secret", withDestinationPath: "..data/secret")
        try folder.write("tokenwell.yaml", Self.text.replacing("file: secret", with: "file: mount/secret"))
        await look()
        #expect(secret == "s3cret..1")
        try files.createSymbolicLink(atPath: link + "_tmp", withDestinationPath: "..2")
        #expect(rename(link + "_tmp", link) == 0)
        await look()
        #expect(secret == "s3cret..2")
    }

    @Test func `what is still being written is left alone until it is still`() async throws {
        try folder.write("tokenwell.yaml", "tenants:\n")
        let look = Task { [watch] in await watch.look() }
        await clock.sleepers(1)
        try folder.write("tokenwell.yaml", Self.text + "\n# more is to come")
        clock.advance(by: .seconds(1))
        await clock.sleepers(1)
        #expect(reloads() == 0 && reloads("failed") == 0)
        try folder.write("tokenwell.yaml", Self.text + "\ndeadline: 1s")
        clock.advance(by: .seconds(1))
        await clock.sleepers(1)
        clock.advance(by: .seconds(1))
        await look.value
        #expect(reloads() == 1 && tenants == ["acme"])
        #expect(current.value.configuration.deadline == .seconds(1))
    }

    @Test func `a mistake is told once, and read again when a file changes`() async throws {
        try folder.write("secret", "")
        await look()
        #expect(reloads("partial") == 1 && secret == "s3cret-in-a-file")
        let logged = lines.text
        await watch.look()
        #expect(lines.text == logged)
        try FileManager.default.removeItem(atPath: folder.path + "tokenwell.yaml")
        await look()
        #expect(reloads("failed") == 1 && tenants == ["acme"])
        try folder.write("tokenwell.yaml", Self.text)
        try folder.write("secret", "rotated")
        await look()
        #expect(reloads() == 1 && secret == "rotated")
    }

    @Test func `it looks every five seconds until it is cancelled`() async throws {
        let run = Task { [watch] in await watch.run() }
        await clock.sleepers(1)
        try folder.write("secret", "rotated")
        clock.advance(by: .seconds(5))
        await clock.sleepers(1)
        clock.advance(by: .seconds(1))
        await clock.sleepers(1)
        #expect(secret == "rotated")
        run.cancel()
        clock.advance(by: .seconds(5))
        await run.value
    }

    @Test func `of readings that are asked for at once, each begins after it was asked for`() async {
        await withTaskGroup(of: Reload.Outcome.self) { group in
            for _ in 0..<50 { group.addTask { [reloader] in await reloader.reload().outcome } }
            for await outcome in group { #expect(outcome == .ok) }
        }
        #expect((1...50).contains(reloads()))
    }
}
