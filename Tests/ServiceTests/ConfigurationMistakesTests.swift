import Foundation
import Service
import Testing

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

        /// A mistake in the one caller of a file that has the tenants acme, acme-eu and globex.
        static func caller(_ name: String, _ text: String, _ line: String) -> Case {
            let ukg = "{provider: ukg, region: eu, application_id: a, application_secret: {file: secret}, client_id: c}"
            let tenants = ["acme", "acme-eu", "globex"].map { "  \($0): \(ukg)\n" }.joined()
            return Case(
                name, "tenants:\n\(tenants)callers:\n  payroll: {\(text)}\n", "tokenwell.yaml:6: callers.payroll\(line)"
            )
        }
    }

    private static let key = "\"\(KeyDigest(of: "tw_1"))\""
    private static let pageup =
        "provider: pageup, environment: live, data_center: dc2, client_id: c, client_secret: {file: secret}, scopes: [A]"
    private static let ukg =
        "provider: ukg, region: eu, application_id: a, application_secret: {file: secret}, client_id: c"
    private static let oauth2 =
        "provider: oauth2, token_url: 'https://a.example/t', client_id: c, client_secret: {file: secret}"

    private static let settings = [
        Case(
            "no YAML", "listen: [",
            "tokenwell.yaml:2: not YAML: did not find expected node content while parsing a flow node"),
        Case("repeated key", "deadline: 5s\ndeadline: 5s", "tokenwell.yaml:2: duplicate key \"deadline\""),
        Case("nothing but a list", "[]", "tokenwell.yaml:1: a list where a mapping belongs"),
        Case("unknown key", "dedline: 5s", "tokenwell.yaml:1: dedline: is not a known key; did you mean deadline?"),
        Case(
            "unlikely key", "colour: red",
            "tokenwell.yaml:1: colour: is not a known key; use one of listen, tls, metrics, log, deadline, tenants, callers"
        ),
        Case(
            "key of a later version", "store: {sqlite: x}",
            "tokenwell.yaml:1: store: is not a known key; this version does not have it"),
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
            "client CA", "tls: {certificate: pem, key: pem, client_ca: pem}",
            "tokenwell.yaml:1: tls.client_ca: is not a known key; this version does not have it"),
        Case("no address in metrics", "metrics: {}", "tokenwell.yaml:1: metrics.listen: is missing"),
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
            "second secret", pageup + ", client_secret_next: {file: secret}",
            ".client_secret_next: is not a known key; this version does not have it"),
        .tenant(
            "quoted boolean", pageup + ", keep_warm: 'true'", ".keep_warm: a quoted text; write true without quotes"),
        .tenant(
            "boolean of YAML 1.1", pageup + ", keep_warm: yes",
            ".keep_warm: \"yes\" is not a boolean; use true or false"),
        .tenant(
            "mint budget without its rate", pageup + ", mint_budget: {burst: 3}",
            ".mint_budget.per_hour: is missing; mints an hour"),
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
            ".client_auth: \"digest\" is not a client authentication; use one of basic, basic_raw, body"),
        .tenant(
            "client authentication of a later version", oauth2 + ", client_auth: private_key_jwt",
            ".client_auth: \"private_key_jwt\" is not a client authentication; "
                + "this version does not have it; use one of basic, basic_raw, body"),
        .tenant("body", oauth2 + ", body: xml", ".body: \"xml\" is not a body; use one of form, json"),
        .tenant(
            "default lifetime", oauth2 + ", default_lifetime: 0s",
            ".default_lifetime: \"0s\" is out of range; give 1s to 2400h"),
        .tenant(
            "parameter that is scope", oauth2 + ", parameters: {scope: a}",
            ".parameters.scope: the broker sets this parameter itself; use scopes"),
        .tenant(
            "parameter that is grant_type", oauth2 + ", parameters: {grant_type: a}",
            ".parameters.grant_type: the broker sets this parameter itself; the broker has one grant, client_credentials"
        ),
        .tenant(
            "parameter name", oauth2 + ", parameters: {a b: c}",
            ".parameters.?: is not a parameter name; use letters, digits, \".\", \"_\" and \"-\" (RFC 6749 §8.2)"),
        .tenant("parameter without value", oauth2 + ", parameters: {a: []}", ".parameters.a: 0 items; give 1 to 100"),
        .tenant(
            "parameter of mappings", oauth2 + ", parameters: {a: [{}]}",
            ".parameters.a[0]: a mapping where a text belongs"),
    ]

    private static let source = "give it as {file: path} or {env: NAME}"

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
            "sealed", pageup.replacing("{file: secret}", with: "{sealed: hunter2}"),
            ".client_secret: this version has no sealed secrets; \(source)"),
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
        .caller("no keys", "tenants: [acme]", ".keys: is missing; make one with tokenwell key new"),
        .caller("an empty list of keys", "keys: []", ".keys: 0 items; give 1 to 2"),
        .caller("three keys", "keys: [a, b, c]", ".keys: 3 items; give 1 to 2"),
        .caller(
            "the key itself", "keys: [tw_hunter2]",
            ".keys[0]: not the digest of a key; write sha256: and 64 hex digits, as tokenwell key new prints them"),
        .caller("key without a list", "keys: tw_hunter2", ".keys: a text where a list belongs; write it as [a, b]"),
        .caller(
            "JWT", "keys: [\(key)], jwt: {issuer: a}", ".jwt: is not a known key; this version does not have it"),
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
        .caller("operator", "keys: [\(key)], operator: null", ".operator: nothing where true or false belongs"),
    ]

    @Test(arguments: settings + tenants + secrets + callers)
    func `one mistake is one line`(_ mistake: Case) throws {
        let folder = try ConfigurationFolder(mistake.text)
        #expect(folder.mistakes(environment: mistake.environment) == [mistake.line])
    }

    @Test func `ten mistakes are ten lines, in the order of the file`() throws {
        let folder = try ConfigurationFolder(
            """
            listen: 8080
            log: {level: loud}
            store: memory
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
                "tokenwell.yaml:3: store: is not a known key",
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
