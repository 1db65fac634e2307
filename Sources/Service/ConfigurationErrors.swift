/// Every mistake of a configuration, in one throw.
package struct ConfigurationErrors: Error, CustomStringConvertible {
    /// One mistake: where it is, what was found there, and what would be right.
    ///
    /// It may quote what was found, but never where a secret belongs.
    package struct Mistake: Sendable, Equatable, CustomStringConvertible {
        /// As the file was named to us; `environment` for a variable.
        package var file: String
        /// From 1; 0 where there is no line to name.
        package var line: Int
        package var column: Int
        /// The keys that lead there, such as `tenants.acme.client_secret`; empty for the file as a whole.
        package var path: String
        /// What was found: a fragment that follows the path.
        package var problem: String
        package var hint: String?
        /// The tenant that alone it concerns; nil when it concerns more.
        package var tenant: String?

        /// `tokenwell.yaml:12: tenants.acme.data_center: "dc9" is not a data center; use one of dc2, dc3, dc4, dc5`.
        package var description: String {
            let place = line > 0 ? "\(Printable.plain(file)):\(line)" : Printable.plain(file)
            let found = path.isEmpty ? problem : "\(path): \(problem)"
            return "\(place): \(found)" + (hint.map { "; \($0)" } ?? "")
        }
    }

    /// Sorted by file and place; at least one.
    package let mistakes: [Mistake]

    package init(_ mistakes: [Mistake]) { self.mistakes = Self.sorted(mistakes) }

    static func sorted(_ mistakes: [Mistake]) -> [Mistake] {
        mistakes.sorted { ($0.file, $0.line, $0.column) < ($1.file, $1.line, $1.column) }
    }

    /// One mistake per line.
    package var description: String { mistakes.map(\.description).joined(separator: "\n") }
}
