import HTTP
import Testing

@testable import Service

/// `openapi.yaml`, as far as answers can be held against it.
struct OpenAPIDescription: Sendable {
    private let root: YAMLNode

    /// Reads the file at the top of the repository.
    static func read() throws -> OpenAPIDescription {
        OpenAPIDescription(root: try YAMLReader.read(Array(try RepositoryFile.read("openapi.yaml"))))
    }

    private static let methods = ["get", "head", "post", "put", "delete", "patch", "options", "trace"]

    /// `GET /tokens/{tenant}` and so on.
    var operations: Set<String> {
        var operations: Set<String> = []
        for path in root["paths"]?.entries ?? [] {
            for entry in path.value.entries ?? [] where Self.methods.contains(entry.key) {
                operations.insert("\(entry.key.uppercased()) \(path.key)")
            }
        }
        return operations
    }

    /// The security schemes that operations name, and those that are described.
    var securitySchemes: (named: Set<String>, described: Set<String>) {
        var named: Set<String> = []
        for path in root["paths"]?.entries ?? [] {
            for operation in path.value.entries ?? [] {
                guard case .sequence(let ways) = operation.value["security"]?.value else { continue }
                for way in ways { named.formUnion(way.entries?.map(\.key) ?? []) }
            }
        }
        return (named, Set(root["components"]?["securitySchemes"]?.entries?.map(\.key) ?? []))
    }

    /// The statuses that an operation names, without `default`.
    func statuses(of method: Method, _ path: String) -> Set<Int> {
        let responses = root["paths"]?[path]?[method.name.lowercased()]?["responses"]
        return Set(responses?.entries?.compactMap { Int($0.key) } ?? [])
    }

    /// The path of an operation that a request's path, with its query, belongs to.
    func template(of path: String) -> String? {
        let segments = path.prefix { $0 != "?" }.split(separator: "/", omittingEmptySubsequences: false)
        return root["paths"]?.entries?.map(\.key).first { template in
            let wanted = template.split(separator: "/", omittingEmptySubsequences: false)
            let takesMore = wanted.last == "{path}"
            return (takesMore ? wanted.count <= segments.count : wanted.count == segments.count)
                && zip(wanted, segments).allSatisfy { $0 == $1 || $0 == "{path}" || ($0 == "{tenant}" && !$1.isEmpty) }
        }
    }

    // MARK: - Answers

    /// What an answer has that is not described, or lacks.
    func problems(with answer: Answer, to method: Method, _ path: String) -> [String] {
        guard let described = response(answer.status, to: method, path) else { return ["the status is not described"] }
        return fieldProblems(answer, described) + bodyProblems(answer, described, omitsBody: method == .head)
    }

    private func response(_ status: Int, to method: Method, _ path: String) -> YAMLNode? {
        let operation = template(of: path).flatMap { root["paths"]?[$0]?[method.name.lowercased()] }
        let responses = operation?["responses"]
        // What reached no route is described once for all of them.
        let refused = root["components"]?["responses"]?["Refused"]
        return (responses?["\(status)"] ?? responses?["default"] ?? refused).map(resolved)
    }

    /// Fields that every answer has, from the connection.
    private static let common: Set<String> = ["date", "content-length", "content-type", "connection"]

    private func fieldProblems(_ answer: Answer, _ described: YAMLNode) -> [String] {
        let fields = described["headers"]?.entries ?? []
        let given = Dictionary(answer.response.fields.all.map { ($0.name.lowercased(), $0.value) }) { first, _ in first
        }
        let missing = fields.filter {
            resolved($0.value)["required"]?.text == "true" && given[$0.key.lowercased()] == nil
        }
        let known = Self.common.union(fields.map { $0.key.lowercased() })
        let values = fields.flatMap { field -> [String] in
            guard let value = given[field.key.lowercased()], let schema = resolved(field.value)["schema"] else {
                return []
            }
            let isInteger = schema["type"]?.text == "integer"
            return problems(
                with: isInteger ? Double(value).map { .number($0) } ?? .null : .string(value), schema, field.key)
        }
        return missing.map { "the field \($0.key) is missing" }
            + given.keys.filter { !known.contains($0) }.map { "the field \($0) is not described" } + values
    }

    private func bodyProblems(_ answer: Answer, _ described: YAMLNode, omitsBody: Bool) -> [String] {
        guard let contents = described["content"]?.entries else {
            return answer.response.body.isEmpty ? [] : ["there is a body"]
        }
        guard let content = contents.first(where: { $0.key == answer[field: "Content-Type"] }) else {
            return ["the media type is not \(contents.map(\.key).joined(separator: " or "))"]
        }
        if omitsBody { return answer.response.body.isEmpty ? [] : ["there is a body"] }
        guard content.key == "application/json" else { return [] }
        guard let json = answer.json, let schema = content.value["schema"] else { return ["the body is not JSON"] }
        return problems(with: json, schema, "the body")
    }

    // MARK: - Schemas

    /// As much of JSON Schema as the file uses.
    private func problems(with value: JSONValue, _ schema: YAMLNode, _ name: String) -> [String] {
        let schema = resolved(schema)
        var problems: [String] = []
        if let constant = schema["const"]?.text, value != .string(constant) {
            problems.append("\(name) is not \(constant)")
        }
        if let cases = schema["enum"]?.items, !cases.contains(where: { value == $0.text.map { .string($0) } }) {
            problems.append("\(name) is \(value)")
        }
        if let type = schema["type"]?.text, !Self.has(value, type) { problems.append("\(name) is no \(type)") }
        if let minimum = schema["minimum"]?.text.flatMap(Int.init), let integer = value.integer, integer < minimum {
            problems.append("\(name) is below \(minimum)")
        }
        if let pattern = schema["pattern"]?.text, let text = value.text {
            // The patterns of the file mean the same to Swift's own engine.
            let isMatch = (try? Regex(pattern).wholeMatch(in: text)) != nil
            if !isMatch { problems.append("\(name) does not match \(pattern)") }
        }
        if let items = schema["items"] {
            problems += value.items.flatMap { self.problems(with: $0, items, "an item of \(name)") }
        }
        guard case .object(let members) = value else { return problems }
        return problems + memberProblems(members, schema, name)
    }

    private func memberProblems(_ members: [String: JSONValue], _ schema: YAMLNode, _ name: String) -> [String] {
        let required = schema["required"]?.items?.compactMap(\.text) ?? []
        let missing = required.filter { members[$0] == nil }.map { "\(name) has no \($0)" }
        let others = schema["additionalProperties"].flatMap { $0.entries == nil ? nil : $0 }
        return missing
            + members.flatMap { member, value -> [String] in
                guard let described = schema["properties"]?[member] ?? others else {
                    return ["\(name) has a \(member)"]
                }
                return problems(with: value, described, member)
            }
    }

    private static func has(_ value: JSONValue, _ type: String) -> Bool {
        switch (type, value) {
        case ("string", .string), ("object", .object), ("array", .array), ("boolean", .boolean): true
        case ("integer", .number): value.integer != nil
        default: false
        }
    }

    private func resolved(_ node: YAMLNode) -> YAMLNode {
        guard let reference = node["$ref"]?.text else { return node }
        let keys = reference.split(separator: "/").dropFirst().map(String.init)
        return keys.reduce(root) { $0[$1] ?? $0 }
    }
}
