import Synchronization

/// A body without secrets, which a client may have in the gzip coding.
///
/// Nothing else is ever compressed, so a route opts in by answering with one of these. The length of a compressed body
/// tells what it has in common with text that others can put there: with a token in it that would be the BREACH attack.
///
/// However many clients ask, it is compressed once, by a task away from the event loops.
package final class CompressibleBody: Sendable {
    /// Below it one TCP segment carries the body either way.
    private static let minimumBytes = 1024

    package let bytes: [UInt8]
    private let compression = Mutex<Task<[UInt8]?, Never>?>(nil)

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The answer in the coding that the request prefers; nil when it takes neither (RFC 9110 §12.5.3).
    ///
    /// - Parameter vary: The fields of the request that choose the answer (RFC 9110 §12.5.5).
    package func response(
        to request: Request, type: String, vary: String = "Accept-Encoding"
    ) async -> Response? {
        let acceptable = AcceptEncoding(request.fields)
        guard let coding = acceptable.coding(gzipPays: bytes.count >= Self.minimumBytes) else { return nil }
        let compressed = coding == .gzip ? await compressed() : nil
        var response = Response(.ok, type: type, body: compressed ?? bytes)
        if compressed != nil { response.fields.append("Content-Encoding", "gzip") }
        response.fields.append("Vary", vary)
        return response
    }

    private func compressed() async -> [UInt8]? {
        let task = compression.withLock { task in
            let begun = task ?? Task.detached { [bytes] in Gzip.compress(bytes) }
            task = begun
            return begun
        }
        return await task.value
    }
}
