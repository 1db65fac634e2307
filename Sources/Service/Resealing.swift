package import Sealing

/// A configuration file whose sealed secrets are sealed anew with the active master key, and which is otherwise, byte for
/// byte, what it was.
package struct Resealing {
    /// Which mappings of a file are tenants by name.
    package enum Layout: Sendable {
        /// `tenants` is: the main file.
        case whole
        /// All of it is: a file of `tenants.d`.
        case tenants
    }

    /// A secret that was under the previous key.
    package struct Replacement: Sendable {
        /// From 1.
        package let line: Int
        /// The keys that lead there.
        package let path: String
        /// What takes its place. As it is sealed, it may be shown.
        package let text: String
    }

    package let bytes: [UInt8]
    package let replacements: [Replacement]

    /// Seals anew what the previous key sealed.
    ///
    /// - Parameter file: What it is called in mistakes.
    /// - Throws: What keeps secrets from being opened, or from being found in the text as they are: then a change would leave
    ///   some of them behind.
    package init(
        of bytes: [UInt8], named file: String, _ layout: Layout, with ring: KeyRing
    ) throws(ConfigurationErrors) {
        let context = ConfigurationContext(environment: [:])
        let root = try Self.root(of: bytes, named: file, context)
        var replacements: [String: Replacement] = [:]
        for secret in Self.sealedSecrets(in: root, layout) {
            guard let (old, new) = secret.resealed(with: ring) else { continue }
            replacements[old] = Replacement(line: Int(secret.place.line), path: secret.path.text, text: new)
        }
        let (text, replaced) = Self.apply(replacements, to: bytes)
        if context.mistakes.isEmpty, replaced != Set(replacements.keys) {
            root.note("has a sealed secret that is not written in one piece", hint: "write each on one line")
        }
        guard context.mistakes.isEmpty else { throw ConfigurationErrors(context.mistakes) }
        self.bytes = text
        self.replacements = replacements.values.sorted { $0.line < $1.line }
    }

    private static func root(
        of bytes: [UInt8], named file: String, _ context: ConfigurationContext
    ) throws(ConfigurationErrors) -> ConfigurationCursor {
        do throws(YAMLError) {
            return ConfigurationCursor(file: file, root: try YAMLReader.read(bytes), context: context)
        } catch {
            throw ConfigurationErrors(
                error.problems.map {
                    let (line, column) = (Int($0.place.line), Int($0.place.column))
                    return .init(file: file, line: line, column: column, path: "", problem: $0.text)
                })
        }
    }

    private static func sealedSecrets(in root: ConfigurationCursor, _ layout: Layout) -> [ConfigurationCursor] {
        switch layout {
        case .tenants:
            return (root.node.entries ?? []).flatMap { root.child(tenant: $0).sealedSecrets() }
        case .whole:
            let tenants = root.node.entries?.first { $0.key == "tenants" }
            return tenants.map { sealedSecrets(in: root.child($0), .tenants) } ?? []
        }
    }

    /// Replaces texts of the alphabet that base64url has, where they stand by themselves.
    ///
    /// Sealed secrets are found wherever they are: what is random is nothing else.
    private static func apply(
        _ replacements: [String: Replacement], to bytes: [UInt8]
    ) -> (bytes: [UInt8], replaced: Set<String>) {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var replaced: Set<String> = []
        var rest = bytes[...]
        while let first = rest.first {
            let word = rest.prefix { isInAlphabet($0) == isInAlphabet(first) }
            rest = rest.dropFirst(word.count)
            if word.starts(with: SealedSecret.prefix.utf8) {
                let old = String(decoding: word, as: UTF8.self)
                if let replacement = replacements[old] {
                    text.append(contentsOf: replacement.text.utf8)
                    replaced.insert(old)
                    continue
                }
            }
            text.append(contentsOf: word)
        }
        return (text, replaced)
    }

    private static func isInAlphabet(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
