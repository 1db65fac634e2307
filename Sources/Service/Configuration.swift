package import Logging
package import Redis
package import Sealing
package import Sockets
package import TokenBroker

/// All that an operator can decide, checked. The key in `tokenwell.yaml` is named with each field.
package struct Configuration: Sendable {
    /// The server's own certificates, and those of clients.
    package struct ListenTLS: Sendable, Equatable {
        /// `tls.certificate`: path of a PEM file with the chain, the server's own certificate first.
        package var certificate: String
        /// `tls.key`: path of a PEM file with its private key.
        package var key: String
        /// `tls.additional`: further certificates with their keys, for clients that ask for one of their names. Default
        /// none.
        package var additional: [CertificateFiles]
        /// `tls.client_ca`: path of a PEM file with the authorities of clients' certificates; `tls.client_certificate`:
        /// `optional` (the default) or `required`. Default: none is asked for.
        package var clients: TLSContext.ClientAuthorities?

        package init(
            certificate: String, key: String, additional: [CertificateFiles] = [],
            clients: TLSContext.ClientAuthorities? = nil
        ) {
            self.certificate = certificate
            self.key = key
            self.additional = additional
            self.clients = clients
        }
    }

    /// How many clients may be connected at a time.
    package struct Connections: Sendable, Equatable {
        /// `connections.maximum`: in all; fewer where the limit of open files (RLIMIT_NOFILE) does not have them.
        /// Default 20000.
        package var maximum = 20_000
        /// `connections.per_address`: from one IPv4 address, or one IPv6 network of 64 bits; `maximum` at most. Default half
        /// of the maximum that is in force: behind a proxy all callers have its address.
        package var perAddress: Int?

        package init() {}
    }

    /// How often an address (IPv4, or 64 bits of IPv6) may fail to prove who it is before it is answered 429.
    package struct FailedAttempts: Sendable, Equatable {
        /// `failed_attempts.burst`: at once, 1 to 1000000. Default 20.
        package var burst = 20
        /// `failed_attempts.per_minute`: after that, 1 to 1000000. Default 20.
        package var perMinute = 20

        package init() {}
    }

    /// How long a client may take. No deadline moves because a little has come.
    package struct Timeouts: Sendable, Equatable {
        /// `timeouts.head`: for a TLS handshake, and from a request's first byte to the end of its head. Default `10s`.
        package var head = Duration.seconds(10)
        /// `timeouts.body`: from the end of a head to the end of its body. Default `30s`.
        package var body = Duration.seconds(30)
        /// `timeouts.idle`: without a request. Default `75s`.
        package var idle = Duration.seconds(75)
        /// `timeouts.write`: to receive what is sent at once. Default `30s`.
        package var write = Duration.seconds(30)

        package init() {}
    }

    /// Where what must survive a restart is kept.
    package enum Store: Sendable, Equatable {
        /// `{sqlite: path}`: sealed under the master key, in this file, relative to the configuration file.
        case sqlite(String)
        /// `{redis: ...}`: sealed under the master key, in a Redis or Valkey server.
        case redis(RedisPlace)
        /// `memory`: nowhere.
        case memory
    }

    /// A store in a Redis or Valkey server.
    package struct RedisPlace: Sendable, Equatable {
        /// `store.redis.url`: `rediss://[user@]host[:port][/database]`, or `redis` to this machine.
        package var url: RedisURL
        /// `store.redis.password`: `{file: path}` or `{env: NAME}`. Default none.
        package var password: Secret?
        /// `store.redis.ca_file`: path of a PEM file with authorities that are trusted beside the system's. Default none.
        package var caFile: String?
        /// `store.redis.prefix`: of all keys that are used; what has another prefix is another store. Default `tokenwell`.
        package var prefix = "tokenwell"

        package init(url: RedisURL) { self.url = url }
    }

    /// Where it is written down who was given what.
    package enum Audit: Sendable, Equatable {
        /// `{file: path}`: relative to the configuration file.
        case file(String)
        /// `stdout`.
        case standardOutput
    }

    /// `listen`: address and port of the API; IPv6 in brackets. `TOKENWELL_LISTEN` overrides it. Default `127.0.0.1:8080`.
    package var listen = SocketAddress.loopback(port: 8080)
    /// `tls`, or `listen.tls`: serves the API over TLS. Without it, what listens beyond loopback needs a proxy or mesh
    /// in front that does. Default none.
    package var listenTLS: ListenTLS?
    /// `external_url`: what callers reach the API by, `https` unless it is the loopback, with neither path nor query. Default
    /// none: then there is metadata (RFC 8414) only of a listener on the loopback.
    package var externalOrigin: String?
    /// `metrics.listen`: a listener of its own for `/metrics` and health, in clear text. `TOKENWELL_METRICS_LISTEN`
    /// overrides it. Default none: they are served with the API.
    package var metricsListen: SocketAddress?
    /// `metrics.callers`: whether requests are counted by caller too, whose names whoever reaches `/metrics` then sees.
    /// Default true.
    package var metricsShowCallers = true
    /// `log.level`: `trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`; what is less is not logged.
    /// `TOKENWELL_LOG_LEVEL` overrides it. Default `info`.
    package var logLevel = Logger.Level.info
    /// `deadline`: how long a caller waits for a token that has to be minted, from `10ms` to `5m`. Default `5s`.
    package var deadline = Duration.seconds(5)
    /// `connections`: beyond them clients are turned away.
    package var connections = Connections()
    /// `failed_attempts`: of an address; behind a proxy all callers have its.
    package var failedAttempts = FailedAttempts()
    /// `timeouts`: each from `100ms` to `10m`.
    package var timeouts = Timeouts()
    /// `master_key` and `master_key_previous`, each `{file: path}` or `{env: NAME}` with what `tokenwell masterkey new`
    /// makes: the first seals, both open `{sealed: tw1...}`. Default none: nothing may be sealed.
    package var masterKeys: KeyRing?
    /// `store`: `{sqlite: path}` or `{redis: ...}`, which need a master key, or `memory`. Default
    /// `{sqlite: /var/lib/tokenwell/tokenwell.db}` with a master key, and `memory` without one, which is then said at
    /// start.
    package var store: Store?
    /// `audit`: `{file: path}`, which is appended to and opened again at SIGHUP, or `stdout`. Default none.
    package var audit: Audit?
    /// `tenants`, and every file of `tenants.d`: names are unique over all of them. Default none.
    package var tenants: [Tenant] = []
    /// `jwt_issuers`: who vouches for callers by JWTs. Default none.
    package var jwtIssuers: [JWTIssuer] = []
    /// `callers`: who may ask. Deny by default: without one nobody gets a token. Default none.
    package var callers: [Caller] = []
    /// What is no mistake and yet not wise, each with its file and line.
    package var warnings: [ConfigurationErrors.Mistake] = []

    package init() {}

    /// The store that is in force.
    package var effectiveStore: Store {
        store ?? (masterKeys == nil ? .memory : .sqlite("/var/lib/tokenwell/tokenwell.db"))
    }
}
