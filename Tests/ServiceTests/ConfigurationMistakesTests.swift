import Foundation
import Sealing
import Signatures
import Testing
import TokenBroker

@testable import Service

struct ConfigurationMistakesTests {
    /// A configuration with one mistake, and the line that tells it.
    struct Case: CustomTestStringConvertible {
        var testDescription: String
        var text: String
        var line: String
        var environment: [String: String]

        init(_ name: String, _ text: String, _ line: String, environment: [String: String] = [:]) {
            testDescription = name
            self.text = text
            self.line = line
            self.environment = environment
        }

        /// A mistake in the one tenant of the file, which is on its second line.
        static func tenant(_ name: String, _ text: String, _ line: String, environment: [String: String] = [:]) -> Case
        {
            Case(
                name, "tenants:\n  acme: {\(text)}\n", "tokenwell.yaml:2: tenants.acme\(line)", environment: environment
            )
        }

        /// A mistake in the one tenant's sealed client secret.
        static func sealed(_ name: String, _ text: String, _ line: String) -> Case {
            Case(
                name,
                "master_key: {env: KEY}\ntenants:\n  acme: {"
                    + pageup.replacing("{file: secret}", with: "{sealed: \(text)}") + "}\n",
                "tokenwell.yaml:3: tenants.acme.client_secret.sealed\(line)",
                environment: ["KEY": masterKey.reveal()])
        }

        /// A mistake in how a caller of a file proves itself that has an issuer and takes client certificates.
        static func proof(_ name: String, _ text: String, _ line: String, line number: Int = 4, caller: String = "a")
            -> Case
        {
            Case(
                name, identitySettings + "callers:\n  a: {\(text)}\n",
                "tokenwell.yaml:\(number): callers.\(caller)\(line)")
        }

        /// A mistake in the issuers of JWTs.
        static func issuer(_ name: String, _ text: String, _ line: String) -> Case {
            Case(name, "jwt_issuers: \(text)\n", "tokenwell.yaml:1: jwt_issuers\(line)")
        }

        /// A mistake in the one caller of a file that has the tenants acme, acme-eu and globex.
        static func caller(_ name: String, _ text: String, _ line: String) -> Case {
            let ukg = "{provider: ukg, region: eu, application_id: a, application_secret: {file: secret}, client_id: c}"
            let tenants = ["acme", "acme-eu", "globex"].map { "  \($0): \(ukg)\n" }.joined()
            return Case(
                name, "tenants:\n\(tenants)callers:\n  payroll: {\(text)}\n", "tokenwell.yaml:6: callers.payroll\(line)"
            )
        }
    }

    private static let identitySettings =
        "tls: {certificate: pem, key: pem, client_ca: pem}\n"
        + "jwt_issuers: [{issuer: https://a.example, jwks: {url: 'https://a.example/keys'}}]\n"

    private static let key = "\"\(KeyDigest(of: "tw_1"))\""
    private static let pageup =
        "provider: pageup, environment: live, data_center: dc2, client_id: c, client_secret: {file: secret}, scopes: [A]"
    private static let ukg =
        "provider: ukg, region: eu, application_id: a, application_secret: {file: secret}, client_id: c"
    private static let oauth2 =
        "provider: oauth2, token_url: 'https://a.example/t', client_id: c, client_secret: {file: secret}"

    private static func redis(_ text: String) -> String {
        "master_key: {env: KEY}\nstore: {redis: \(text)}"
    }

