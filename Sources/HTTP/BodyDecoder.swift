/// How the end of a body is known (RFC 9112 §6.3).
enum BodyFraming: Equatable {
    case length(Int)
    case chunked
    /// Only in answers: all that comes until the peer closes.
    case untilClose
}

/// Collects one body as it arrives, whatever its framing.
struct BodyDecoder {
    private let framing: BodyFraming
    private let limits: Limits
    private var chunks: ChunkedDecoder
    private(set) var body: [UInt8] = []

    init(_ framing: BodyFraming, limits: Limits) {
        self.framing = framing
        self.limits = limits
        chunks = ChunkedDecoder(limits: limits)
    }

    /// Whether all of it is there. One that lasts until the close is never done before that.
    var isDone: Bool {
        switch framing {
        case .length(let length): body.count == length
        case .chunked: chunks.isDone
        case .untilClose: false
        }
    }

    /// Takes what belongs to the body.
    ///
    /// - Returns: How many bytes that was.
    mutating func decode(_ bytes: Span<UInt8>) throws(ParseError) -> Int {
        switch framing {
        case .length(let length):
            guard length <= limits.bodyBytes else { throw .bodyTooLarge }
            let count = min(length - body.count, bytes.count)
            bytes.extracting(..<count).withUnsafeBufferPointer { body.append(contentsOf: $0) }
            return count
        case .chunked:
            return try chunks.decode(bytes, into: &body)
        case .untilClose:
            guard body.count + bytes.count <= limits.bodyBytes else { throw .bodyTooLarge }
            bytes.withUnsafeBufferPointer { body.append(contentsOf: $0) }
            return bytes.count
        }
    }

    /// Tells that the peer has closed.
    func finish() throws(ParseError) {
        guard framing == .untilClose || isDone else { throw .truncated }
    }
}
