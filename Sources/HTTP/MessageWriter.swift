import Glibc

/// Writes heads as they travel. Loop only, because it remembers the `Date` line of the current second.
///
/// - Invariant (`@unchecked Sendable`): handed only to tasks that prefer the loop it was made for.
final class MessageWriter: @unchecked Sendable {
    private var second = 0
    private var dateLine: [UInt8] = []

    /// Appends an answer to `output`.
    ///
    /// - Parameter omitsBody: For HEAD: the head is as if the body came.
    func append(_ response: Response, omitsBody: Bool, keepsAlive: Bool, to output: inout [UInt8]) {
        let status = response.status
        output.append("HTTP/1.1 ")
        output.append(decimal: status.code)
        output.append(" ")
        output.append(status.reason)
        output.append("\r\n")
        refreshDate()
        output.append(contentsOf: dateLine)
        output.append(contentsOf: response.fields.bytes)
        // RFC 9110 §8.6: neither of these has a length to tell.
        if status != .noContent, status != .notModified {
            output.append("Content-Length: ")
            output.append(decimal: response.body.count)
            output.append("\r\n")
        }
        output.append(keepsAlive ? "\r\n" : "Connection: close\r\n\r\n")
        if !omitsBody, status != .noContent, status != .notModified { output.append(contentsOf: response.body) }
    }

    private func refreshDate() {
        let now = time(nil)
        guard now != second else { return }
        second = now
        dateLine = Array("Date: \(HTTPDate.format(now))\r\n".utf8)
    }
}
