import HTTP
import Sockets
import TokenBroker

/// One value of a configuration being decoded.
///
/// Each decoder answers the value, or notes a mistake and answers nil, so that decoding goes on and finds the next one.
struct ConfigurationCursor {
    let node: YAMLNode
    /// Where its mistakes are: its key's place, or its own in a list.
    let place: YAMLNode.Place
    let path: ConfigurationPath
    let context: ConfigurationContext

    /// The root of a file.
    init(file: String, root: YAMLNode, context: ConfigurationContext) {
        self.init(node: root, place: root.place, path: .file(file), context: context)
    }

    /// The value of an environment variable.
    init(variable name: String, value: String, context: ConfigurationContext) {
        let place = YAMLNode.Place(line: 0, column: 0)
        let node = YAMLNode(.scalar(value, isPlain: true), at: place)
        self.init(node: node, place: place, path: .key(name, in: .file("environment")), context: context)
    }

    private init(node: YAMLNode, place: YAMLNode.Place, path: ConfigurationPath, context: ConfigurationContext) {
        self.node = node
        self.place = place
        self.path = path
        self.context = context
    }

    /// The value of one of this mapping's entries.
    func child(_ entry: YAMLNode.Entry) -> ConfigurationCursor {
        ConfigurationCursor(node: entry.value, place: entry.place, path: .key(entry.key, in: path), context: context)
    }

    /// The settings of one tenant, of this mapping's.
    func child(tenant entry: YAMLNode.Entry) -> ConfigurationCursor {
        ConfigurationCursor(node: entry.value, place: entry.place, path: .tenant(entry.key, in: path), context: context)
    }

    /// Notes a mistake here.
    func note(_ problem: String, hint: String? = nil) { note(problem, hint: hint, at: path) }

    /// Notes that a key is missing here.
    func noteMissing(_ key: String, hint: String? = nil) { note("is missing", hint: hint, at: .key(key, in: path)) }

    /// Notes what is no mistake, and yet not wise.
    func warn(_ problem: String, hint: String? = nil) { context.warn(remark(problem, hint: hint, at: path)) }

    private func note(_ problem: String, hint: String?, at path: ConfigurationPath) {
        context.note(remark(problem, hint: hint, at: path))
    }

    private func remark(_ problem: String, hint: String?, at path: ConfigurationPath) -> ConfigurationErrors.Mistake {
        let (line, column) = (Int(place.line), Int(place.column))
        return .init(
            file: path.file, line: line, column: column, path: path.text, problem: problem, hint: hint,
            tenant: path.tenant)
    }

    /// Notes a mistake here and answers nil, for a decoder to return.
    func mistake<Value>(_ problem: String, hint: String? = nil) -> Value? {
        note(problem, hint: hint)
        return nil
    }

    /// Notes that another kind of value belongs here. What was found is named, not quoted: it may be a secret gone astray.
    private func mismatch<Value>(_ expected: String, hint: String? = nil) -> Value? {
        let found =
            switch node.value {
            case .scalar: node.isNull ? "nothing" : "a text"
            case .sequence: "a list"
            case .mapping: "a mapping"
            }
        return mistake("\(found) where \(expected) belongs", hint: hint)
    }
}

// MARK: - Mappings and lists

extension ConfigurationCursor {
    /// Decodes a mapping whose keys are fixed; a key that `decode` did not ask for is a mistake.
    @discardableResult
    func section<Value>(_ decode: (inout ConfigurationSection) -> Value?) -> Value? {
        guard case .mapping(let entries) = node.value else { return mismatch("a mapping") }
        var section = ConfigurationSection(self, entries)
        let value = decode(&section)
        section.refuseUnknownKeys()
        return value
    }

    /// A mapping whose keys are names that the operator chose; no entries when it is something else.
    func entries() -> [YAMLNode.Entry] {
        node.entries ?? mismatch("a mapping") ?? []
    }

    /// The items of this list.
    func items(_ nodes: [YAMLNode]) -> [ConfigurationCursor] {
        nodes.enumerated().map { index, node in
            .init(node: node, place: node.place, path: .index(index, in: path), context: context)
        }
    }

    /// A list, each item decoded by `decode`; nil when one of them has a mistake.
    func list<Item>(_ count: ClosedRange<Int> = 0...1000, _ decode: (ConfigurationCursor) -> Item?) -> [Item]? {
        guard case .sequence(let nodes) = node.value else { return mismatch("a list", hint: "write it as [a, b]") }
        guard count.contains(nodes.count) else {
            return mistake("\(nodes.count) items", hint: "give \(count.lowerBound) to \(count.upperBound)")
        }
        let items = items(nodes).map(decode)
        let decoded = items.compactMap(\.self)
        return decoded.count == items.count ? decoded : nil
    }
}

// MARK: - Scalars

extension ConfigurationCursor {
    /// A text of at least one and at most 4096 bytes, without control characters. Quotes are not needed: `007` is that text.
    func string() -> String? {
        guard case .scalar(let text, _) = node.value, !node.isNull else { return mismatch("a text") }
        guard !text.isEmpty else { return mistake("an empty text") }
        guard text.utf8.count <= 4096 else { return mistake("a text of more than 4096 bytes") }
        guard !text.utf8.contains(where: \.isASCIIControl) else {
            return mistake("a text with a line break or another control character")
        }
        return text
    }

