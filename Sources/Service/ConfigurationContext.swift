import Sealing
import Sockets

/// What decoding one configuration reads besides its files, and the mistakes it finds.
///
/// One object per load, used by one task from beginning to end.
final class ConfigurationContext {
    /// What sealed secrets are opened with.
    enum MasterKeys {
        /// They could not be read, which is a mistake already: what is sealed is taken for right.
        case unknown
        case none
        case ring(KeyRing)
    }

    let environment: [String: String]
    /// Called with the name of each variable that held a secret, once that is read.
    let conceal: (String) -> Void
    var masterKeys = MasterKeys.unknown
    private(set) var mistakes: [ConfigurationErrors.Mistake] = []
    private(set) var warnings: [ConfigurationErrors.Mistake] = []
    /// What was read, as it was just before; nil where there was nothing.
    private(set) var files: [String: FileIdentity?] = [:]

    init(environment: [String: String], conceal: @escaping (String) -> Void = { _ in }) {
        self.environment = environment
        self.conceal = conceal
    }

    /// The master keys, if there are any.
    var ring: KeyRing? {
        guard case .ring(let ring) = masterKeys else { return nil }
        return ring
    }

    func note(_ mistake: ConfigurationErrors.Mistake) { mistakes.append(mistake) }

    /// Notes that a file is about to be read.
    func willRead(_ path: String) { files[path] = .some(FileIdentity(of: path)) }

    func warn(_ warning: ConfigurationErrors.Mistake) { warnings.append(warning) }
}
