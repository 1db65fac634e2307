# The build: Debian 12 with Swift, as on a developer's machine.
FROM swift:6.3-bookworm AS build
RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends ca-certificates libssl-dev libyaml-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.swift openapi.yaml ./
COPY Sources Sources
COPY Tests Tests
# -s strips. The cache keeps the packages' objects between builds; it is not part of any image.
RUN --mount=type=cache,target=/source/.build,sharing=locked \
    swift build -c release --static-swift-stdlib --product tokenwell -Xlinker -s \
 && install -D -m 755 .build/release/tokenwell /image/usr/bin/tokenwell
# Everything that the program opens at run time, and nothing else: its loader and libraries, the roots it trusts,
# who it runs as, and how glibc finds a host's address.
RUN ldd /image/usr/bin/tokenwell | grep -o '/[^ ]*' | xargs cp --dereference --parents --target-directory=/image \
 && install -D -m 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
 && echo 'tokenwell:x:65532:65532::/:/sbin/nologin' >/image/etc/passwd \
 && echo 'tokenwell:x:65532:' >/image/etc/group \
 && echo 'hosts: files dns' >/image/etc/nsswitch.conf \
 && install -d -m 755 /image/etc/tokenwell \
 && install -d -m 1777 /image/tmp

FROM scratch
COPY --from=build /image/ /
COPY deploy/container.yaml /etc/tokenwell/tokenwell.yaml
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    TOKENWELL_CONFIG=/etc/tokenwell/tokenwell.yaml
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/usr/bin/tokenwell", "healthcheck"]
ENTRYPOINT ["/usr/bin/tokenwell"]
CMD ["serve"]
