import COpenSSL
import Glibc

/// The descriptor under a TLS session as OpenSSL uses it: a `BIO` that asks the kernel only for what may be there.
///
/// OpenSSL's own socket BIO would call the kernel after every record just to learn that nothing is left, and raise SIGPIPE
/// when the peer has gone.
struct TLSTransport {
    let descriptor: Int32
    /// Whether there is nothing to read until the kernel says otherwise.
    var isDrained = false
    /// Whether no news will come of what is in the kernel: only a refusal there says that nothing is left.
    var isClosing = false
    /// Whether the peer has finished, as a read has found.
    var isAtEnd = false

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// A `BIO` over a transport, which has to outlive it; nil when OpenSSL is out of memory.
    static func makeBIO(over transport: UnsafeMutablePointer<TLSTransport>) -> OpaquePointer? {
        guard let method, let bio = BIO_new(method.pointer) else { return nil }
        BIO_set_data(bio, transport)
        BIO_set_init(bio, 1)
        return bio
    }

    /// OpenSSL's table of what a transport can do.
    ///
    /// `@unchecked Sendable`: OpenSSL only reads the table once it is made.
    private struct Method: @unchecked Sendable { let pointer: OpaquePointer }

    private static let method: Method? = {
        let index = BIO_get_new_index()
        guard index != -1, let method = BIO_meth_new(index | BIO_TYPE_SOURCE_SINK, "socket") else { return nil }
        BIO_meth_set_read(method, { bio, buffer, count in TLSTransport.read(bio, buffer, count) })
        BIO_meth_set_write(method, { bio, bytes, count in TLSTransport.write(bio, bytes, count) })
        BIO_meth_set_ctrl(method, { bio, command, _, _ in TLSTransport.control(bio, command) })
        return Method(pointer: method)
    }()

    /// The transport that ``makeBIO(over:)`` has put there.
    private static func transport(of bio: OpaquePointer?) -> UnsafeMutablePointer<TLSTransport>? {
        BIO_get_data(bio)?.assumingMemoryBound(to: TLSTransport.self)
    }

    private static func read(_ bio: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ count: Int32) -> Int32 {
        BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY)
        guard let transport = transport(of: bio) else { return -1 }
        guard !transport.pointee.isDrained else { return retry(bio, BIO_FLAGS_READ) }
        while true {
            let received = recv(transport.pointee.descriptor, buffer, Int(count), 0)
            if received < 0, errno == EINTR { continue }
            transport.pointee.isAtEnd = received == 0 && count > 0
            // A short read took all there was: the next arrival is a new edge, unless the end has been told already.
            if received > 0, received < Int(count) { transport.pointee.isDrained = !transport.pointee.isClosing }
            guard received < 0, errno == EAGAIN else { return Int32(received) }
            transport.pointee.isDrained = true
            return retry(bio, BIO_FLAGS_READ)
        }
    }

    private static func write(_ bio: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ count: Int32) -> Int32 {
        BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY)
        guard let transport = transport(of: bio) else { return -1 }
        while true {
            let sent = send(transport.pointee.descriptor, bytes, Int(count), Int32(MSG_NOSIGNAL))
            if sent < 0, errno == EINTR { continue }
            guard sent < 0, errno == EAGAIN else { return Int32(sent) }
            return retry(bio, BIO_FLAGS_WRITE)
        }
    }

    private static func control(_ bio: OpaquePointer?, _ command: Int32) -> Int {
        switch command {
        // Nothing is held back.
        case BIO_CTRL_FLUSH: 1
        case BIO_CTRL_EOF: transport(of: bio)?.pointee.isAtEnd == true ? 1 : 0
        default: 0
        }
    }

    private static func retry(_ bio: OpaquePointer?, _ direction: Int32) -> Int32 {
        BIO_set_flags(bio, direction | BIO_FLAGS_SHOULD_RETRY)
        return -1
    }
}
