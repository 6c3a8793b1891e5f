# What a build runs: the runner, its sandbox and the agent's command line. Build it from the repository's root:
#   docker build --file infra/images/runner.Dockerfile --tag runyard/agent .
ARG BASE=node:24-bookworm-slim

FROM ${BASE} AS bundles
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates git \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund && npm run bundle && chmod -R a+rX dist/bundle
# The agent's command line for this machine.
RUN mkdir /agent && cp -r node_modules/@anthropic-ai/claude-code-linux-* /agent

FROM ${BASE}
LABEL org.opencontainers.image.title="Runyard's runner" \
  org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update \
  && apt-get install --yes --no-install-recommends bubblewrap ca-certificates git ripgrep util-linux \
  && rm -rf /var/lib/apt/lists/*
# Where the runner looks for it.
COPY --from=bundles /agent /runyard/node_modules/@anthropic-ai
COPY --from=bundles /build/dist/bundle/runner /runyard/runner
COPY --from=bundles /build/dist/bundle/compiled /runyard/compiled
ENV NODE_COMPILE_CACHE=/runyard/compiled \
  NODE_COMPILE_CACHE_PORTABLE=1
# Cloud Build's own; the input archive is unpacked here. Root, as Cloud Build's steps are: agents are not.
WORKDIR /workspace
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "/runyard/runner/main.mjs"]
