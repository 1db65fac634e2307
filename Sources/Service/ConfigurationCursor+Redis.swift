import HTTP
import Redis

extension ConfigurationCursor {
    /// The store in a Redis or Valkey server.
    func redisPlace() -> Configuration.RedisPlace? {
        section { section in
            let url = section.required("url", hint: Self.redisHint)?.redisURL()
            let password = section["password"]?.password()
            let caFile = section["ca_file"]
            let authorities = caFile?.file()
            let prefix = section["prefix"]?.redisPrefix()
            guard let url else { return nil }
            var place = Configuration.RedisPlace(url: url)
            if url.user != nil, !section.hasAny(of: "password") {
                noteMissing("password", hint: "the url has a user, who needs one")
            }
            if !url.isTLS { caFile?.note("does not belong here", hint: "it goes with a rediss url") }
            place.password = password
            place.caFile = authorities
            place.prefix = prefix ?? place.prefix
            return place
        }
    }

    private static let redisHint = "write it as rediss://user@host:6379/0"

    /// A server's URL: `rediss`, or `redis` to this machine. It is not quoted, as it may have a password gone astray.
    private func redisURL() -> RedisURL? {
        guard let text = string() else { return nil }
        let url: RedisURL
        do throws(RedisURL.Mistake) { url = try RedisURL(text) } catch {
            return switch error {
            case .password: mistake("has a password in it", hint: "name it beside the url as password: {file: path}")
            case .scheme: mistake("is neither rediss nor redis", hint: Self.redisHint)
            case .user: mistake("has a user of other characters than letters, digits, \"-\", \".\", \"_\"")
            case .host: mistake("has no host, or one of other characters", hint: Self.redisHint)
            case .port: mistake("has no port from 1 to 65535 after the colon", hint: Self.redisHint)
            case .database: mistake("has something else than a database's number after the slash", hint: Self.redisHint)
            }
        }
        guard url.isTLS || url.isLoopback else {
            return mistake("is not rediss", hint: "plain redis is taken for loopback addresses only")
        }
        return url
    }

    /// What all keys begin with: nothing that is special in a pattern.
    private func redisPrefix() -> String? {
        guard let text = string() else { return nil }
        let isPrefix =
            text.utf8.count <= 64
            && text.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || "-._:".utf8.contains($0) }
        guard isPrefix else {
            return mistake(
                "\(Printable.quoted(text)) is not a prefix",
                hint: "use 1 to 64 letters, digits, \"-\", \".\", \"_\", \":\"")
        }
        return text
    }
}
