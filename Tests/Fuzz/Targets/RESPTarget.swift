@testable import Redis

extension FuzzTarget {
    /// All that a Redis server sends on one connection.
    static let resp = FuzzTarget(name: "resp") { input in
        var small = RESPParser.Limits()
        (small.line, small.string, small.value, small.elements, small.depth) = (16, 24, 96, 6, 3)
        for limits in [RESPParser.Limits(), small] {
            let whole = RESPTranscript([input[...]], limits: limits)
            for pieces in Delivery.all(of: input) {
                try require(
                    RESPTranscript(pieces, limits: limits) == whole, "in \(pieces.count) pieces as whole: \(whole)")
            }
            for value in whole.values {
                try require(value.depth <= limits.depth, "no deeper than the limit: \(value)")
                // A map of n counts twice.
                try require(value.elementCount <= limits.elements, "no more elements than the limit: \(value)")
            }
            try require(whole.taken <= input.count, "no more is taken than there is")
        }
    }
}

/// What a parser makes of a server's bytes.
private struct RESPTranscript: Equatable {
    var values: [RESPValue] = []
    var taken = 0
    var error: RESPError?

    init(_ pieces: [ArraySlice<UInt8>], limits: RESPParser.Limits) {
        var parser = RESPParser(limits: limits)
        var pending: [UInt8] = []
        do throws(RESPError) {
            for piece in pieces {
                pending += piece
                while true {
                    let (value, count) = try parser.parse(pending.span)
                    pending.removeFirst(count)
                    taken += count
                    guard let value else { break }
                    values.append(value)
                }
            }
        } catch { self.error = error }
    }

    /// As text, since not a number is no number's equal. Where a refusal is noticed, and so what was taken before it, may depend on how much is there.
    static func == (one: RESPTranscript, other: RESPTranscript) -> Bool {
        "\(one.values)" == "\(other.values)" && one.error == other.error
            && (one.error != nil || one.taken == other.taken)
    }
}

extension RESPValue {
    fileprivate var depth: Int { elements.map { 1 + ($0.map(\.depth).max() ?? 0) } ?? 0 }

    fileprivate var elementCount: Int { elements.map { $0.count + $0.map(\.elementCount).reduce(0, +) } ?? 0 }
}
