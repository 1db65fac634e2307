import Logging
import Sealing
import Sockets
import Testing
import TokenBroker

@testable import Service

/// What is different between two configurations.
struct ConfigurationChangeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout Configuration) -> Void
        var expected: @Sendable (inout ConfigurationChange) -> Void
    }

    private static func tenant(_ name: String) -> Tenant {
        Tenant(
            name: name, provider: .pageUp(tokenURL: "https://vendor.example/token"),
            credential: Credential(id: name, secret: Secret("s3cret")), scopes: .empty)
    }

    private static func caller(_ name: String, rate: Int = 1) -> Caller {
        Caller(
            name: name, keys: [KeyDigest(of: name)], grant: Grant(tenants: []),
            rateLimit: RateLimit(perSecond: rate, burst: rate))
    }

    private static let before: Configuration = {
        var configuration = Configuration()
        configuration.tenants = ["b", "a", "c"].map(tenant)
        configuration.callers = [caller("x"), caller("y")]
        return configuration
    }()

    @Test(arguments: [
        Case(testDescription: "nothing", change: { _ in }, expected: { _ in }),
        Case(
            testDescription: "another order, and what is equal",
            change: {
                $0.tenants = ["c", "b", "a"].map(tenant)
                $0.callers = [caller("y"), caller("x")]
            }, expected: { _ in }),
        Case(
            testDescription: "tenants",
            change: {
                $0.tenants = ["e", "d", "a", "b"].map(tenant)
                $0.tenants[2].credential.secret = Secret("another")
                $0.tenants[3].keepWarm = true
            },
            expected: {
                $0.tenants.added = ["d", "e"]
                $0.tenants.removed = ["c"]
                $0.tenants.changed = ["a", "b"]
            }),
        Case(
            testDescription: "callers",
            change: { $0.callers = [caller("x", rate: 2), caller("z")] },
            expected: {
                $0.callers.added = ["z"]
                $0.callers.removed = ["y"]
                $0.callers.changed = ["x"]
            }),
        Case(
            testDescription: "settings",
            change: {
                $0.deadline = .seconds(1)
                $0.logLevel = .debug
                $0.externalOrigin = "https://tokens.example"
                $0.metricsShowCallers = false
                $0.failedAttempts.burst = 1
                $0.jwtIssuers = [JWTIssuer(issuer: "i", keys: .file("f"))]
            },
            expected: {
                $0.settings = [
                    "external_url", "metrics.callers", "log.level", "failed_attempts", "deadline", "jwt_issuers",
                ]
            }),
        Case(
            testDescription: "what takes a restart",
            change: {
                $0.listen = .loopback(port: 1)
                $0.listenTLS = .init(certificate: "c", key: "k")
                $0.metricsListen = .loopback()
                $0.connections.maximum = 1
                $0.timeouts.body = .seconds(1)
                $0.masterKeys = KeyRing(active: .generate(), previous: .generate())
                $0.audit = .standardOutput
            },
            expected: {
                $0.needsRestart = [
                    "listen", "tls", "metrics.listen", "connections", "timeouts", "master_key", "master_key_previous",
                    "store", "audit",
                ]
            }),
        Case(
            testDescription: "a store that is said, and is the usual one", change: { $0.store = .memory },
            expected: { _ in }),
    ])
    func `the difference of two configurations`(_ example: Case) {
        var after = Self.before
        example.change(&after)
        var expected = ConfigurationChange()
        example.expected(&expected)
        let change = ConfigurationChange(from: Self.before, to: after)
        #expect(change == expected)
        // What is put in force differs from the new one only by what takes a restart.
        let running = after.running(as: Self.before)
        #expect(ConfigurationChange(from: running, to: after).isEmpty)
        #expect(ConfigurationChange(from: running, to: after).needsRestart == expected.needsRestart)
        #expect(ConfigurationChange(from: Self.before, to: running).needsRestart == [])
    }
}
