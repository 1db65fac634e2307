import FoundationEssentials
import Logging
import TokenBroker

/// Reads a configuration from its file, the `tenants.d` beside it and the environment: all of it, or all its mistakes.
package struct ConfigurationLoader {
    private let context: ConfigurationContext
    /// Where each tenant was named, whether or not the rest of it is right.
    private var tenantPlaces: [String: String] = [:]
    /// Whether a file could not be read, so that some tenants' names are unknown.
    private var isIncomplete = false

    private init(environment: [String: String]) { context = ConfigurationContext(environment: environment) }

    /// Loads the configuration in that file.
    ///
    /// - Parameters:
    ///   - path: Mistakes are reported with the file named as it is here.
    ///   - environment: For `{env: NAME}`, and for the settings that it overrides.
    package static func load(_ path: String, environment: [String: String]) throws(ConfigurationErrors) -> Configuration
    {
        var loader = ConfigurationLoader(environment: environment)
        let configuration = loader.configuration(path)
        guard loader.context.mistakes.isEmpty else { throw ConfigurationErrors(loader.context.mistakes) }
        return configuration
    }

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
        let root = read(path, hint: "name the file with --config or TOKENWELL_CONFIG")
        root?.section { section in
            Self.settings(&section, into: &configuration)
            configuration.tenants = section["tenants"].map { tenants(in: $0) } ?? []
            callers = section["callers"]
        }
        for file in tenantFiles(beside: path) { configuration.tenants += read(file).map { tenants(in: $0) } ?? [] }
        // Last, since they are held against every tenant's name.
        configuration.callers = callers.map(self.callers) ?? []
        override(&configuration)
        return configuration
    }

    // MARK: - Files

    private mutating func read(_ file: String, hint: String? = nil) -> ConfigurationCursor? {
        let bytes: [UInt8]
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

    /// `tenants.d/*.yaml` in the order of their names. Hidden files are left alone: Kubernetes mounts have some.
    private mutating func tenantFiles(beside path: String) -> [String] {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        let directory = folder + "tenants.d"
        guard FileManager.default.fileExists(atPath: directory) else { return [] }
        do {
            let names = try FileManager.default.contentsOfDirectory(atPath: directory)
            return names.filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }.sorted().map { "\(directory)/\($0)" }
        } catch {
            note(directory, "cannot be listed")
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
        configuration.metricsListen = section["metrics"]?.section { $0.required("listen")?.address() }
        configuration.logLevel = section["log"]?.section { $0.required("level")?.logLevel() } ?? configuration.logLevel
        configuration.deadline =
            section["deadline"]?.duration(in: .milliseconds(10) ... .seconds(300)) ?? configuration.deadline
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
            let tenant = cursor.child(entry)
            guard Tenant.isName(entry.key) else {
                return tenant.mistake(
                    "is not a tenant name",
                    hint: "use 1 to 63 of a-z, 0-9, \".\", \"_\", \"-\", beginning with a letter or digit")
            }
            if let first = tenantPlaces[entry.key] {
                tenant.note("this tenant is already in \(first)", hint: "names are unique over all files")
            } else {
                tenantPlaces[entry.key] = "\(cursor.path.file):\(entry.place.line)"
            }
            return tenant.tenant(named: entry.key)
        }
    }

    private func callers(in cursor: ConfigurationCursor) -> [Caller] {
        let tenantNames = isIncomplete ? nil : Set(tenantPlaces.keys)
        var owners: [KeyDigest: String] = [:]
        return cursor.entries().compactMap { entry in
            let place = cursor.child(entry)
            guard Caller.isName(entry.key) else {
                return place.mistake(
                    "is not a caller name",
                    hint: "use 1 to 63 letters, digits, \".\", \"_\", \"-\", beginning with a letter or digit")
            }
            guard let caller = place.caller(named: entry.key, tenantNames: tenantNames) else { return nil }
            for key in caller.keys {
                if let owner = owners[key] {
                    place.note("has a key that is already a key of \(owner)", hint: "give each caller keys of its own")
                }
                owners[key] = caller.name
            }
            return caller
        }
    }
}

extension ConfigurationCursor {
    fileprivate func logLevel() -> Logger.Level? { enumeration("a log level", Logger.Level.self) }

    fileprivate func listenTLS() -> Configuration.ListenTLS? {
        section { section in
            let certificate = section.required("certificate")?.file()
            let key = section.required("key")?.file()
            guard let certificate, let key else { return nil }
            return Configuration.ListenTLS(certificate: certificate, key: key)
        }
    }
}