    private static let settings = [
        Case(
            "no YAML", "listen: [",
            "tokenwell.yaml:2: not YAML: did not find expected node content while parsing a flow node"),
        Case("repeated key", "deadline: 5s\ndeadline: 5s", "tokenwell.yaml:2: duplicate key \"deadline\""),
        Case("nothing but a list", "[]", "tokenwell.yaml:1: a list where a mapping belongs"),
        Case("unknown key", "dedline: 5s", "tokenwell.yaml:1: dedline: is not a known key; did you mean deadline?"),
        Case(
            "unlikely key", "colour: red",
            "tokenwell.yaml:1: colour: is not a known key; use one of listen, tls, external_url, metrics, log, deadline, connections, "
                + "failed_attempts, timeouts, master_key, master_key_previous, audit, store, tenants, jwt_issuers, callers"
        ),
        Case(
            "store without a master key", "store: {sqlite: x}",
            "tokenwell.yaml:1: store: needs a master key; set master_key, or write store: memory"),
        Case(
            "audit elsewhere", "audit: syslog",
            "tokenwell.yaml:1: audit: \"syslog\" is no place for an audit; write {file: path} or stdout"),
        Case(
            "store of another kind", "store: file",
            "tokenwell.yaml:1: store: \"file\" is not a store; write {sqlite: path}, {redis: ...} or memory"),
        Case(
            "redis without a place", redis("{}"),
            "tokenwell.yaml:2: store.redis.url: is missing; write it as rediss://user@host:6379/0",
            environment: ["KEY": masterKey.reveal()]),
        Case(
            "redis elsewhere without TLS", redis("{url: 'redis://redis.example'}"),
            "tokenwell.yaml:2: store.redis.url: is not rediss; plain redis is taken for loopback addresses only",
            environment: ["KEY": masterKey.reveal()]),
        Case(
            "redis by another scheme", redis("{url: 'https://a'}"),
            "tokenwell.yaml:2: store.redis.url: is neither rediss nor redis; write it as rediss://user@host:6379/0",
            environment: ["KEY": masterKey.reveal()]),
        Case(
            "redis with a password in its place", redis("{url: 'rediss://a:b@c'}"),
            "tokenwell.yaml:2: store.redis.url: has a password in it; name it beside the url as password: {file: path}",
            environment: ["KEY": masterKey.reveal()]),
        Case(
            "redis with a database that is none", redis("{url: 'rediss://a/x'}"),
            "tokenwell.yaml:2: store.redis.url: has something else than a database's number after the slash; write it as rediss://user@host:6379/0",
            environment: ["KEY": masterKey.reveal()]),
        Case(
            "redis user without a password", redis("{url: 'rediss://a@b'}"),
            "tokenwell.yaml:2: store.redis.password: is missing; the url has a user, who needs one",
            environment: ["KEY": masterKey.reveal()]),
        Case(
            "redis password in the file itself", redis("{url: 'rediss://a', password: b}"),
            "tokenwell.yaml:2: store.redis.password: a secret in the configuration itself; give it as {file: path} or {env: NAME}",
            environment: ["KEY": masterKey.reveal()]),
        Case(
            "redis password that is sealed", redis("{url: 'rediss://a', password: {sealed: tw1x}}"),
            "tokenwell.yaml:2: store.redis.password: not a source of a secret; give it as {file: path} or {env: NAME}",
            environment: ["KEY": masterKey.reveal()]),
        Case(
            "redis authorities without TLS", redis("{url: 'redis://localhost', ca_file: pem}"),
            "tokenwell.yaml:2: store.redis.ca_file: does not belong here; it goes with a rediss url",
            environment: ["KEY": masterKey.reveal()]),
        Case(
            "redis authorities that are not there", redis("{url: 'rediss://a', ca_file: nowhere}"),
            "tokenwell.yaml:2: store.redis.ca_file: \"nowhere\" does not exist",
            environment: ["KEY": masterKey.reveal()]),
        Case(
            "redis prefix with a pattern", redis("{url: 'rediss://a', prefix: 'a*'}"),
            "tokenwell.yaml:2: store.redis.prefix: \"a*\" is not a prefix; use 1 to 64 letters, digits, \"-\", \".\", \"_\", \":\"",
            environment: ["KEY": masterKey.reveal()]),
        Case(
            "redis with an unknown key", redis("{url: 'rediss://a', user: b}"),
            "tokenwell.yaml:2: store.redis.user: is not a known key; use one of url, password, ca_file, prefix",
            environment: ["KEY": masterKey.reveal()]),
        Case(
            "two stores", "master_key: {env: KEY}\nstore: {sqlite: a, redis: {url: 'rediss://a'}}",
            "tokenwell.yaml:2: store.sqlite: does not belong here; there is one store: write sqlite or redis",
            environment: ["KEY": masterKey.reveal()]),
        Case(
            "key that cannot be printed", "\"a\\u202e\\n\": 1",
            "tokenwell.yaml:1: ?: is not a known key; write key: value, with a space after the colon"),
        Case(
            "address without port", "listen: localhost",
            "tokenwell.yaml:1: listen: \"localhost\" is not an address with a port; write it as 127.0.0.1:8080 or [::]:8080"
        ),
        Case("no address in listen", "listen: {}", "tokenwell.yaml:1: listen.address: is missing"),
        Case(
            "tls in two places", "listen: {address: 127.0.0.1:1}\ntls: {certificate: pem, key: pem}",
            "tokenwell.yaml:2: tls: does not belong here; write it under listen, beside address"),
        Case("certificate without key", "tls: {certificate: pem}", "tokenwell.yaml:1: tls.key: is missing"),
        Case(
            "certificate that is not there", "tls: {certificate: no.pem, key: pem}",
            "tokenwell.yaml:1: tls.certificate: \"no.pem\" does not exist"),
        Case(
            "certificate that is a folder", "tls: {certificate: ., key: pem}",
            "tokenwell.yaml:1: tls.certificate: \".\" is not a file"),
        Case(
            "client CA that is not there", "tls: {certificate: pem, key: pem, client_ca: no.pem}",
            "tokenwell.yaml:1: tls.client_ca: \"no.pem\" does not exist"),
        Case(
            "client certificates without CA", "tls: {certificate: pem, key: pem, client_certificate: required}",
            "tokenwell.yaml:1: tls.client_certificate: does not belong here; "
                + "it goes with client_ca, which says whose to take"),
        Case(
            "client certificates neither way",
            "tls: {certificate: pem, key: pem, client_ca: pem, client_certificate: yes}",
            "tokenwell.yaml:1: tls.client_certificate: \"yes\" is not a choice; use one of optional, required"),
        Case(
            "further certificate without key", "tls: {certificate: pem, key: pem, additional: [{certificate: pem}]}",
            "tokenwell.yaml:1: tls.additional[0].key: is missing"),
        Case(
            "no choice in metrics", "metrics: {callers: some}",
            "tokenwell.yaml:1: metrics.callers: \"some\" is not a boolean; use true or false"),
        Case("nothing in log", "log:", "tokenwell.yaml:1: log: nothing where a mapping belongs"),
        Case(
            "log level", "log: {level: loud}",
            "tokenwell.yaml:1: log.level: \"loud\" is not a log level; "
                + "use one of trace, debug, info, notice, warning, error, critical"),
        Case("list for a text", "deadline: [5s]", "tokenwell.yaml:1: deadline: a list where a text belongs"),
        Case("empty text", "deadline: ''", "tokenwell.yaml:1: deadline: an empty text"),
        Case(
            "control character", "deadline: \"5s\\n\"",
            "tokenwell.yaml:1: deadline: a text with a line break or another control character"),
        Case(
            "duration without unit", "deadline: 5",
            "tokenwell.yaml:1: deadline: \"5\" is not a duration; write it as 500ms, 5s, 2m or 1h"),
        Case(
            "negative duration", "deadline: -5s",
            "tokenwell.yaml:1: deadline: \"-5s\" is not a duration; write it as 500ms, 5s, 2m or 1h"),
        Case(
            "duration too short", "deadline: 9ms",
            "tokenwell.yaml:1: deadline: \"9ms\" is out of range; give 10ms to 5m"),
        Case(
            "duration too long", "deadline: 301s",
            "tokenwell.yaml:1: deadline: \"301s\" is out of range; give 10ms to 5m"),
        Case(
            "no connections", "connections: {maximum: 0}",
            "tokenwell.yaml:1: connections.maximum: 0 is out of range; give 1 to 1000000"),
        Case(
            "more connections per address than in all", "connections: {maximum: 10, per_address: 11}",
            "tokenwell.yaml:1: connections.per_address: 11 is out of range; give 1 to 10"),
        Case(
            "no failed attempts", "failed_attempts: {burst: 0}",
            "tokenwell.yaml:1: failed_attempts.burst: 0 is out of range; give 1 to 1000000"),
        Case(
            "number of connections alone", "connections: 100",
            "tokenwell.yaml:1: connections: a text where a mapping belongs"),
        Case(
            "unknown timeout", "timeouts: {header: 5s}",
            "tokenwell.yaml:1: timeouts.header: is not a known key; did you mean head?"),
        Case(
            "timeout too short", "timeouts: {write: 99ms}",
            "tokenwell.yaml:1: timeouts.write: \"99ms\" is out of range; give 100ms to 10m"),
        Case(
            "timeout too long", "timeouts: {idle: 601s}",
            "tokenwell.yaml:1: timeouts.idle: \"601s\" is out of range; give 100ms to 10m"),
        Case(
            "external URL that is not https", "external_url: http://tokens.example",
            "tokenwell.yaml:1: external_url: \"http://tokens.example\" is not https; plain http is taken for loopback addresses only"
        ),
        Case(
            "external URL with a path", "external_url: https://tokens.example/broker",
            "tokenwell.yaml:1: external_url: has more than scheme, host and port; write it as https://host or https://host:8443"
        ),
        Case(
            "external URL with a query", "external_url: https://tokens.example?",
            "tokenwell.yaml:1: external_url: has more than scheme, host and port; write it as https://host or https://host:8443"
        ),
        Case(
            "address from the environment", "{}",
            "environment: TOKENWELL_LISTEN: \"8080\" is not an address with a port; write it as 127.0.0.1:8080 or [::]:8080",
            environment: ["TOKENWELL_LISTEN": "8080"]),
        Case(
            "log level from the environment", "{}",
            "environment: TOKENWELL_LOG_LEVEL: \"INFO\" is not a log level; "
                + "use one of trace, debug, info, notice, warning, error, critical",
            environment: ["TOKENWELL_LOG_LEVEL": "INFO"]),
    ]

