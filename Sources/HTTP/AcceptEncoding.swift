/// How a body is coded for its way (RFC 9110 §8.4.1).
enum ContentCoding: Sendable {
    case identity, gzip

    /// Whether a message's body is as it is. Saying so by `identity` is wrong (RFC 9110 §8.4.1) but clear.
    static func isIdentity(_ fields: Fields) -> Bool {
        fields.lines.allSatisfy { line in
            !fields.isNamed(line, "content-encoding") || fields.bytes[line.value].equalsIgnoringCase("identity")
        }
    }
}

/// What a client says of content codings: its `Accept-Encoding` fields (RFC 9110 §12.5.3).
///
/// Where the RFC leaves the choice: a client that says nothing, or something malformed, gets the identity form, which
/// anyone can read. Of two weights for one coding the smaller counts.
struct AcceptEncoding: Sendable {
    /// Weights in thousandths; 0 for what the client does not take.
    let gzip: Int
    let identity: Int

    /// Reads a request's fields; several lines are one list (RFC 9110 §5.3).
    init(_ fields: Fields) {
        let weights = Self.weights(in: fields) ?? [:]
        gzip = weights["gzip"] ?? weights["*"] ?? 0
        // Taken unless it is excluded, but preferred to nothing that is named.
        identity = weights["identity"] ?? weights["*"] ?? 1
    }

    /// The coding to answer in; nil when the client takes neither.
    ///
    /// - Parameter gzipPays: Whether there is enough to save, for a client that takes both.
    func coding(gzipPays: Bool) -> ContentCoding? {
        if gzip == 0 { return identity == 0 ? nil : .identity }
        if identity == 0 { return .gzip }
        return gzipPays && gzip >= identity ? .gzip : .identity
    }

    /// Each coding that is named, in lower case, with its weight; nil when a member is malformed.
    private static func weights(in fields: Fields) -> [String: Int]? {
        var weights: [String: Int] = [:]
        for line in fields.lines where fields.isNamed(line, "accept-encoding") {
            for member in fields.bytes[line.value].split(separator: UInt8(ascii: ",")) {
                let member = member.trimmingBlanks
                if member.isEmpty { continue }
                guard let (coding, weight) = weighted(member) else { return nil }
                weights[coding] = min(weights[coding] ?? weight, weight)
            }
        }
        return weights
    }

    /// `codings [ weight ]`; nil when it is malformed.
    private static func weighted(_ member: ArraySlice<UInt8>) -> (coding: String, weight: Int)? {
        let parts = member.split(separator: UInt8(ascii: ";"), maxSplits: 1, omittingEmptySubsequences: false)
        let token = parts[0].trimmingBlanks
        guard !token.isEmpty, token.allSatisfy(Grammar.isToken) else { return nil }
        let name = String(decoding: token, as: UTF8.self).lowercased()
        // RFC 9110 §8.4.1.3: another name of the same.
        let coding = name == "x-gzip" ? "gzip" : name
        guard parts.count == 2 else { return (coding, 1000) }
        let parameter = parts[1].trimmingBlanks
        guard parameter.prefix(2).equalsIgnoringCase("q="), let weight = Weight.thousandths(parameter.dropFirst(2))
        else {
            return nil
        }
        return (coding, weight)
    }
}

extension ArraySlice<UInt8> {
    fileprivate var trimmingBlanks: ArraySlice<UInt8> {
        var rest = drop(while: Grammar.isBlank)
        while let last = rest.last, Grammar.isBlank(last) { rest.removeLast() }
        return rest
    }
}
