/// How a value is reached: its file, then the keys and positions from the root.
///
/// A chain of parents rather than a text, because only a mistake has its path printed.
indirect enum ConfigurationPath {
    case file(String)
    case key(String, in: ConfigurationPath)
    /// The key that is a tenant's name.
    case tenant(String, in: ConfigurationPath)
    case index(Int, in: ConfigurationPath)

    var file: String {
        switch self {
        case .file(let file): file
        case .key(_, let parent), .tenant(_, let parent), .index(_, let parent): parent.file
        }
    }

    /// The tenant whose setting it is, or that it is; nil outside of a tenant.
    var tenant: String? {
        switch self {
        case .file: nil
        case .tenant(let name, _): name
        case .key(_, let parent), .index(_, let parent): parent.tenant
        }
    }

    /// `tenants.acme.scopes[0]`; a key that is no plain word is a `?`.
    var text: String {
        switch self {
        case .file: return ""
        case .index(let index, let parent): return "\(parent.text)[\(index)]"
        case .key(let key, let parent), .tenant(let key, let parent):
            let start = parent.text
            // `{client_secret=hunter2}` is a mapping with that whole text as its key: what is no word is not shown.
            let name = Printable.isWord(key) ? key : "?"
            return start.isEmpty ? name : "\(start).\(name)"
        }
    }

    /// What a secret there is sealed for; nil outside of a tenant.
    ///
    /// The entry that says how the secret is given does not count: `{sealed: tw1...}` is what is in its place.
    var secretPlace: SecretPlace? {
        guard case .key(_, let place) = self, let (tenant, field) = place.placeInTenant else { return nil }
        return SecretPlace(inConfigurationOf: tenant, field: field)
    }

    private var placeInTenant: (tenant: String, field: String)? {
        switch self {
        case .file: return nil
        case .tenant(let name, _): return (name, "")
        case .index(let index, let parent):
            return parent.placeInTenant.map { ($0.tenant, "\($0.field)[\(index)]") }
        case .key(let key, let parent):
            return parent.placeInTenant.map { ($0.tenant, $0.field.isEmpty ? key : "\($0.field).\(key)") }
        }
    }
}
