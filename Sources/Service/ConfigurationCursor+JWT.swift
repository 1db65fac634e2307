import TokenBroker

extension ConfigurationCursor {
    /// The issuers whose JWTs may prove a caller; nil when one of them has a mistake.
    func jwtIssuers() -> [JWTIssuer]? {
        guard let issuers = list(1...100, { $0.jwtIssuer() }) else { return nil }
        var seen: Set<String> = []
        for issuer in issuers where !seen.insert(issuer.issuer).inserted {
            return mistake("\(Printable.quoted(issuer.issuer)) is there twice", hint: "give each issuer one entry")
        }
        return issuers
    }

    private func jwtIssuer() -> JWTIssuer? {
        section { section in
            let issuer = section.required("issuer", hint: "write what its JWTs have as iss")?.string()
            let keys = section.required("jwks", hint: "write {file: path} or {url: https://host/path}")?.keySource()
            let audiences = section["audiences"]?.list(1...10) { $0.string() }
            let leeway = section["leeway"]?.duration(in: .zero ... .seconds(300))
            let lifetime = section["maximum_lifetime"]?.duration(in: .seconds(60) ... .seconds(366 * 24 * 3600))
            guard let issuer, let keys else { return nil }
            return JWTIssuer(
                issuer: issuer, keys: keys, audiences: audiences ?? JWTIssuer.usualAudiences,
                leeway: leeway ?? JWTIssuer.usualLeeway,
                maximumLifetime: lifetime ?? JWTIssuer.usualMaximumLifetime)
        }
    }

    /// `{file: path}`, or `{url: …}` with `ca_file` and `token_file`.
    private func keySource() -> JWTIssuer.Keys? {
        section { section in
            guard let file = section["file"] else {
                let url = section.required("url", hint: "or file")?.url()
                let caFile = section["ca_file"]?.file()
                let tokenFile = section["token_file"]?.file()
                return url.map { .url($0, caFile: caFile, tokenFile: tokenFile) }
            }
            section.exclude("url", "ca_file", "token_file", because: "the keys are in the file")
            return file.keyFile().map { .file($0) }
        }
    }

    /// A file with a key set.
    private func keyFile() -> String? {
        guard let path = file() else { return nil }
        do throws(ConfigurationFile.Unreadable) {
            let bytes = try ConfigurationFile.read(path, limit: KeyFile.maximumBytes)
            do throws(KeySet.Unusable) { try KeySet.check(bytes) } catch {
                return mistake("what is there \(error.reason)")
            }
        } catch {
            return mistake("\(Printable.quoted(path)) \(error.reason)")
        }
        return path
    }

    /// Which JWTs prove a caller.
    ///
    /// - Parameter issuers: Those that there are; nil when that is not known.
    func callerJWT(issuers: Set<String>?) -> CallerJWT? {
        section { section in
            let issuer = section.required("issuer")?.issuer(among: issuers)
            let subject = section.required("subject")?.subject()
            guard let issuer, let subject else { return nil }
            return CallerJWT(issuer: issuer, subject: subject)
        }
    }

    private func issuer(among issuers: Set<String>?) -> String? {
        guard let text = string() else { return nil }
        guard let issuers, !issuers.contains(text) else { return text }
        return mistake(
            "\(Printable.quoted(text)) is not an issuer", hint: "name it in jwt_issuers, with where its keys are")
    }

    private func subject() -> CallerJWT.Subject? {
        guard let text = string() else { return nil }
        return CallerJWT.Subject(text)
            ?? mistake(
                "\(Printable.quoted(text)) is not a subject",
                hint: "write it as it is, or its beginning and a final *; 1024 bytes at most")
    }
}
