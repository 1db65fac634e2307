import Glibc

/// Writes answers as they travel. Loop only, because it remembers the lines of the current second, and has the one buffer
/// in which they are gathered when no connection has to wait for its client.
///
/// - Invariant (`@unchecked Sendable`): handed only to tasks that prefer the loop it was made for.
final class MessageWriter: @unchecked Sendable {
    private var second = 0
    private var dateLine: [UInt8] = []
    /// The status line of nearly every answer, and the date.
    private var okLines: [UInt8] = []
    private var spare: [UInt8] = []
    private var lastID = UInt64.random(in: .min ... .max)

    /// A request id that no other request has.
    func nextID() -> RequestID {
        lastID &+= 1
        return RequestID(lastID)
    }

    /// Gives a connection a buffer to gather answers in.
    func lend(_ output: inout [UInt8]) { swap(&output, &spare) }

    /// Takes a buffer back whose content is sent, so that an idle connection holds none.
    func takeBack(_ output: inout [UInt8]) {
        output.removeAll(keepingCapacity: true)
        if output.capacity <= 64 * 1024 { swap(&output, &spare) }
        output = []
    }

    /// Appends an answer to `output`.
    ///
    /// - Parameter omitsBody: For HEAD: the head is as if the body came.
    func append(_ response: Response, id: RequestID, omitsBody: Bool, keepsAlive: Bool, to output: inout [UInt8]) {
        let status = response.status
        refreshDate()
        if status == .ok {
            output.append(contentsOf: okLines)
        } else {
            Self.append(status, to: &output)
            output.append(contentsOf: dateLine)
        }
        output.append("X-Request-Id: ")
        id.write(to: &output)
        output.append("\r\n")
        output.append(contentsOf: response.fields.bytes)
        // RFC 9110 §8.6: neither of these has a length to tell.
        let hasBody = status != .noContent && status != .notModified
        if hasBody {
            output.append("Content-Length: ")
            output.append(decimal: response.body.count)
            output.append("\r\n")
        }
        output.append(keepsAlive ? "\r\n" : "Connection: close\r\n\r\n")
        if hasBody, !omitsBody { output.append(contentsOf: response.body) }
    }

    private static func append(_ status: Status, to output: inout [UInt8]) {
        output.append("HTTP/1.1 ")
        output.append(decimal: status.code)
        output.append(" ")
        output.append(status.reason)
        output.append("\r\n")
    }

    private func refreshDate() {
        let now = time(nil)
        guard now != second else { return }
        second = now
        dateLine = Array("Date: \(HTTPDate.format(now))\r\n".utf8)
        okLines = []
        Self.append(.ok, to: &okLines)
        okLines += dateLine
    }
}
