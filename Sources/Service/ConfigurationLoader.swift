import Logging
package import Sealing
import Sockets
import TokenBroker

/// Reads a configuration from its file, the `tenants.d` beside it and the environment: all of it, or all its mistakes.
package struct ConfigurationLoader {
    private let context: ConfigurationContext
    /// Where each tenant was named, whether or not the rest of it is right.
    private var tenantPlaces: [String: ConfigurationReading.Place] = [:]
    /// Whether a file could not be read, so that some tenants' names are unknown.
    private var isIncomplete = false

    private init(environment: [String: String], conceal: @escaping (String) -> Void = { _ in }) {
        context = ConfigurationContext(environment: environment, conceal: conceal)
    }

    /// Loads the configuration in that file.
    ///
    /// - Parameters:
    ///   - path: Mistakes are reported with the file named as it is here.
    ///   - environment: For `{env: NAME}`, and for the settings that it overrides.
    ///   - conceal: Called with the name of each variable that held a secret, once that is read.
    package static func load(
        _ path: String, environment: [String: String], conceal: @escaping (String) -> Void = { _ in }
    ) throws(ConfigurationErrors) -> Configuration {
        let reading = read(path, environment: environment, conceal: conceal)
        guard reading.mistakes.isEmpty else { throw ConfigurationErrors(reading.mistakes) }
        return reading.configuration
    }

    /// Reads the configuration in that file, for whoever can do with a part of it.
    ///
    /// Parameters as with ``load(_:environment:conceal:)``.
    package static func read(
        _ path: String, environment: [String: String], conceal: @escaping (String) -> Void = { _ in }
    ) -> ConfigurationReading {
        let files = ConfigurationFiles(of: path)
        var loader = ConfigurationLoader(environment: environment, conceal: conceal)
        var reading = ConfigurationReading(loader.configuration(path))
        reading.mistakes = ConfigurationErrors.sorted(loader.context.mistakes)
        let broken = reading.brokenTenants
        reading.configuration.tenants.removeAll { broken.contains($0.name) }
        reading.tenantPlaces = loader.tenantPlaces
        reading.files = files.with(loader.context.files)
        return reading
    }

    /// The master keys in that file, whatever else is wrong with it; nil if it names none.
    ///
    /// - Parameter conceal: As with ``load(_:environment:conceal:)``.
    package static func loadMasterKeys(
        _ path: String, environment: [String: String], conceal: @escaping (String) -> Void = { _ in }
    ) throws(ConfigurationErrors) -> KeyRing? {
        var loader = ConfigurationLoader(environment: environment, conceal: conceal)
        let root = loader.read(path, hint: fileHint)
        guard let root else { throw ConfigurationErrors(loader.context.mistakes) }
        let others = loader.context.mistakes.count
        root.section { section in
            loader.masterKeys(&section)
            section.ignoreUnknownKeys()
        }
        let mistakes = Array(loader.context.mistakes.dropFirst(others))
        guard mistakes.isEmpty else { throw ConfigurationErrors(mistakes) }
        return loader.context.ring
    }

    private static let fileHint = "name the file with --config or TOKENWELL_CONFIG"

    /// Where the service listens, as far as the file and the environment say so, whatever else is wrong with them: a
    /// mistake that somebody is just making does not end the service that runs.
    package static func loadListeners(_ path: String, environment: [String: String]) -> Configuration {
        var loader = ConfigurationLoader(environment: environment)
        var configuration = Configuration()
        loader.read(path)?.section { settings(&$0, into: &configuration) }
        loader.override(&configuration)
        return configuration
    }

    private mutating func configuration(_ path: String) -> Configuration {
        var configuration = Configuration()
        var callers: ConfigurationCursor?
        var issuers: [JWTIssuer]? = []
        let root = read(path, hint: Self.fileHint)
        root?.section { section in
            Self.settings(&section, into: &configuration)
            masterKeys(&section)
            configuration.audit = section["audit"]?.audit()
            configuration.store = section["store"]?.store(mayBeSealed: section["master_key"] != nil)
            configuration.tenants = section["tenants"].map { tenants(in: $0) } ?? []
            if let cursor = section["jwt_issuers"] { issuers = cursor.jwtIssuers() }
            callers = section["callers"]
        }
        for file in tenantFiles(beside: path) { configuration.tenants += read(file).map { tenants(in: $0) } ?? [] }
        configuration.jwtIssuers = issuers ?? []
        // Last, since they are held against every tenant's name.
        let context = ConfigurationCursor.CallerContext(
            tenantNames: isIncomplete ? nil : Set(tenantPlaces.keys), issuers: issuers.map { Set($0.map(\.issuer)) },
            hasClientCertificates: configuration.listenTLS?.clients != nil)
        configuration.callers = callers.map { self.callers(in: $0, context) } ?? []
        override(&configuration)
        configuration.masterKeys = self.context.ring
        configuration.warnings = self.context.warnings
        return configuration
    }

    // MARK: - Files

    private mutating func read(_ file: String, hint: String? = nil) -> ConfigurationCursor? {
        let bytes: [UInt8]
        context.willRead(file)
        do throws(ConfigurationFile.Unreadable) {
            bytes = try ConfigurationFile.read(file, limit: YAMLReader.Limits().bytes)
        } catch {
            note(file, error.reason, hint: hint)
            return nil
        }
        do throws(YAMLError) {
            return ConfigurationCursor(file: file, root: try YAMLReader.read(bytes), context: context)
        } catch {
            for problem in error.problems { note(file, problem.text, at: problem.place) }
            isIncomplete = isIncomplete || error.root == nil
            return error.root.map { ConfigurationCursor(file: file, root: $0, context: context) }
        }
    }

    private mutating func tenantFiles(beside path: String) -> [String] {
        do throws(ConfigurationFile.Unreadable) {
            return try ConfigurationFile.tenantFiles(beside: path)
        } catch {
            note(ConfigurationFile.tenantFolder(beside: path), error.reason)
            return []
        }
    }

    private mutating func note(_ file: String, _ problem: String, hint: String? = nil, at place: YAMLNode.Place? = nil)
    {
        isIncomplete = isIncomplete || place == nil
        let (line, column) = (Int(place?.line ?? 0), Int(place?.column ?? 0))
        context.note(.init(file: file, line: line, column: column, path: "", problem: problem, hint: hint))
    }

    // MARK: - Settings

    private static func settings(_ section: inout ConfigurationSection, into configuration: inout Configuration) {
        listener(&section, into: &configuration)
        configuration.externalOrigin = section["external_url"]?.origin()
        section["metrics"]?.section { section in
            configuration.metricsListen = section["listen"]?.address()
            configuration.metricsShowCallers = section["callers"]?.boolean() ?? configuration.metricsShowCallers
        }
        configuration.logLevel = section["log"]?.section { $0.required("level")?.logLevel() } ?? configuration.logLevel
        configuration.deadline =
            section["deadline"]?.duration(in: .milliseconds(10) ... .seconds(300)) ?? configuration.deadline
        configuration.connections = section["connections"]?.connections() ?? configuration.connections
        configuration.failedAttempts = section["failed_attempts"]?.failedAttempts() ?? configuration.failedAttempts
        configuration.timeouts = section["timeouts"]?.timeouts() ?? configuration.timeouts
    }

    /// Before anything that is sealed with them.
    private func masterKeys(_ section: inout ConfigurationSection) {
        let (active, previous) = (section["master_key"], section["master_key_previous"])
        guard let active else {
            if let previous { return previous.note("does not belong here", hint: "it goes with master_key") }
            context.masterKeys = .none
            return
        }
        let keys = (active.masterKey(), previous?.masterKey())
        guard let key = keys.0, keys.1 != nil || previous == nil else { return }
        if key.id == keys.1?.id {
            previous?.note("is the same key as master_key", hint: "leave it out until there is another")
        }
        context.masterKeys = .ring(KeyRing(active: key, previous: keys.1))
    }

    /// `listen: address` with `tls` beside it, or `listen: {address, tls}`.
    private static func listener(_ section: inout ConfigurationSection, into configuration: inout Configuration) {
        let listen = section["listen"]
        if let listen, listen.node.entries != nil {
            section.exclude("tls", because: "write it under listen, beside address")
            listen.section { section in
                configuration.listen = section.required("address")?.address() ?? configuration.listen
                configuration.listenTLS = section["tls"]?.listenTLS()
            }
        } else {
            configuration.listen = listen?.address() ?? configuration.listen
            configuration.listenTLS = section["tls"]?.listenTLS()
        }
    }

    private func override(_ configuration: inout Configuration) {
        configuration.listen = variable("TOKENWELL_LISTEN")?.address() ?? configuration.listen
        configuration.metricsListen = variable("TOKENWELL_METRICS_LISTEN")?.address() ?? configuration.metricsListen
        configuration.logLevel = variable("TOKENWELL_LOG_LEVEL")?.logLevel() ?? configuration.logLevel
    }

    private func variable(_ name: String) -> ConfigurationCursor? {
        context.environment[name].map { ConfigurationCursor(variable: name, value: $0, context: context) }
    }

    // MARK: - Tenants and callers

    private mutating func tenants(in cursor: ConfigurationCursor) -> [Tenant] {
        cursor.entries().compactMap { entry in
            let tenant = cursor.child(tenant: entry)
            guard Tenant.isName(entry.key) else {
                return tenant.mistake(
                    "is not a tenant name",
                    hint: "use 1 to 63 of a-z, 0-9, \".\", \"_\", \"-\", beginning with a letter or digit")
            }
            if let first = tenantPlaces[entry.key] {
                tenant.note(
                    "this tenant is already in \(first.file):\(first.line)", hint: "names are unique over all files")
            } else {
                tenantPlaces[entry.key] = .init(
                    file: tenant.path.file, line: Int(entry.place.line), path: tenant.path.text)
            }
            return tenant.tenant(named: entry.key)
        }
    }

    private func callers(
        in cursor: ConfigurationCursor, _ context: ConfigurationCursor.CallerContext
    ) -> [Caller] {
        var owners: [Caller.Proof: String] = [:]
        return cursor.entries().compactMap { entry in
            let place = cursor.child(entry)
            guard Caller.isName(entry.key) else {
                return place.mistake(
                    "is not a caller name",
                    hint: "use 1 to 63 letters, digits, \".\", \"_\", \"-\", beginning with a letter or digit")
            }
            guard let caller = place.caller(named: entry.key, context) else { return nil }
            for proof in caller.proofs {
                if let owner = owners.updateValue(caller.name, forKey: proof) {
                    place.note(
                        "has a \(proof.noun) that is already a \(proof.noun) of \(owner)",
                        hint: "give each caller \(proof.noun)s of its own")
                }
            }
            return caller
        }
    }
}

