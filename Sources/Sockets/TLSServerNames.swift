/// Which of a listener's certificates is for the name that a client asks for (SNI, RFC 6066 §3).
struct TLSServerNames {
    private var exact: [String: Int] = [:]
    /// By what follows `*.`.
    private var wildcards: [String: Int] = [:]

    /// - Parameter certificates: The DNS names of each; where two share a name, the first has it.
    init(_ certificates: [[String]]) {
        for (index, names) in certificates.enumerated() {
            for name in names.map({ $0.lowercased() }) {
                if name.hasPrefix("*.") {
                    let parent = String(name.dropFirst(2))
                    wildcards[parent] = wildcards[parent] ?? index
                } else {
                    exact[name] = exact[name] ?? index
                }
            }
        }
    }

    /// The certificate for a name: one that bears it, before one whose wildcard stands for its first label (RFC 9525 §6.3).
    func index(for name: String) -> Int? {
        let name = name.lowercased()
        if let index = exact[name] { return index }
        guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
        return wildcards[String(name[name.index(after: dot)...])]
    }
}
