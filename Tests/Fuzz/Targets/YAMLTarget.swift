@testable import Service

extension FuzzTarget {
    /// A YAML document; written anew from its nodes, it reads the same.
    static let yaml = FuzzTarget(name: "yaml") { input in
        var small = YAMLReader.Limits()
        small.depth = 3
        small.nodes = 12
        for limits in [YAMLReader.Limits(), small] {
            switch Result(catching: { () throws(YAMLError) in try YAMLReader.read(input, limits: limits) }) {
            case .success(let root): try check(root, limits)
            case .failure(let error):
                try require(!error.problems.isEmpty, "a refusal says why")
                try require(error.problems.allSatisfy { 1...input.count + 1 ~= Int($0.place.line) }, "and where")
            }
        }
    }

    private static func check(_ root: YAMLNode, _ limits: YAMLReader.Limits) throws {
        try require(root.depth <= limits.depth, "no deeper than the limit")
        try require(root.count <= limits.nodes, "no more nodes than the limit")
        let again = try YAMLReader.read(Array(root.written.utf8))
        try require(again.written.utf8.elementsEqual(root.written.utf8), "the same after it is written")
    }
}

extension YAMLNode {
    private var children: [YAMLNode] { items ?? entries?.map(\.value) ?? [] }
    /// How many collections lie inside each other.
    fileprivate var depth: Int { text == nil ? 1 + (children.map(\.depth).max() ?? 0) : 0 }
    fileprivate var count: Int { 1 + (entries?.count ?? 0) + children.map(\.count).reduce(0, +) }

    /// In flow style, every text in quotes.
    fileprivate var written: String {
        switch value {
        case .scalar(let text, _): Self.quoted(text)
        case .sequence(let items): "[" + items.map(\.written).joined(separator: ", ") + "]"
        case .mapping(let entries):
            "{" + entries.map { "? \(Self.quoted($0.key)) : \($0.value.written)" }.joined(separator: ", ") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { scalar in
            let isPlain = scalar.properties.isAlphabetic && scalar.isASCII || scalar == " "
            return isPlain ? String(scalar) : "\\U" + String(UInt64(scalar.value) + 1 << 32, radix: 16).dropFirst()
        }
        return "\"" + scalars.joined() + "\""
    }
}
