package import Sockets

/// Which server is meant, how it is trusted, and who we are there.
package struct RedisServer: Sendable {
    package let url: RedisURL
    /// For a `rediss` URL.
    package let tls: TLSContext
    private let password: String?
    /// For a connection with its login, and for each command after that.
    package var timeout: Duration
    package var limits = RESPParser.Limits()

    /// - Parameter password: Of the URL's user, or of `default`.
    package init(_ url: RedisURL, tls: TLSContext, password: String?, timeout: Duration = .seconds(1)) {
        self.url = url
        self.tls = tls
        self.password = password
        self.timeout = timeout
    }

    /// Asks for RESP3, and logs in.
    var hello: RedisCommand {
        var words = ["HELLO", "3"]
        if let password { words += ["AUTH", url.user ?? "default", password] }
        return RedisCommand(words.map { Array($0.utf8) })
    }

    /// Logs in where there is no RESP3; nil when there is no need.
    var login: RedisCommand? {
        password.map { RedisCommand((["AUTH"] + [url.user].compactMap(\.self) + [$0]).map { Array($0.utf8) }) }
    }
}

extension RedisServer: CustomStringConvertible, CustomReflectable {
    package var description: String { url.description }
    // The password is to be seen nowhere.
    package var customMirror: Mirror { Mirror(self, children: []) }
}
