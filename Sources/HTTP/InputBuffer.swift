import Sockets

/// What has arrived on a connection and is not used up yet.
struct InputBuffer: ~Copyable {
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

    /// Waits for more.
    ///
    /// - Returns: How many bytes came; 0 when the peer has finished.
    mutating func fill(
        from stream: inout ByteStream, by deadline: ContinuousClock.Instant, isInterruptible: Bool = false
    ) async throws(SocketError) -> Int {
        bytes.removeFirst(start)
        start = 0
        // An idle connection holds no more than a usual request needs.
        if bytes.isEmpty, bytes.capacity > 4096 { bytes = [] }
        return try await stream.read(into: &bytes, by: deadline, isInterruptible: isInterruptible)
    }

    mutating func clear() {
        bytes.removeAll()
        start = 0
    }
}
