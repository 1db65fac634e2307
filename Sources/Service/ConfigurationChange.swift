import Sealing
import Sockets
import TokenBroker

/// What is different between the configuration that is in force and one that was read.
package struct ConfigurationChange: Sendable, Equatable {
    /// The names of things that have names, each list sorted.
    package struct Names: Sendable, Equatable {
        package var added: [String] = []
        package var removed: [String] = []
        package var changed: [String] = []

        package var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }

        init() {}

        fileprivate init<Thing: Equatable>(from old: [Thing], to new: [Thing], _ name: (Thing) -> String) {
            let before = Dictionary(uniqueKeysWithValues: old.map { (name($0), $0) })
            var left = before
            for thing in new {
                let name = name(thing)
                left[name] = nil
                guard let known = before[name] else {
                    added.append(name)
                    continue
                }
                if known != thing { changed.append(name) }
            }
            removed = left.keys.sorted()
            added.sort()
            changed.sort()
        }
    }

    package var tenants = Names()
    package var callers = Names()
    /// Other keys with another value, which is taken at once.
    package var settings: [String] = []
    /// Keys with another value, which only a restart takes.
    package var needsRestart: [String] = []

    /// Whether everything is as it was, or has to wait for a restart.
    package var isEmpty: Bool { tenants.isEmpty && callers.isEmpty && settings.isEmpty }

    init() {}

    package init(from old: Configuration, to new: Configuration) {
        tenants = Names(from: old.tenants, to: new.tenants, \.name)
        callers = Names(from: old.callers, to: new.callers, \.name)
        settings = Self.differences(old, new, Self.live)
        needsRestart = Self.differences(old, new, Self.fixed)
    }

    private typealias Setting = (key: String, isSame: @Sendable (Configuration, Configuration) -> Bool)

    private static let live: [Setting] = [
        ("external_url", { $0.externalOrigin == $1.externalOrigin }),
        ("metrics.callers", { $0.metricsShowCallers == $1.metricsShowCallers }),
        ("log.level", { $0.logLevel == $1.logLevel }),
        ("failed_attempts", { $0.failedAttempts == $1.failedAttempts }),
        ("deadline", { $0.deadline == $1.deadline }),
        ("jwt_issuers", { $0.jwtIssuers == $1.jwtIssuers }),
    ]

    private static let fixed: [Setting] = [
        ("listen", { $0.listen.description == $1.listen.description }),
        ("tls", { $0.listenTLS == $1.listenTLS }),
        ("metrics.listen", { $0.metricsListen?.description == $1.metricsListen?.description }),
        ("connections", { $0.connections == $1.connections }),
        ("timeouts", { $0.timeouts == $1.timeouts }),
        ("master_key", { $0.masterKeys?.activeID == $1.masterKeys?.activeID }),
        ("master_key_previous", { $0.masterKeys?.previousID == $1.masterKeys?.previousID }),
        ("store", { $0.effectiveStore == $1.effectiveStore }),
        ("audit", { $0.audit == $1.audit }),
    ]

    private static func differences(_ old: Configuration, _ new: Configuration, _ settings: [Setting]) -> [String] {
        settings.filter { !$0.isSame(old, new) }.map(\.key)
    }
}

extension Configuration {
    /// The same with what cannot change while it runs as it is in the one that is in force.
    func running(as inForce: Configuration) -> Configuration {
        var configuration = self
        configuration.listen = inForce.listen
        configuration.listenTLS = inForce.listenTLS
        configuration.metricsListen = inForce.metricsListen
        configuration.connections = inForce.connections
        configuration.timeouts = inForce.timeouts
        configuration.masterKeys = inForce.masterKeys
        configuration.store = inForce.store
        configuration.audit = inForce.audit
        return configuration
    }
}
