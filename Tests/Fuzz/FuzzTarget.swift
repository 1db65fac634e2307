/// A parser, and what must hold of it whatever its input.
///
/// The fuzzer calls ``check`` with what it invents; the tests call it with every file of `Corpus/<name>`.
struct FuzzTarget: Sendable {
    /// Also its folder in `Corpus` and its file in `Dictionaries`.
    let name: String
    /// Throws, or traps, when the parser is wrong about this input. Refusing it is not wrong.
    let check: @Sendable ([UInt8]) throws -> Void

    static let all = [
        request, response, chunkedBody, messageWriter, target, formBody, basicCredentials, httpDate, httpURL,
        jsonString, upstreamAnswer, yaml, configuration, jwt, keySet, resp,
    ]
}

/// What does not hold of a parser.
struct Violation: Error, CustomStringConvertible {
    let description: String
}

/// - Parameter sentence: What should have held.
func require(_ condition: Bool, _ sentence: @autoclosure () -> String) throws(Violation) {
    if !condition { throw Violation(description: sentence()) }
}

/// - Parameter sentence: What should have held.
func required<Value>(_ value: Value?, _ sentence: @autoclosure () -> String) throws(Violation) -> Value {
    guard let value else { throw Violation(description: sentence()) }
    return value
}
