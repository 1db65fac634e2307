/// Text that must never be seen: it prints as `<secret>` however it is printed, and is read only by asking for it.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String

    /// Hides `text`.
    package init(_ text: String) { self.text = text }

    /// The secret itself, for the one place that sends it.
    package func reveal() -> String { text }

    package var description: String { "<secret>" }
    package var debugDescription: String { "<secret>" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
