/// That a server refused a command.
///
/// Only the code is kept that it begins with: the rest may quote what was sent, a password among it.
package struct RedisRefusal: Error, Hashable, Sendable {
    /// Such as `NOPERM`; `ERR` for one that is none.
    package let code: String

    package init(code: String) { self.code = code }

    init(_ line: [UInt8]) {
        let word = line.prefix { $0 != 0x20 }
        let isCode = (1...32).contains(word.count) && word.allSatisfy { (0x41...0x5A).contains($0) }
        code = isCode ? String(decoding: word, as: UTF8.self) : "ERR"
    }
}

extension RedisRefusal: CustomStringConvertible {
    /// A clause for people, without a full stop.
    package var description: String {
        switch code {
        case "MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN", "TRYAGAIN":
            "it is part of a Redis Cluster, whose redirects are not followed (\(code))"
        case "READONLY": "it is a replica, which takes no writes: name the primary (READONLY)"
        case "MASTERDOWN": "it is a replica that has lost its primary (MASTERDOWN)"
        case "LOADING": "it is still reading its data (LOADING)"
        case "OOM": "its memory is full (OOM)"
        case "MISCONF": "it cannot write to its disk, and takes nothing (MISCONF)"
        case "NOREPLICAS": "it has too few replicas to take anything (NOREPLICAS)"
        case "NOAUTH": "it wants a password (NOAUTH)"
        case "WRONGPASS": "it does not know this user and password (WRONGPASS)"
        case "NOPERM": "its user lacks a permission: the README lists what it needs (NOPERM)"
        case "NOSCRIPT": "it has no such script (NOSCRIPT)"
        case "BUSY": "a script keeps it busy (BUSY)"
        default: "it refused a command (\(code))"
        }
    }
}