    private static let tenants: [Case] = [
        Case("tenants as a list", "tenants: []", "tokenwell.yaml:1: tenants: a list where a mapping belongs"),
        Case(
            "tenant name", "tenants: {Acme: {\(ukg)}}",
            "tokenwell.yaml:1: tenants.Acme: is not a tenant name; "
                + "use 1 to 63 of a-z, 0-9, \".\", \"_\", \"-\", beginning with a letter or digit"),
        .tenant("no provider", "client_id: c", ".provider: is missing; use one of pageup, ukg, oauth2"),
        .tenant(
            "provider", "provider: pagup", ".provider: \"pagup\" is not a provider; use one of pageup, ukg, oauth2"),
        .tenant("unknown key", pageup + ", cleint_id: c", ".cleint_id: is not a known key; did you mean client_id?"),
        .tenant(
            "next secret that is none", pageup + ", client_secret_next: {file: secret}",
            ".client_secret_next: is the same secret as client_secret; leave it out until there is another"),
        .tenant(
            "next secret in the file", pageup + ", client_secret_next: hunter2",
            ".client_secret_next: a secret in the configuration itself; \(source)"),
        .tenant(
            "next secret by another provider's name", ukg + ", client_secret_next: {file: pem}",
            ".client_secret_next: is not a known key; use one of provider, base_url, region, application_id, "
                + "application_secret, application_secret_next, client_id, ca_file, client_certificate, keep_warm, mint_budget"
        ),
        .tenant(
            "quoted boolean", pageup + ", keep_warm: 'true'", ".keep_warm: a quoted text; write true without quotes"),
        .tenant(
            "boolean of YAML 1.1", pageup + ", keep_warm: yes",
            ".keep_warm: \"yes\" is not a boolean; use true or false"),
        .tenant(
            "mint budget without its rate", pageup + ", mint_budget: {burst: 3}",
            ".mint_budget.per_hour: is missing; give mints an hour, or per_day"),
        .tenant(
            "mint budget of two rates", pageup + ", mint_budget: {burst: 3, per_hour: 1, per_day: 5}",
            ".mint_budget.per_hour: does not belong here; per_day takes its place"),
        .tenant(
            "mint budget of no mints a day", pageup + ", mint_budget: {burst: 3, per_day: 0}",
            ".mint_budget.per_day: 0 is out of range; give 1 to 1000"),
        .tenant(
            "mint budget of nothing", pageup + ", mint_budget: {burst: 0, per_hour: 60}",
            ".mint_budget.burst: 0 is out of range; give 1 to 1000"),
        .tenant("CA file that is not there", pageup + ", ca_file: ca.pem", ".ca_file: \"ca.pem\" does not exist"),
        .tenant(
            "environment", pageup.replacing("live", with: "prod"),
            ".environment: \"prod\" is not an environment; use one of live, uat"),
        .tenant(
            "data center", pageup.replacing("dc2", with: "dc9"),
            ".data_center: \"dc9\" is not a data center; use one of dc2, dc3, dc4, dc5"),
        .tenant(
            "no data center", pageup.replacing("data_center: dc2, ", with: ""),
            ".data_center: is missing; give dc2, dc3, dc4 or dc5, or a token_url"),
        .tenant(
            "no environment", pageup.replacing("environment: live, ", with: ""),
            ".environment: is missing; give live or uat, or a token_url"),
        .tenant(
            "data center and token URL",
            pageup.replacing("environment: live", with: "token_url: 'https://a.example/t'"),
            ".data_center: does not belong here; token_url takes its place"),
        .tenant(
            "no scopes", pageup.replacing(", scopes: [A]", with: ""),
            ".scopes: is missing; list what the client is registered for"),
        .tenant("an empty list of scopes", pageup.replacing("[A]", with: "[]"), ".scopes: 0 items; give 1 to 100"),
        .tenant(
            "scopes in one text", pageup.replacing("[A]", with: "A B"),
            ".scopes: a text where a list belongs; write it as [a, b]"),
        .tenant(
            "two scopes in one item", pageup.replacing("[A]", with: "[A, B C]"),
            ".scopes[1]: \"B C\" is not a scope; give one scope per item"),
        .tenant("no client id", pageup.replacing("client_id: c, ", with: ""), ".client_id: is missing"),
        .tenant(
            "client id of nothing", pageup.replacing("client_id: c", with: "client_id: ~"),
            ".client_id: nothing where a text belongs"),
        .tenant(
            "scopes of ukg", ukg + ", scopes: [client]", ".scopes: does not belong here; ukg has one scope, client"),
        .tenant(
            "region", ukg.replacing("region: eu", with: "region: uk"),
            ".region: \"uk\" is not a region; use one of atl, eu, staging-eu, staging-us, tor, us"),
        .tenant(
            "no region", ukg.replacing("region: eu, ", with: ""),
            ".region: is missing; use one of atl, eu, staging-eu, staging-us, tor, us, or give a base_url"),
        .tenant(
            "region and base URL", ukg + ", base_url: 'https://a.example'",
            ".region: does not belong here; base_url takes its place"),
        .tenant(
            "base URL with a query", ukg.replacing("region: eu", with: "base_url: 'https://a.example/?x=1'"),
            ".base_url: a URL with a query; give scheme and host"),
        .tenant(
            "no client id of ukg", ukg.replacing(", client_id: c", with: ""),
            ".client_id: is missing; it names the customer at UKG"),
        .tenant(
            "no token URL", oauth2.replacing("token_url: 'https://a.example/t', ", with: ""), ".token_url: is missing"),
        .tenant(
            "plain http", oauth2.replacing("https:", with: "http:"),
            ".token_url: \"http://a.example/t\" is not https; plain http is taken for loopback addresses only"),
        .tenant(
            "no URL", oauth2.replacing("https://", with: ""),
            ".token_url: \"a.example/t\" is not a URL; write it as https://host/path, without user name or fragment"),
        .tenant(
            "password in a URL", oauth2.replacing("https://", with: "https://me:hunter2@"),
            ".token_url: the text is not a URL; write it as https://host/path, without user name or fragment"),
        .tenant(
            "revocation URL", oauth2 + ", revocation_url: 'ftp://a.example'",
            ".revocation_url: \"ftp://a.example\" is not a URL; write it as https://host/path, without user name or fragment"
        ),
        .tenant(
            "client authentication", oauth2 + ", client_auth: digest",
            ".client_auth: \"digest\" is not a client authentication; use one of basic, basic_raw, body, header, "
                + "private_key_jwt, tls"),
        .tenant(
            "client certificate that is missing",
            oauth2.replacing("client_secret: {file: secret}", with: "client_auth: tls"),
            ".client_certificate: is missing; give it as {certificate: path, key: path}"),
        .tenant(
            "secret beside a certificate",
            oauth2 + ", client_auth: tls, client_certificate: {certificate: pem, key: pem}",
            ".client_secret: does not belong here; client_auth: tls needs none"),
        .tenant(
            "next secret beside a certificate",
            oauth2.replacing("client_secret: ", with: "client_secret_next: ")
                + ", client_auth: tls, client_certificate: {certificate: pem, key: pem}",
            ".client_secret_next: does not belong here; client_auth: tls needs none"),
        .tenant(
            "client certificate without key", oauth2 + ", client_certificate: {certificate: pem}",
            ".client_certificate.key: is missing"),
        .tenant("body", oauth2 + ", body: xml", ".body: \"xml\" is not a body; use one of form, json, query"),
        .tenant(
            "default lifetime", oauth2 + ", default_lifetime: 0s",
            ".default_lifetime: \"0s\" is out of range; give 1s to 2400h"),
        .tenant(
            "parameter that is scope", oauth2 + ", parameters: {scope: a}",
            ".parameters.scope: the broker sets this parameter itself; use scopes"),
        .tenant(
            "parameter that is grant_type", oauth2 + ", parameters: {grant_type: a}",
            ".parameters.grant_type: the broker sets this parameter itself; use grant_type beside parameters"
        ),
        .tenant(
            "parameter name", oauth2 + ", parameters: {a b: c}",
            ".parameters.?: is not a parameter name; use letters, digits, \".\", \"_\" and \"-\" (RFC 6749 §8.2)"),
        .tenant("parameter without value", oauth2 + ", parameters: {a: []}", ".parameters.a: 0 items; give 1 to 100"),
        .tenant(
            "parameter of mappings", oauth2 + ", parameters: {a: [{}]}",
            ".parameters.a[0]: not one source of a secret; \(source)"),
    ]

