import HTTP
import Logging

/// What came of reading the configuration again.
struct Reload: Sendable {
    /// What had it read.
    enum Trigger: String, Sendable {
        /// SIGHUP.
        case signal
        /// One of its files has changed.
        case files
        /// An operator.
        case request
    }

    /// As the log, the audit, metrics and operators are told.
    enum Outcome: String, Sendable, CaseIterable {
        /// All of it is in force.
        case ok
        /// All but the tenants that have a mistake, which stay as they were, or what else could not be read.
        case partial
        /// Nothing has changed.
        case failed
    }

    /// How many names of each kind are told; the counts say how many there are.
    static let maximumNames = 100
    /// How many mistakes are told.
    static let maximumMistakes = 100

    let outcome: Outcome
    var change = ConfigurationChange()
    var mistakes: [ConfigurationErrors.Mistake] = []

    /// One sentence of it.
    var summary: String {
        let count = "the configuration has \(mistakes.count) \(mistakes.count == 1 ? "mistake" : "mistakes")"
        return switch outcome {
        case .ok: change.isEmpty ? "nothing has changed" : "the configuration is in force"
        case .partial: "\(count); the rest is in force"
        case .failed: "\(count), and nothing has changed"
        }
    }
}

// MARK: - As it is told

extension Reload {
    /// The answer to who had it read.
    var response: Response {
        var body: [UInt8] = [UInt8(ascii: "{")]
        if outcome == .failed {
            body.append(member: "error")
            body.append(json: "invalid_configuration")
            body.append(member: "error_description")
            body.append(json: summary)
        } else {
            body.append(member: "outcome")
            body.append(json: outcome.rawValue)
            body.append(member: "tenants")
            Self.append(change.tenants, to: &body)
            body.append(member: "callers")
            Self.append(change.callers, to: &body)
            body.append(member: "settings")
            Self.append(change.settings, to: &body)
            body.append(member: "needs_restart")
            Self.append(change.needsRestart, to: &body)
        }
        body.append(member: "mistakes")
        body.append("[")
        for (index, mistake) in mistakes.prefix(Self.maximumMistakes).enumerated() {
            if index > 0 { body.append(",") }
            Self.append(mistake, to: &body)
        }
        body.append("]}")
        return .json(outcome == .failed ? .conflict : .ok, body)
    }

    private static func append(_ names: ConfigurationChange.Names, to body: inout [UInt8]) {
        body.append("{")
        for (member, names) in [("added", names.added), ("removed", names.removed), ("changed", names.changed)] {
            if member != "added" { body.append(",") }
            body.append(json: member)
            body.append(#":{"count":"#)
            body.append(decimal: names.count)
            body.append(#","names":"#)
            append(Array(names.prefix(maximumNames)), to: &body)
            body.append("}")
        }
        body.append("}")
    }

    private static func append(_ texts: [String], to body: inout [UInt8]) {
        body.append("[")
        for (index, text) in texts.enumerated() {
            if index > 0 { body.append(",") }
            body.append(json: text)
        }
        body.append("]")
    }

    private static func append(_ mistake: ConfigurationErrors.Mistake, to body: inout [UInt8]) {
        body.append("{")
        body.append(json: "file")
        body.append(":")
        body.append(json: Printable.plain(mistake.file))
        if mistake.line > 0 {
            body.append(#","line":"#)
            body.append(decimal: mistake.line)
        }
        if !mistake.path.isEmpty {
            body.append(member: "key")
            body.append(json: mistake.path)
        }
        body.append(member: "problem")
        body.append(json: mistake.problem)
        if let hint = mistake.hint {
            body.append(member: "hint")
            body.append(json: hint)
        }
        if let tenant = mistake.tenant, let name = Reload.name(tenant) {
            body.append(member: "tenant")
            body.append(json: name)
        }
        body.append("}")
    }

    /// The name if it is one: in its place may stand anything.
    private static func name(_ text: String) -> String? { Printable.isWord(text) ? text : nil }

    /// What changed, for the log: how many, and some of their names.
    var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = ["outcome": "\(outcome.rawValue)"]
        for (kind, names) in [("tenants", change.tenants), ("callers", change.callers)] {
            for (what, names) in [("added", names.added), ("removed", names.removed), ("changed", names.changed)]
            where !names.isEmpty {
                metadata["\(kind)_\(what)"] = "\(names.count)"
                metadata["\(kind)_\(what)_first"] = "\(names.prefix(10).joined(separator: ", "))"
            }
        }
        if !change.settings.isEmpty { metadata["settings"] = "\(change.settings.joined(separator: ", "))" }
        if !change.needsRestart.isEmpty {
            metadata["needs_restart"] = "\(change.needsRestart.joined(separator: ", "))"
        }
        return metadata
    }

    /// What changed, for the audit.
    func members(_ trigger: Trigger) -> [(name: StaticString, value: String)] {
        [
            ("trigger", trigger.rawValue), ("outcome", outcome.rawValue), ("mistakes", "\(mistakes.count)"),
            ("tenants_added", "\(change.tenants.added.count)"), ("tenants_removed", "\(change.tenants.removed.count)"),
            ("tenants_changed", "\(change.tenants.changed.count)"),
            ("callers_added", "\(change.callers.added.count)"), ("callers_removed", "\(change.callers.removed.count)"),
            ("callers_changed", "\(change.callers.changed.count)"),
            ("settings", change.settings.joined(separator: " ")),
        ]
    }
}
