# Every function; FUNCTION_TARGET says which one a service is. Build it from the repository's root:
#   docker build --file infra/images/functions.Dockerfile --tag runyard/functions .
ARG BASE=node:24-bookworm-slim

# The bundles are made with the very Node that runs them, so that what it compiled is of use.
FROM ${BASE} AS bundles
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates git \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund && npm run bundle && chmod -R a+rX dist/bundle

FROM ${BASE}
LABEL org.opencontainers.image.title="Runyard's functions" \
  org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /runyard
COPY --from=bundles /build/dist/bundle/functions functions
COPY --from=bundles /build/dist/bundle/compiled compiled
ENV NODE_ENV=production \
  NODE_COMPILE_CACHE=/runyard/compiled \
  NODE_COMPILE_CACHE_PORTABLE=1
USER node
ENTRYPOINT ["node", "functions/main.mjs", "--source=functions/registered.cjs"]
