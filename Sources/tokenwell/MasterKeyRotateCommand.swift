import ArgumentParser
import Glibc
import Sealing
import Service
import Stores

extension MasterKeyCommand {
    /// `tokenwell masterkey rotate`.
    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Seal anew with master_key all that master_key_previous has sealed: the store and the configuration.",
            discussion: """
                The service must be stopped, as it has the store. It may be interrupted at any time: with both keys everything \
                opens meanwhile, and running it again does the rest. What cannot be changed is named in the end, and the exit \
                status is then 1.

                Example:
                  systemctl stop tokenwell
                  tokenwell masterkey rotate --config /etc/tokenwell/tokenwell.yaml
                  systemctl start tokenwell
                """)

        @OptionGroup var configuration: ConfigurationOption

        func run() throws {
            let configuration = try configuration.load()
            guard let keys = configuration.masterKeys else {
                throw Terminal.Failure(
                    error: "the configuration has no master key",
                    hint: "make one with tokenwell masterkey new, and name it as master_key: {file: path}")
            }
            Signals.ignoreFailedWrites()
            let problems = resealStore(of: configuration, with: keys) + resealFiles(with: keys)
            guard problems.isEmpty else {
                throw Terminal.Failure(
                    details: problems, error: "not everything is under \(keys.activeID)",
                    hint: "keep master_key_previous until running this again finds nothing")
            }
            Terminal.print("everything is under \(keys.activeID)")
        }

        /// - Returns: What is left to do.
        private func resealStore(of configuration: Configuration, with keys: KeyRing) -> [String] {
            if case .redis(let place) = configuration.effectiveStore { return reseal(place, with: keys) }
            // One that is yet to be made is the service's to make, as the user that it runs as.
            guard case .sqlite(let path) = configuration.effectiveStore, access(path, F_OK) == 0 || errno != ENOENT
            else { return [] }
            var count = 0
            do throws(StoreError) {
                try SQLiteStore.reseal(path, keys: keys) { done, all in
                    count = all
                    Terminal.progress(done < all ? "\(path): \(done) of \(all) records" : "")
                }
            } catch {
                Terminal.progress("")
                return ["\(path): can't be sealed anew: \(error)"]
            }
            Terminal.print("\(path): \(count) \(count == 1 ? "record" : "records") sealed anew")
            return []
        }

        private func reseal(_ place: Configuration.RedisPlace, with keys: KeyRing) -> [String] {
            do {
                let count = try place.reseal(with: keys)
                Terminal.print("\(place.url): \(count) \(count == 1 ? "record" : "records") sealed anew")
                return []
            } catch { return ["\(error)"] }
        }

        /// - Returns: What is left to do.
        private func resealFiles(with keys: KeyRing) -> [String] {
            let files = ResealedFile.all(ofConfiguration: configuration.file, with: keys)
            for file in files where file.problems.isEmpty {
                Terminal.print("\(file.path): \(file.count) \(file.count == 1 ? "secret" : "secrets") sealed anew")
            }
            return files.flatMap(\.problems)
        }
    }
}