    private static let signing = oauth2.replacing("client_secret: {file: secret}", with: "client_auth: private_key_jwt")
    private static let inHeader = oauth2 + ", client_auth: header"

    private static let long = String(repeating: "x", count: 2031)

    private static let dialects: [Case] = [
        .tenant("no key to sign with", signing, ".client_key: is missing; give the path of a PEM file"),
        .tenant(
            "a key that is not there", signing + ", client_key: nowhere", ".client_key: \"nowhere\" does not exist"),
        .tenant(
            "a key that is none", signing + ", client_key: pem",
            ".client_key: \"pem\" is not a private key on the curve P-256; "
                + "make one by openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"),
        .tenant(
            "names where Basic has none", oauth2 + ", client_id_name: a",
            ".client_id_name: does not belong here; Basic has no names for them"),
        .tenant(
            "a name of no parameter", oauth2 + ", client_auth: body, client_id_name: a b",
            ".client_id_name: is not a parameter name; use letters, digits, \".\", \"_\" and \"-\" (RFC 6749 §8.2)"),
        .tenant(
            "no field for the id", inHeader + ", client_secret_name: X",
            ".client_id_name: is missing; name the header field"),
        .tenant(
            "a field of HTTP's own", inHeader + ", client_id_name: Host, client_secret_name: X",
            ".client_id_name: the broker writes this header field itself"),
        .tenant(
            "a name of no field", oauth2 + ", headers: {'a b': c}",
            ".headers.?: is not the name of a header field; use letters, digits and \"-\""),
        .tenant(
            "Authorization beside Basic", oauth2 + ", headers: {authorization: c}",
            ".headers.authorization: the broker writes this header field itself; it holds the client's id and secret"),
        .tenant("a method", oauth2 + ", method: put", ".method: \"put\" is not a method; use one of post, get"),
        .tenant(
            "a body of GET", oauth2 + ", method: get, body: json",
            ".body: does not belong here; method: get has its parameters in the query"),
        .tenant(
            "the id among the parameters of a body", oauth2 + ", client_auth: body, parameters: {client_id: a}",
            ".parameters.client_id: the broker sets this parameter itself; use client_id beside parameters"),
        .tenant(
            "the renamed secret among the parameters",
            oauth2 + ", client_auth: body, client_secret_name: password, parameters: {password: a}",
            ".parameters.password: the broker sets this parameter itself; use client_secret beside parameters"),
        .tenant(
            "a URL longer than can be sent",
            oauth2.replacing("https://a.example/t", with: "https://a.example/" + long),
            ".token_url: a URL of more than 2048 bytes"),
        .tenant(
            "a URL that its parameters make too long", oauth2 + ", body: query, parameters: {p: \(long)}",
            ": has a request with a URL of 2083 bytes; 2048 can be sent; a body, unlike a query, has room for more"),
        .tenant(
            "a URL that its path makes too long",
            ukg.replacing("region: eu", with: "base_url: 'https://a.example/\(long.dropLast(20))'"),
            ": has a request with a URL of 2056 bytes; 2048 can be sent; a body, unlike a query, has room for more"),
        .tenant(
            "a format", oauth2 + ", answer: {format: xml}",
            ".answer.format: \"xml\" is not a format; use one of json, form, token"),
        .tenant(
            "a member of a bare token", oauth2 + ", answer: {format: token, scope: a}",
            ".answer.scope: does not belong here; the token is all of the answer"),
        .tenant(
            "a path", oauth2 + ", answer: {access_token: a..b}",
            ".answer.access_token: \"a..b\" is not a path; write it as data.token"),
        .tenant(
            "too long a path", oauth2 + ", answer: {scope: a.b.c.d.e.f.g.h.i}",
            ".answer.scope: \"a.b.c.d.e.f.g.h.i\" is not a path; write it as data.token"),
        .tenant(
            "a unit", oauth2 + ", answer: {expires_in_unit: minutes}",
            ".answer.expires_in_unit: \"minutes\" is not a unit; use one of seconds, milliseconds, unix_seconds, "
                + "unix_milliseconds, date_time"),
        .tenant(
            "a member that is the broker's", oauth2 + ", answer: {members: [state]}",
            ".answer.members[0]: state is not handed on; the broker's answers have a meaning of their own for it"),
        .tenant(
            "a member that is no name", oauth2 + ", answer: {members: [instance_url, 'a b']}",
            ".answer.members[1]: \"a b\" is not a name; use letters, digits, \".\", \"_\" and \"-\""),
        .tenant(
            "too many members", oauth2 + ", answer: {members: [a, b, c, d, e, f, g, h, i]}",
            ".answer.members: 9 items; give 1 to 8"),
        .tenant(
            "a member of a bare token to hand on", oauth2 + ", answer: {format: token, members: [a]}",
            ".answer.members: does not belong here; the token is all of the answer"),
        .tenant(
            "a key of answer", oauth2 + ", answer: {acces_token: a}",
            ".answer.acces_token: is not a known key; did you mean access_token?"),
        .tenant(
            "a token type", oauth2 + ", token_type: a b",
            ".token_type: \"a b\" is not a token type; give the scheme, such as Bearer"),
        .tenant(
            "two lifetimes", oauth2 + ", fixed_lifetime: 1h, default_lifetime: 1h",
            ".default_lifetime: does not belong here; fixed_lifetime takes its place"),
        .tenant(
            "a failure class", oauth2 + ", failures: {x: fatal}",
            ".failures.x: \"fatal\" is not a failure class; use one of rejected, throttled, unavailable"),
        .tenant(
            "a code of no error", oauth2 + ", failures: {'a\\b': rejected}",
            ".failures.?: is not the code of an error; give what the vendor has in error, or http_403"),
        .tenant(
            "how to revoke", oauth2 + ", revocation_auth: tls",
            ".revocation_auth: \"tls\" is not a client authentication; use one of basic, basic_raw, body"),
    ]