extension Caller.Proof {
    fileprivate var noun: String {
        switch self {
        case .key: "key"
        case .jwt: "JWT subject"
        case .certificate: "certificate name"
        }
    }
}

extension ConfigurationCursor {
    fileprivate func logLevel() -> Logger.Level? { enumeration("a log level", Logger.Level.self) }

    fileprivate func listenTLS() -> Configuration.ListenTLS? {
        section { section in
            let files = Self.certificateFiles(&section)
            let additional = section["additional"]?.list(1...100) { $0.certificateFiles() } ?? []
            let clients = Self.clientAuthorities(&section)
            guard let files else { return nil }
            return Configuration.ListenTLS(
                certificate: files.certificate, key: files.key, additional: additional, clients: clients)
        }
    }

    /// `memory`, `{sqlite: path}` or `{redis: ...}`.
    fileprivate func store(mayBeSealed: Bool) -> Configuration.Store? {
        guard node.entries != nil else {
            guard let text = string() else { return nil }
            return text == "memory"
                ? .memory
                : mistake(
                    "\(Printable.quoted(text)) is not a store", hint: "write {sqlite: path}, {redis: ...} or memory")
        }
        if !mayBeSealed { note("needs a master key", hint: "set master_key, or write store: memory") }
        return section { section in
            guard section.hasAny(of: "redis") else {
                return section.required("sqlite")?.filePath().map(Configuration.Store.sqlite)
            }
            section.exclude("sqlite", because: "there is one store: write sqlite or redis")
            return section["redis"]?.redisPlace().map(Configuration.Store.redis)
        }
    }

