@testable import HTTP

extension FuzzTarget {
    /// A chunked body with what follows it; and the input as content, which comes out of its chunks as it went in.
    static let chunkedBody = FuzzTarget(name: "chunked-body") { input in
        for limits in [Limits(), Framing.small] {
            let whole = decode([input[...]], limits)
            for pieces in Delivery.all(of: input) {
                try require(decode(pieces, limits) == whole, "the same in \(pieces.count) pieces")
            }
            guard let (body, taken) = whole.map({ ($0.body, $0.taken) }) else { continue }
            try require(body.count <= limits.bodyBytes, "no body is over its limit")
            try require(taken - body.count <= limits.chunkOverheadBytes, "no more framing than its limit")
            try require(decode([input[..<taken]], limits) == whole, "what follows the body is not part of it")
        }
        let chunks = chunks(of: input)
        let decoded = decode([chunks + "0\r\n\r\nGET /".utf8], Limits())
        try require(decoded == Decoded(body: input, taken: chunks.count + 5), "what was encoded is decoded")
    }

    /// A body that is whole.
    private struct Decoded: Equatable {
        var body: [UInt8]
        var taken: Int
    }

    /// nil when the body is refused, or not whole.
    private static func decode(_ pieces: [ArraySlice<UInt8>], _ limits: Limits) -> Decoded? {
        var decoder = BodyDecoder(.chunked, limits: limits)
        var taken = 0
        for piece in pieces where !decoder.isDone {
            guard let count = try? decoder.decode(Array(piece).span) else { return nil }
            taken += count
        }
        return decoder.isDone ? Decoded(body: decoder.body, taken: taken) : nil
    }

    /// Up to four chunks.
    private static func chunks(of content: [UInt8]) -> ArraySlice<UInt8> {
        var chunks: [UInt8] = []
        var rest = content[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(content.count / 4 + 1)
            chunks += Array((String(chunk.count, radix: 16) + "\r\n").utf8) + chunk + [0x0D, 0x0A]
            rest = rest.dropFirst(chunk.count)
        }
        return chunks[...]
    }
}
