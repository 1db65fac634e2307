import HTTP
import Sealing
import TokenBroker

extension ConfigurationCursor {
    static var secretHint: String { "give it as {file: path}, {env: NAME} or {sealed: tw1...}" }
    private static var plainSourceHint: String { "give it as {file: path} or {env: NAME}" }

    /// A secret of a tenant, from where `{file: path}`, `{env: NAME}` or `{sealed: tw1...}` says. Nothing that stands in its
    /// place is ever quoted.
    func secret() -> Secret? {
        guard let source = source(hint: Self.secretHint) else { return nil }
        return source.key == "sealed" ? child(source).sealedSecret() : read(source, hint: Self.secretHint)
    }

    /// A text as it stands, or a secret from where it says.
    func textOrSecret() -> (text: String, isSecret: Bool)? {
        guard case .mapping = node.value else { return string().map { ($0, false) } }
        return secret().map { ($0.reveal(), true) }
    }

    /// The content of a file that holds a private key for ES256, in PEM, relative to the configuration file.
    func signingKey() -> Secret? {
        guard let path = string().map(resolve) else { return nil }
        context.willRead(path)
        do throws(ConfigurationFile.Unreadable) {
            let text = String(decoding: try ConfigurationFile.read(path, limit: 64 << 10), as: UTF8.self)
            if ClientAssertion.isKey(text) { return Secret(text) }
            return mistake(
                "\(Printable.quoted(path)) is not a private key on the curve P-256",
                hint: "make one by openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256")
        } catch {
            return mistake("\(Printable.quoted(path)) \(error.reason)")
        }
    }

    /// A password that is no tenant's, from where `{file: path}` or `{env: NAME}` says.
    func password() -> Secret? {
        source(hint: Self.plainSourceHint).flatMap { read($0, hint: Self.plainSourceHint) }
    }

    /// A master key, from where `{file: path}` or `{env: NAME}` says.
    func masterKey() -> MasterKey? {
        guard let source = source(hint: Self.plainSourceHint), let text = read(source, hint: Self.plainSourceHint)
        else { return nil }
        let cursor = child(source)
        if source.key == "file" { cursor.warnIfReadableByAll() }
        do throws(MasterKeyError) {
            return try MasterKey(parsing: text.reveal())
        } catch {
            let reason =
                switch error {
                case .noPrefix: "does not begin with twm_"
                case .notBase64URL, .wrongLength: "is not twm_ and 43 characters of base64url"
                }
            return cursor.mistake("what is there \(reason)", hint: "make a key with tokenwell masterkey new")
        }
    }

    // MARK: - Sources

    /// The one entry that says where a secret is.
    private func source(hint: String) -> YAMLNode.Entry? {
        if node.isNull { return mistake("no secret", hint: hint) }
        guard case .mapping(let entries) = node.value else {
            return mistake("a secret in the configuration itself", hint: hint)
        }
        guard let source = entries.first, entries.count == 1 else {
            return mistake("not one source of a secret", hint: hint)
        }
        return source
    }

    private func read(_ source: YAMLNode.Entry, hint: String) -> Secret? {
        switch source.key {
        case "file": child(source).secretFromFile()
        case "env": child(source).secretFromEnvironment()
        default: mistake("not a source of a secret", hint: hint)
        }
    }

    private func secretFromFile() -> Secret? {
        guard let path = string().map(resolve) else { return nil }
        context.willRead(path)
        do throws(ConfigurationFile.Unreadable) {
            return secret(try ConfigurationFile.read(path, limit: 64 << 10), from: Printable.quoted(path))
        } catch {
            return mistake("\(Printable.quoted(path)) \(error.reason)")
        }
    }

    // Containers' secrets often are readable by all, inside of them: so it is no mistake.
    private func warnIfReadableByAll() {
        guard let path = string().map(resolve), ConfigurationFile.isReadableByAll(path) else { return }
        warn("\(Printable.quoted(path)) may be read by every user", hint: "chmod o= it")
    }

    private func secretFromEnvironment() -> Secret? {
        guard let name = string() else { return nil }
        let isName = name.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "_") }
        guard isName else { return mistake("not the name of an environment variable") }
        guard let value = context.environment[name] else { return mistake("\(name) is not set in the environment") }
        context.conceal(name)
        return secret(Array(value.utf8), from: name)
    }

    // MARK: - Sealed

    private func sealedSecret() -> Secret? {
        switch context.masterKeys {
        case .unknown: nil
        case .none: mistake("there is no master key to open it", hint: "name it as master_key: {file: path}")
        case .ring(let ring): opened(with: ring).flatMap { secret($0.plain, from: "what is sealed") }
        }
    }

    /// Every `{sealed: tw1...}` in here.
    func sealedSecrets() -> [ConfigurationCursor] {
        switch node.value {
        case .scalar: []
        case .sequence(let nodes): items(nodes).flatMap { $0.sealedSecrets() }
        case .mapping(let entries):
            if entries.count == 1, let entry = entries.first, entry.key == "sealed" {
                [child(entry)]
            } else {
                entries.flatMap { child($0).sealedSecrets() }
            }
        }
    }

    /// What takes the place of this sealed text when the active key is not the one that sealed it.
    func resealed(with ring: KeyRing) -> (old: String, new: String)? {
        guard let old = node.text, let opened = opened(with: ring), !opened.isOfActiveKey, let place = path.secretPlace
        else { return nil }
        let secret = Secret(String(decoding: opened.plain, as: UTF8.self))
        return (old, SealedSecret(secret, for: place, with: ring).text)
    }

    private func opened(with ring: KeyRing) -> KeyRing.Opened? {
        guard let text = string() else { return nil }
        guard let sealed = SealedSecret(parsing: text) else {
            return mistake("is not what tokenwell seal prints", hint: "that is tw1 and base64url, on one line")
        }
        guard let place = path.secretPlace else { return mistake("only a tenant's secrets may be sealed") }
        do throws(SealError) {
            return try sealed.open(for: place, with: ring)
        } catch {
            return mistake(error, of: place)
        }
    }

    private func mistake(_ error: SealError, of place: SecretPlace) -> KeyRing.Opened? {
        let command = "tokenwell seal --tenant \(place.tenant) --field \(Printable.plain(place.field))"
        switch error {
        case .tooShort:
            return mistake("is too short to be what tokenwell seal prints", hint: "copy all of it")
        case .unknownVersion(let version):
            return mistake(
                "is of version \(version), which this tokenwell does not know", hint: "seal it by \(command)")
        case .unknownKey(let id):
            return mistake(
                "is sealed with the master key \(id), which is neither master_key nor master_key_previous",
                hint: "give that key, or seal it by \(command)")
        case .doesNotOpen:
            return mistake(
                "is not sealed for this tenant and field, or is damaged", hint: "seal it by \(command)")
        }
    }

    /// The secret without the line break that editors leave at its end.
    private func secret(_ bytes: [UInt8], from source: String) -> Secret? {
        var bytes = bytes[...]
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard !bytes.isEmpty else { return mistake("\(source) is empty") }
        guard !bytes.contains(where: \.isASCIIControl), let text = String(validating: bytes, as: UTF8.self)
        else { return mistake("\(source) is not one line of UTF-8 text") }
        return Secret(text)
    }
}