    @Test(arguments: dialects)
    func `a mistake in a dialect is one line`(sample: Case) throws {
        #expect(try ConfigurationFolder(sample.text).mistakes(environment: sample.environment) == [sample.line])
    }

    private static let source = "give it as {file: path}, {env: NAME} or {sealed: tw1...}"
    private static let keySource = "give it as {file: path} or {env: NAME}"

    private static let masterKey = MasterKey.generate()
    private static let otherKey = MasterKey.generate()
    private static let seal = "tokenwell seal --tenant acme --field client_secret"
    private static let notForThis = ": is not sealed for this tenant and field, or is damaged; seal it by \(seal)"
    private static let notWhole = ": is too short to be what tokenwell seal prints; copy all of it"

    private static func sealed(
        _ text: String = "hunter2", tenant: String = "acme", field: String = "client_secret",
        by key: MasterKey = masterKey
    ) -> String {
        let place = SecretPlace(inConfigurationOf: tenant, field: field)
        return SealedSecret(Secret(text), for: place, with: KeyRing(active: key)).text
    }

    private static let masterKeys: [Case] = [
        Case(
            "master key in the file itself", "master_key: \(masterKey.reveal())",
            "tokenwell.yaml:1: master_key: a secret in the configuration itself; \(keySource)"),
        Case(
            "sealed master key", "master_key: {sealed: tw1}",
            "tokenwell.yaml:1: master_key: not a source of a secret; \(keySource)"),
        Case(
            "master key that is not there", "master_key: {file: nowhere}",
            "tokenwell.yaml:1: master_key.file: \"nowhere\" does not exist"),
        Case(
            "something else than a master key", "master_key: {file: secret}",
            "tokenwell.yaml:1: master_key.file: what is there does not begin with twm_; "
                + "make a key with tokenwell masterkey new"),
        Case(
            "half a master key", "master_key: {env: KEY}",
            "tokenwell.yaml:1: master_key.env: what is there is not twm_ and 43 characters of base64url; "
                + "make a key with tokenwell masterkey new", environment: ["KEY": "twm_hunter2"]),
        Case(
            "previous master key alone", "master_key_previous: {env: KEY}",
            "tokenwell.yaml:1: master_key_previous: does not belong here; it goes with master_key",
            environment: ["KEY": masterKey.reveal()]),
        Case(
            "one master key twice", "master_key: {env: KEY}\nmaster_key_previous: {env: KEY}",
            "tokenwell.yaml:2: master_key_previous: is the same key as master_key; leave it out until there is another",
            environment: ["KEY": masterKey.reveal()]),
        // What it would have opened is not blamed.
        Case(
            "master key that is not set, with a sealed secret",
            "master_key: {env: NONE}\ntenants:\n  acme: {\(pageup.replacing("{file: secret}", with: "{sealed: tw1Ag}"))}",
            "tokenwell.yaml:1: master_key.env: NONE is not set in the environment"),
    ]

