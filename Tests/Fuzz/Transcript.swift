@testable import HTTP

/// What the bytes of a connection were taken for.
struct Transcript: Equatable {
    /// A message, and where it stood.
    struct Message: Equatable {
        /// The head in words that can be compared.
        var head: String
        var fieldCount: Int
        var framing: BodyFraming
        var body: [UInt8]
        var start: Int
        var bodyStart: Int
        var end: Int
    }

    /// What came of the bytes after the last message.
    enum Ending: Equatable { case waiting, refused(ParseError), closed }

    var messages: [Message] = []
    var ending = Ending.waiting
    /// The most that was held of any body, whole or not.
    var largestBody = 0
}
