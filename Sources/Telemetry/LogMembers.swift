import Logging

/// What a log event has beside its message: names and texts.
enum LogMembers {
    /// The metadata of handler, provider and event, the later over the earlier, flattened to `outer.inner`, by name.
    static func of(
        _ event: LogEvent, _ metadata: Logger.Metadata, _ provider: Logger.MetadataProvider?, reserved: [String]
    ) -> [(name: String, text: String)] {
        var members: [String: String] = [:]
        for source in [metadata, provider?.get() ?? [:], event.metadata ?? [:]] {
            for (name, value) in source { flatten(name, value, into: &members) }
        }
        if let error = event.error { members["error"] = "\(error)" }
        for name in reserved {
            if let value = members.removeValue(forKey: name) { members[name + "_"] = value }
        }
        return members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func flatten(_ name: String, _ value: Logger.Metadata.Value, into members: inout [String: String]) {
        switch value {
        case .string(let text): members[name] = text
        case .stringConvertible(let value): members[name] = value.description
        case .dictionary(let inner):
            for (key, value) in inner { flatten("\(name).\(key)", value, into: &members) }
        case .array(let elements):
            for (index, value) in elements.enumerated() { flatten("\(name).\(index)", value, into: &members) }
        }
    }
}