    /// `stdout`, or `{file: path}`.
    fileprivate func audit() -> Configuration.Audit? {
        guard node.entries != nil else {
            guard let text = string() else { return nil }
            return text == "stdout"
                ? .standardOutput
                : mistake("\(Printable.quoted(text)) is no place for an audit", hint: "write {file: path} or stdout")
        }
        return section { $0.required("file")?.filePath().map(Configuration.Audit.file) }
    }

    fileprivate func connections() -> Configuration.Connections? {
        section { section in
            var connections = Configuration.Connections()
            connections.maximum = section["maximum"]?.integer(in: 1...1_000_000) ?? connections.maximum
            connections.perAddress = section["per_address"]?.integer(in: 1...connections.maximum)
            return connections
        }
    }

    fileprivate func failedAttempts() -> Configuration.FailedAttempts? {
        section { section in
            var limit = Configuration.FailedAttempts()
            limit.burst = section["burst"]?.integer(in: 1...1_000_000) ?? limit.burst
            limit.perMinute = section["per_minute"]?.integer(in: 1...1_000_000) ?? limit.perMinute
            return limit
        }
    }

    fileprivate func timeouts() -> Configuration.Timeouts? {
        section { section in
            var timeouts = Configuration.Timeouts()
            func read(_ key: String, into timeout: inout Duration) {
                timeout = section[key]?.duration(in: .milliseconds(100) ... .seconds(600)) ?? timeout
            }
            read("head", into: &timeouts.head)
            read("body", into: &timeouts.body)
            read("idle", into: &timeouts.idle)
            read("write", into: &timeouts.write)
            return timeouts
        }
    }

    private static func clientAuthorities(_ section: inout ConfigurationSection) -> TLSContext.ClientAuthorities? {
        guard let caFile = section["client_ca"] else {
            section.exclude("client_certificate", because: "it goes with client_ca, which says whose to take")
            return nil
        }
        let isRequired = section["client_certificate"]?.choice(
            "a choice", ["optional": false, "required": true])
        return caFile.file().map { TLSContext.ClientAuthorities(caFile: $0, isRequired: isRequired ?? false) }
    }
}