    private static let secrets: [Case] = [
        .tenant(
            "no secret", pageup.replacing("client_secret: {file: secret}, ", with: ""),
            ".client_secret: is missing; \(source)"),
        .tenant("nothing", pageup.replacing("{file: secret}", with: ""), ".client_secret: no secret; \(source)"),
        .tenant(
            "plain text", pageup.replacing("{file: secret}", with: "hunter2"),
            ".client_secret: a secret in the configuration itself; \(source)"),
        .tenant(
            "mapping without value", pageup.replacing("{file: secret}", with: "{hunter2}"),
            ".client_secret: not a source of a secret; \(source)"),
        .tenant(
            "two sources", pageup.replacing("{file: secret}", with: "{file: secret, env: A}"),
            ".client_secret: not one source of a secret; \(source)"),
        .tenant(
            "sealed without a master key", pageup.replacing("{file: secret}", with: "{sealed: \(sealed())}"),
            ".client_secret.sealed: there is no master key to open it; name it as master_key: {file: path}"),
        .sealed(
            "text that is not sealed", "hunter2",
            ": is not what tokenwell seal prints; that is tw1 and base64url, on one line"),
        .sealed("half of a sealed text", String(sealed().prefix(59)), notWhole),
        .sealed("nothing of a sealed text", "tw1", notWhole),
        .sealed("a list", "[tw1]", ": a list where a text belongs"),
        .sealed(
            "a later version", "tw1Ag", ": is of version 2, which this tokenwell does not know; seal it by \(seal)"),
        .sealed(
            "another key", sealed(by: otherKey),
            ": is sealed with the master key \(otherKey.id), which is neither master_key nor master_key_previous; "
                + "give that key, or seal it by \(seal)"),
        .sealed("another tenant's", sealed(tenant: "acne"), notForThis),
        .sealed("another field's", sealed(field: "client_secret_next"), notForThis),
        .sealed("two lines", sealed("hunter2\nhunter3"), ": what is sealed is not one line of UTF-8 text"),
        .sealed("an empty secret", sealed(""), ": what is sealed is empty"),
        .tenant(
            "file that is not there", pageup.replacing("{file: secret}", with: "{file: nowhere}"),
            ".client_secret.file: \"nowhere\" does not exist"),
        .tenant(
            "folder", pageup.replacing("{file: secret}", with: "{file: .}"), ".client_secret.file: \".\" is not a file"),
        .tenant(
            "variable that is not set", pageup.replacing("{file: secret}", with: "{env: NOWHERE}"),
            ".client_secret.env: NOWHERE is not set in the environment"),
        .tenant(
            "empty variable", pageup.replacing("{file: secret}", with: "{env: EMPTY}"),
            ".client_secret.env: EMPTY is empty", environment: ["EMPTY": ""]),
        .tenant(
            "variable's name", pageup.replacing("{file: secret}", with: "{env: hunter2!}"),
            ".client_secret.env: not the name of an environment variable"),
        .tenant(
            "variable with two lines", pageup.replacing("{file: secret}", with: "{env: LINES}"),
            ".client_secret.env: LINES is not one line of UTF-8 text", environment: ["LINES": "hunter2\nhunter3"]),
    ]

    private static let callers: [Case] = [
        Case(
            "caller name", "callers: {-a: {keys: [\(key)]}}",
            "tokenwell.yaml:1: callers.-a: is not a caller name; "
                + "use 1 to 63 letters, digits, \".\", \"_\", \"-\", beginning with a letter or digit"),
        Case(
            "key of two callers", "callers:\n  a: {keys: [\(key)]}\n  b: {keys: [\(key)]}",
            "tokenwell.yaml:3: callers.b: has a key that is already a key of a; give each caller keys of its own"),
        .caller(
            "key twice", "keys: [\(key), \(key)]",
            ": has a key that is already a key of payroll; give each caller keys of its own"),
        .caller(
            "no keys", "tenants: [acme]",
            ".keys: is missing; make one with tokenwell key new, or give jwt or certificate"),
        .caller("an empty list of keys", "keys: []", ".keys: 0 items; give 1 to 2"),
        .caller("three keys", "keys: [a, b, c]", ".keys: 3 items; give 1 to 2"),
        .caller(
            "the key itself", "keys: [tw_hunter2]",
            ".keys[0]: not the digest of a key; write sha256: and 64 hex digits, as tokenwell key new prints them"),
        .caller("key without a list", "keys: tw_hunter2", ".keys: a text where a list belongs; write it as [a, b]"),
        .caller(
            "issuer that is not there", "jwt: {issuer: a, subject: b}",
            ".jwt.issuer: \"a\" is not an issuer; name it in jwt_issuers, with where its keys are"),
        .caller(
            "certificate that nobody asks for", "certificate: {dns: agent.example}",
            ".certificate: no client is asked for a certificate; give tls.client_ca, which says whose to take"),
        .caller(
            "rate limit without its rate", "keys: [\(key)], rate_limit: {burst: 5}",
            ".rate_limit.per_second: is missing"),
        .caller(
            "no requests at all", "keys: [\(key)], rate_limit: {per_second: 0}",
            ".rate_limit.per_second: 0 is out of range; give 1 to 1000000"),
        .caller(
            "network with bits beyond its prefix", "keys: [\(key)], networks: [10.0.0.0/8, 10.1.2.3/8]",
            ".networks[1]: \"10.1.2.3/8\" is not a network; write it as 10.0.0.0/8 or fd00::/8, "
                + "with no bits beyond the prefix"),
        .caller("no network", "keys: [\(key)], networks: []", ".networks: 0 items; give 1 to 100"),
        .caller(
            "tenant that is not there", "keys: [\(key)], tenants: [globx]",
            ".tenants[0]: there is no tenant \"globx\"; did you mean globex?"),
        .caller(
            "tenant that is nowhere near", "keys: [\(key)], tenants: [initech]",
            ".tenants[0]: there is no tenant \"initech\""),
        .caller(
            "pattern", "keys: [\(key)], tenants: ['*-eu']",
            ".tenants[0]: \"*-eu\" is not a tenant; write a tenant's name, eu-* or *"),
        .caller(
            "scope", "keys: [\(key)], scopes: [é]", ".scopes[0]: \"\\u{00E9}\" is not a scope; give one scope per item"),
        .caller("revoke", "keys: [\(key)], revoke: 1", ".revoke: \"1\" is not a boolean; use true or false"),
        .caller(
            "no rejections", "keys: [\(key)], rejections_per_minute: 0",
            ".rejections_per_minute: 0 is out of range; give 1 to 1000"),
        .caller("operator", "keys: [\(key)], operator: null", ".operator: nothing where true or false belongs"),
    ]

