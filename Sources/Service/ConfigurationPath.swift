/// How a value is reached: its file, then the keys and positions from the root.
///
/// A chain of parents rather than a text, because only a mistake has its path printed.
indirect enum ConfigurationPath {
    case file(String)
    case key(String, in: ConfigurationPath)
    case index(Int, in: ConfigurationPath)

    var file: String {
        switch self {
        case .file(let file): file
        case .key(_, let parent), .index(_, let parent): parent.file
        }
    }

    /// `tenants.acme.scopes[0]`; a key that is no plain word is a `?`.
    var text: String {
        switch self {
        case .file: return ""
        case .index(let index, let parent): return "\(parent.text)[\(index)]"
        case .key(let key, let parent):
            let start = parent.text
            // `{client_secret=hunter2}` is a mapping with that whole text as its key: what is no word is not shown.
            let name = Printable.isWord(key) ? key : "?"
            return start.isEmpty ? name : "\(start).\(name)"
        }
    }
}
