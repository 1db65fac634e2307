package import Logging
package import Sockets
package import TokenBroker

/// All that an operator can decide, checked. The key in `tokenwell.yaml` is named with each field.
package struct Configuration: Sendable {
    /// The server's own certificate.
    package struct ListenTLS: Sendable, Equatable {
        /// `tls.certificate`: path of a PEM file with the chain, the server's own certificate first.
        package var certificate: String
        /// `tls.key`: path of a PEM file with its private key.
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// `listen`: address and port of the API; IPv6 in brackets. `TOKENWELL_LISTEN` overrides it. Default `127.0.0.1:8080`.
    package var listen = SocketAddress.loopback(port: 8080)
    /// `tls`, or `listen.tls`: serves the API over TLS. Without it, what listens beyond loopback needs a proxy or mesh
    /// in front that does. Default none.
    package var listenTLS: ListenTLS?
    /// `metrics.listen`: a listener of its own for `/metrics` and health, in clear text. `TOKENWELL_METRICS_LISTEN`
    /// overrides it. Default none: they are served with the API.
    package var metricsListen: SocketAddress?
    /// `log.level`: `trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`; what is less is not logged.
    /// `TOKENWELL_LOG_LEVEL` overrides it. Default `info`.
    package var logLevel = Logger.Level.info
    /// `deadline`: how long a caller waits for a token that has to be minted, from `10ms` to `5m`. Default `5s`.
    package var deadline = Duration.seconds(5)
    /// `tenants`, and every file of `tenants.d`: names are unique over all of them. Default none.
    package var tenants: [Tenant] = []
    /// `callers`: who may ask. Deny by default: without one nobody gets a token. Default none.
    package var callers: [Caller] = []

    package init() {}
}
