import Sockets

/// What has arrived on a connection and is not used up yet.
struct InputBuffer: ~Copyable {
    /// How much one read takes, in bytes.
    static let readSize = 16 * 1024

    private var bytes: [UInt8] = []
    private var start = 0

    var isEmpty: Bool { start == bytes.count }

    /// Hands what is there to `parse`, which tells how many bytes it took with its value; nil when it needs more.
    mutating func take<Value, Failure: Error>(
        _ parse: (Span<UInt8>) throws(Failure) -> (Value, count: Int)?
    ) throws(Failure) -> Value? {
        guard let (value, count) = try parse(bytes.span.extracting(start..<bytes.count)) else { return nil }
        start += count
        return value
    }

    /// Waits for more, ``readSize`` at most.
    ///
    /// - Returns: How many bytes came; 0 when the peer has finished.
    mutating func fill(
        from stream: inout ByteStream, by deadline: ContinuousClock.Instant, isInterruptible: Bool = false
    ) async throws(SocketError) -> Int {
        bytes.removeFirst(start)
        start = 0
        // An idle connection holds no buffer.
        if bytes.isEmpty { bytes = [] }
        return try await stream.read(
            into: &bytes, atMost: Self.readSize, by: deadline, isInterruptible: isInterruptible)
    }

    mutating func clear() {
        bytes.removeAll()
        start = 0
    }
}