    /// `true` or `false`, unquoted.
    func boolean() -> Bool? {
        guard case .scalar(let text, let isPlain) = node.value, !node.isNull else { return mismatch("true or false") }
        switch (text, isPlain) {
        case ("true", true): return true
        case ("false", true): return false
        case ("true", false), ("false", false): return mistake("a quoted text", hint: "write \(text) without quotes")
        default: return mistake("\(Printable.quoted(text)) is not a boolean", hint: "use true or false")
        }
    }

    /// A whole number in decimal digits, unquoted.
    func integer(in range: ClosedRange<Int>) -> Int? {
        guard case .scalar(let text, let isPlain) = node.value, !node.isNull else { return mismatch("a number") }
        guard isPlain, let number = Int(text), String(number) == text else {
            return mistake("\(Printable.quoted(text)) is not a whole number", hint: "write it as 60, without quotes")
        }
        guard range.contains(number) else {
            return mistake("\(number) is out of range", hint: "give \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A whole number with its unit: `500ms`, `5s`, `2m`, `1h`.
    func duration(in range: ClosedRange<Duration>) -> Duration? {
        guard let text = string() else { return nil }
        guard let duration = Duration(configuration: text) else {
            return mistake("\(Printable.quoted(text)) is not a duration", hint: "write it as 500ms, 5s, 2m or 1h")
        }
        guard range.contains(duration) else {
            let bounds = "\(range.lowerBound.configurationText) to \(range.upperBound.configurationText)"
            return mistake("\(Printable.quoted(text)) is out of range", hint: "give \(bounds)")
        }
        return duration
    }

    /// One of a few words.
    ///
    /// - Parameters:
    ///   - noun: What the words are, with its article: `a data center`.
    ///   - planned: Words of later versions.
    func word(_ noun: String, of words: some Sequence<String>, planned: [String] = []) -> String? {
        guard let text = string() else { return nil }
        if words.contains(text) { return text }
        let hint = (planned.contains(text) ? "this version does not have it; " : "") + "use one of "
        return mistake("\(Printable.quoted(text)) is not \(noun)", hint: hint + words.joined(separator: ", "))
    }

    /// One of an enumeration's words.
    func enumeration<Word>(_ noun: String, _: Word.Type) -> Word?
    where Word: CaseIterable & RawRepresentable<String> {
        word(noun, of: Word.allCases.map(\.rawValue)).flatMap(Word.init)
    }

    /// What one of a few words stands for.
    func choice<Meaning>(_ noun: String, _ meanings: KeyValuePairs<String, Meaning>, planned: [String] = []) -> Meaning?
    {
        guard let word = word(noun, of: meanings.map(\.key), planned: planned) else { return nil }
        return meanings.first { $0.key == word }?.value
    }
}

// MARK: - Addresses, URLs, files

extension ConfigurationCursor {
    /// A literal address with its port.
    func address() -> SocketAddress? {
        guard let text = string() else { return nil }
        if let address = SocketAddress(text) { return address }
        return mistake(
            "\(Printable.quoted(text)) is not an address with a port", hint: "write it as 127.0.0.1:8080 or [::]:8080")
    }

    /// An upstream's URL: `https`, or `http` to this machine.
    func url() -> String? {
        guard let text = string() else { return nil }
        guard text.utf8.count <= HTTPURL.maximumBytes else {
            return mistake("a URL of more than \(HTTPURL.maximumBytes) bytes")
        }
        // A user name or a query may be a secret gone astray, so such a URL is not quoted.
        var found: String { text.contains { "@?".contains($0) } ? "the text" : Printable.quoted(text) }
        guard let url = HTTPURL(text) else {
            return mistake(
                "\(found) is not a URL", hint: "write it as https://host/path, without user name or fragment")
        }
        guard url.scheme == .https || url.isLoopback else {
            return mistake("\(found) is not https", hint: "plain http is taken for loopback addresses only")
        }
        return text
    }

    /// A path, relative to the configuration file it is named in.
    func filePath() -> String? { string().map(resolve) }

    /// A URL that is nothing but scheme, host and port, without the slash that may end it.
    func origin() -> String? {
        guard let text = url(), let url = HTTPURL(text) else { return nil }
        guard url.target == "/", !text.contains("?") else {
            return mistake("has more than scheme, host and port", hint: "write it as https://host or https://host:8443")
        }
        return "\(url.scheme.rawValue)://\(url.authority)"
    }

    /// The path of a file that exists and can be read, relative to the configuration file it is named in.
    func file() -> String? {
        guard let path = string().map(resolve) else { return nil }
        // Whatever is wrong with it may be put right by changing nothing else.
        context.willRead(path)
        do throws(ConfigurationFile.Unreadable) {
            try ConfigurationFile.check(path)
            return path
        } catch {
            return mistake("\(Printable.quoted(path)) \(error.reason)")
        }
    }

    /// `{certificate: path, key: path}`, PEM files of one certificate chain and its key.
    func certificateFiles() -> CertificateFiles? {
        section { Self.certificateFiles(&$0) }
    }

    /// `certificate` and `key` among the keys of a section.
    static func certificateFiles(_ section: inout ConfigurationSection) -> CertificateFiles? {
        let certificate = section.required("certificate")?.file()
        let key = section.required("key")?.file()
        guard let certificate, let key else { return nil }
        return CertificateFiles(certificate: certificate, key: key)
    }

    /// A path as the program takes it: one that is relative begins beside the configuration file it is named in.
    func resolve(_ name: String) -> String {
        guard !name.hasPrefix("/"), let end = path.file.lastIndex(of: "/") else { return name }
        return path.file[...end] + name
    }
}
