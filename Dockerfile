# The exporter and nothing else: what builds it stays in the first stage.
#
#   docker build -t xtrace-catch .
#   docker run --network host --cap-add BPF --cap-add NET_ADMIN --cap-add PERFMON xtrace-catch -i eth0
#
# or with all privileges, where docker is older than 23:
#
#   docker run --privileged --network host -v /sys/fs/bpf:/sys/fs/bpf xtrace-catch -i eth0

FROM node:24-bookworm-slim AS build
# clang and libbpf-dev for the BPF object; g++, make and python3 for the native addons; git because the
# Makefile asks for it.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates clang g++ git libbpf-dev linux-libc-dev make python3 \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Makefile package.json package-lock.json ./
COPY scripts ./scripts
# A layer of its own: the slow part, and it changes only with the dependencies.
RUN make node_modules/.installed
COPY LICENSE tsconfig.json ./
COPY bin ./bin
COPY bpf ./bpf
COPY src ./src
COPY web ./web
# What --version and xtrace_build_info say; the build has no git history to ask.
ARG BRANCH=unknown
ARG REVISION=unknown
ARG BUILD_DATE=unknown
RUN BRANCH="$BRANCH" REVISION="$REVISION" BUILD_DATE="$BUILD_DATE" make build \
 && scripts/stage-program /program

FROM node:24-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libbpf1 \
 && rm -rf /var/lib/apt/lists/*
ARG REVISION=unknown
ARG BUILD_DATE=unknown
LABEL org.opencontainers.image.title="xtrace-catch" \
      org.opencontainers.image.description="Prometheus exporter that counts every packet by flow with XDP, and knows RoCE and InfiniBand" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$BUILD_DATE"
ENV NODE_ENV=production
WORKDIR /opt/xtrace-catch
COPY config /etc/xtrace-catch
COPY --from=build /program ./
EXPOSE 10060
# Set it where --web.listen-address is another one, or with TLS: https://... A number, as a name may need a resolver that
# is away. Whoever asks for a login, or says that there were too many requests, lives: 503 and no answer are what is not
# healthy. The certificate is not judged, as it is for another name.
ENV HEALTH_URL=http://127.0.0.1:10060/-/healthy
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s \
  CMD ["node", "-e", "const url = process.env.HEALTH_URL; require(url.split(':')[0]).get(url, { rejectUnauthorized: false }, ({ statusCode }) => process.exit(statusCode < 500 ? 0 : 1)).on('error', () => process.exit(1))"]
# root, because docker gives capabilities to root only.
ENTRYPOINT ["/opt/xtrace-catch/bin/xtrace-catch"]