    private static let identities: [Case] = [
        .proof(
            "wildcard", "certificate: {dns: '*.example'}",
            ".certificate.dns: \"*.example\" is not a DNS name; write it as host.example, without *"),
        .proof(
            "no URI", "certificate: {uri: [spiffe://a/b, reports]}",
            ".certificate.uri[1]: \"reports\" is not a URI; write it as spiffe://domain/path"),
        .proof("no name", "certificate: {}", ".certificate.uri: is missing; or dns"),
        .proof("no subject", "jwt: {issuer: https://a.example}", ".jwt.subject: is missing"),
        .proof(
            "subject with a * inside", "jwt: {issuer: https://a.example, subject: 'a*b'}",
            ".jwt.subject: \"a*b\" is not a subject; write it as it is, or its beginning and a final *; 1024 bytes at most"
        ),
        .proof(
            "certificate name of two callers",
            "certificate: {dns: Agent.example}}\n  b: {certificate: {dns: [x.example, agent.EXAMPLE]}",
            ": has a certificate name that is already a certificate name of a; "
                + "give each caller certificate names of its own", line: 5, caller: "b"),
        .proof(
            "subject of two callers",
            "jwt: {issuer: https://a.example, subject: x}}\n  b: {jwt: {issuer: https://a.example, subject: x}",
            ": has a JWT subject that is already a JWT subject of a; give each caller JWT subjects of its own",
            line: 5, caller: "b"),
        .issuer("no list", "{issuer: a}", ": a mapping where a list belongs; write it as [a, b]"),
        .issuer("no issuer", "[{jwks: {file: keys.json}}]", "[0].issuer: is missing; write what its JWTs have as iss"),
        .issuer(
            "no keys", "[{issuer: a}]", "[0].jwks: is missing; write {file: path} or {url: https://host/path}"),
        .issuer("no source", "[{issuer: a, jwks: {}}]", "[0].jwks.url: is missing; or file"),
        .issuer(
            "two sources", "[{issuer: a, jwks: {file: keys.json, url: 'https://a.example'}}]",
            "[0].jwks.url: does not belong here; the keys are in the file"),
        .issuer(
            "no set of keys", "[{issuer: a, jwks: {file: pem}}]",
            "[0].jwks.file: what is there is not a JSON Web Key Set"),
        .issuer(
            "a URL that is not https", "[{issuer: a, jwks: {url: 'http://a.example'}}]",
            "[0].jwks.url: \"http://a.example\" is not https; plain http is taken for loopback addresses only"),
        .issuer(
            "an issuer twice",
            "[{issuer: a, jwks: {url: 'https://a.example'}}, {issuer: a, jwks: {url: 'https://b.example'}}]",
            ": \"a\" is there twice; give each issuer one entry"),
        .issuer(
            "too much leeway", "[{issuer: a, jwks: {url: 'https://a.example'}, leeway: 1h}]",
            "[0].leeway: \"1h\" is out of range; give 0ms to 5m"),
        .issuer(
            "no audience", "[{issuer: a, jwks: {url: 'https://a.example'}, audiences: []}]",
            "[0].audiences: 0 items; give 1 to 10"),
    ]

    @Test(arguments: settings + masterKeys + tenants + secrets + callers + identities)
    func `one mistake is one line`(_ mistake: Case) throws {
        let folder = try ConfigurationFolder(mistake.text)
        try folder.write("keys.json", Data(try JWTSigner().keySet(.es256)))
        #expect(folder.mistakes(environment: mistake.environment) == [mistake.line])
    }

