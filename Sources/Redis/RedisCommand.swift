/// One command, as it is sent: an array of strings.
package struct RedisCommand: Sendable {
    let bytes: [UInt8]

    package init(_ arguments: [[UInt8]]) {
        var bytes = Array("*\(arguments.count)\r\n".utf8)
        for argument in arguments {
            bytes += "$\(argument.count)\r\n".utf8
            bytes += argument
            bytes += [0x0D, 0x0A]
        }
        self.bytes = bytes
    }

    package init(_ words: String...) { self.init(words.map { Array($0.utf8) }) }
}

extension RedisCommand: CustomStringConvertible, CustomReflectable {
    // It may hold anything.
    package var description: String { "<command>" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
