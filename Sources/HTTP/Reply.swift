/// What a handler comes to: an answer, or work that ends in one.
///
/// What is answered from memory pays for no suspension, and the answers that a client has still to get never wait behind
/// work that takes time.
package enum Reply: Sendable {
    case ready(Response)
    case later(@Sendable () async -> Response)
}
