import Sockets

/// The files that a configuration was read from, secrets included, each as it was just before it was read.
package struct ConfigurationFiles: Sendable, Equatable {
    /// The main file.
    let path: String
    /// The names in `tenants.d`; nil when it could not be listed.
    private let tenantFiles: [String]?
    /// nil where there was nothing.
    private var identities: [String: FileIdentity?] = [:]

    /// None but those of `tenants.d` by their names, to be made before they are read.
    init(of path: String) {
        self.path = path
        tenantFiles = Self.tenantFiles(beside: path)
    }

    /// The same with everything that was read.
    func with(_ identities: [String: FileIdentity?]) -> ConfigurationFiles {
        var files = self
        files.identities = identities
        return files
    }

    /// The same files as they are now.
    var current: ConfigurationFiles {
        ConfigurationFiles(of: path)
            .with(identities.reduce(into: [:]) { $0[$1.key] = .some(FileIdentity(of: $1.key)) })
    }

    private static func tenantFiles(beside path: String) -> [String]? {
        do throws(ConfigurationFile.Unreadable) { return try ConfigurationFile.tenantFiles(beside: path) } catch {
            return nil
        }
    }
}
