import TokenBroker

/// The words that stand for a provider's settings, read and written.
enum ConfigurationWords {
    static let clientAuthentications: KeyValuePairs<String, Provider.ClientAuthentication> = [
        "basic": .basic, "basic_raw": .basicRaw, "body": .body, "header": .header, "private_key_jwt": .privateKeyJWT,
        "tls": .tls,
    ]
    static let methods: KeyValuePairs<String, Provider.RequestMethod> = ["post": .post, "get": .get]
    static let bodies: KeyValuePairs<String, Provider.BodyFormat> = ["form": .form, "json": .json, "query": .query]
    static let formats: KeyValuePairs<String, Provider.Answer.Format> = ["json": .json, "form": .form, "token": .token]
    static let lifetimeUnits: KeyValuePairs<String, Provider.Answer.LifetimeUnit> = [
        "seconds": .seconds, "milliseconds": .milliseconds, "unix_seconds": .unixSeconds,
        "unix_milliseconds": .unixMilliseconds, "date_time": .dateTime,
    ]
    static let failures: KeyValuePairs<String, Provider.FailureClass> = [
        "rejected": .rejected, "throttled": .throttled, "unavailable": .unavailable,
    ]

    /// The word that stands for `meaning`; each has one.
    static func word<Meaning: Equatable>(for meaning: Meaning, in words: KeyValuePairs<String, Meaning>) -> String {
        words.first { $0.value == meaning }?.key ?? ""
    }
}
