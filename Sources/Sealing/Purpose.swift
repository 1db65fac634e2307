/// What something is sealed for; what is sealed for one purpose does not open for another.
///
/// The numbers are in what is sealed, and the names in how its key is derived: neither is ever given to another purpose.
package enum Purpose: UInt8, Sendable, CaseIterable {
    /// What a store keeps.
    case record = 1
    /// A secret in the configuration.
    case configuration = 2
    /// What tells whether a store was written under a key.
    case check = 3

    var name: String {
        switch self {
        case .record: "record"
        case .configuration: "configuration"
        case .check: "check"
        }
    }
}