    @Test func `ten mistakes are ten lines, in the order of the file`() throws {
        let folder = try ConfigurationFolder(
            """
            listen: 8080
            log: {level: loud}
            rate_limit: 1
            tenants:
              acme:
                provider: pageup
                environment: live
                data_center: dc9
                client_id: [c]
                client_secret: hunter2
                scopes: [A]
              Globex: {}
              initech: {provider: ukg, region: eu, application_id: a, application_secret: {env: NONE}, client_id: c}
              acme: {provider: ukg}
            callers:
              payroll: {keys: [\(Self.key)], tenants: [initec]}
            """)
        #expect(
            folder.mistakes().map { $0.prefix { $0 != ";" } } == [
                "tokenwell.yaml:1: listen: \"8080\" is not an address with a port",
                "tokenwell.yaml:2: log.level: \"loud\" is not a log level",
                "tokenwell.yaml:3: rate_limit: is not a known key",
                "tokenwell.yaml:8: tenants.acme.data_center: \"dc9\" is not a data center",
                "tokenwell.yaml:9: tenants.acme.client_id: a list where a text belongs",
                "tokenwell.yaml:10: tenants.acme.client_secret: a secret in the configuration itself",
                "tokenwell.yaml:12: tenants.Globex: is not a tenant name",
                "tokenwell.yaml:13: tenants.initech.application_secret.env: NONE is not set in the environment",
                "tokenwell.yaml:14: duplicate key \"acme\"",
                "tokenwell.yaml:16: callers.payroll.tenants[0]: there is no tenant \"initec\"",
            ])
    }

    // MARK: - Files

    @Test func `a file that is not there is named`() throws {
        let folder = try ConfigurationFolder("{}")
        try FileManager.default.removeItem(atPath: folder.path + "tokenwell.yaml")
        #expect(
            folder.mistakes() == [
                "tokenwell.yaml: does not exist; name the file with --config or TOKENWELL_CONFIG"
            ])
    }

    @Test func `a name in two files is one mistake, and the rest of both is decoded`() throws {
        let folder = try ConfigurationFolder("tenants:\n  acme: {\(Self.ukg)}\n")
        try folder.write("tenants.d/a.yaml", "acme:\n  provider: oauth3\n")
        #expect(
            folder.mistakes() == [
                "tenants.d/a.yaml:1: acme: this tenant is already in tokenwell.yaml:2; names are unique over all files",
                "tenants.d/a.yaml:2: acme.provider: \"oauth3\" is not a provider; use one of pageup, ukg, oauth2",
            ])
    }

    @Test func `a main file that is no YAML leaves the others to be looked at`() throws {
        let folder = try ConfigurationFolder("listen: [\n")
        try folder.write("tenants.d/a.yaml", "acme:\n  provider: oauth3\n")
        #expect(
            folder.mistakes().map { $0.prefix { $0 != ";" } } == [
                "tenants.d/a.yaml:2: acme.provider: \"oauth3\" is not a provider",
                "tokenwell.yaml:2: not YAML: did not find expected node content while parsing a flow node",
            ])
    }

    @Test func `a caller is not blamed for a tenant in a file that cannot be read`() throws {
        let folder = try ConfigurationFolder("callers:\n  a: {keys: [\(Self.key)], tenants: [acme]}\n")
        try folder.write("tenants.d/a.yaml", "acme: [\n")
        #expect(
            folder.mistakes() == [
                "tenants.d/a.yaml:2: not YAML: did not find expected node content while parsing a flow node"
            ])
    }

    @Test(arguments: [(65536, true), (65537, false)])
    func `a secret has 64 KiB at most`(_ count: Int, _ isTaken: Bool) throws {
        let folder = try ConfigurationFolder("tenants:\n  acme: {\(Self.ukg)}\n")
        try folder.write("secret", String(repeating: "x", count: count))
        let line =
            "tokenwell.yaml:2: tenants.acme.application_secret.file: \"secret\" has more than 65536 bytes"
        #expect(folder.mistakes() == (isTaken ? [] : [line]))
    }

    @Test(arguments: [("", "is empty"), ("\n", "is empty"), ("a\nb", "is not one line of UTF-8 text")])
    func `a secret's file holds one line`(_ text: String, _ problem: String) throws {
        let folder = try ConfigurationFolder("tenants:\n  acme: {\(Self.ukg)}\n")
        try folder.write("secret", text)
        #expect(
            folder.mistakes() == ["tokenwell.yaml:2: tenants.acme.application_secret.file: \"secret\" \(problem)"])
    }

    @Test func `a secret's file is UTF-8`() throws {
        let folder = try ConfigurationFolder("tenants:\n  acme: {\(Self.ukg)}\n")
        try folder.write("secret", Data([0x61, 0xFF]))
        #expect(folder.mistakes().first?.hasSuffix("\"secret\" is not one line of UTF-8 text") == true)
    }

    // MARK: - The canary

    private static let canary = "hunter2canary"

    @Test(arguments: [
        "client_secret: hunter2canary", "client_secret: 'hunter2canary'", "client_secret: [hunter2canary]",
        "client_secret: {hunter2canary}", "client_secret: {hunter2canary: x}", "client_secret: {sealed: hunter2canary}",
        "client_secret: {file: secret, env: hunter2canary}", "client_secret: {env: 'hunter2canary='}",
        "client_secret: {env: [hunter2canary]}", "client_secret: {env: SECRET}", "client_secret: {file: secret}",
        "client_secrte: hunter2canary", "? client_secret=hunter2canary", "? client_secret:hunter2canary",
        "parameters: {key:hunter2canary}", "parameters: {key=hunter2canary, key=hunter2canary}",
        "client_secret: &x hunter2canary", "client_secret: !x hunter2canary",
        "client_id: {x: hunter2canary}", "client_id: \"hunter2canary\\n\"",
        "token_url: 'https://x:hunter2canary@a'", "token_url: 'http://a.example/?key=hunter2canary'",
        "client_secret: \"hunter2canary", "client_secret: hunter2canary: x", "keep_warm: {hunter2canary: 1",
    ])
    func `a secret is in no mistake`(_ field: String) throws {
        let folder = try ConfigurationFolder(
            "tenants:\n  acme:\n    provider: oauth2\n    \(field)\ncallers:\n  a: {keys: [tw_\(Self.canary)]}\n")
        // Neither of these is one line, so that both are mistakes.
        try folder.write("secret", "\(Self.canary)\n\(Self.canary)")
        let mistakes = folder.mistakes(environment: ["SECRET": "\(Self.canary)\u{1}"])
        #expect(!mistakes.isEmpty)
        #expect(mistakes.filter { $0.contains(Self.canary) } == [])
    }

    @Test func `a secret is in no report, description or dump`() throws {
        let folder = try ConfigurationFolder("tenants:\n  acme: {\(Self.pageup)}\n  globex: {\(Self.ukg)}\n")
        try folder.write("secret", Self.canary)
        let configuration = try folder.load()
        var dumped = ""
        dump(configuration.tenants, to: &dumped)
        for text in [ConfigurationReport(configuration).description, "\(configuration)", dumped] {
            #expect(text.contains("acme"))
            #expect(!text.contains(Self.canary))
        }
    }
}
