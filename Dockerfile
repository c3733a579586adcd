# The event store with its backups, for docker-compose.yml.

FROM debian:bookworm-slim AS build
WORKDIR /build
# First the packages: they change less often than the sources.
COPY scripts/common.sh scripts/install-packages.sh scripts/
RUN scripts/install-packages.sh build
COPY . .
RUN cmake -S . -B out -G Ninja -DCMAKE_BUILD_TYPE=Release \
      -DCMAKE_INSTALL_PREFIX=/usr/local -DLEVELKEEP_BUILD_TESTS=OFF \
      "$(bash -c '. scripts/common.sh && isal_option')" \
 && cmake --build out \
 && DESTDIR=/image cmake --install out --component Runtime --strip

FROM debian:bookworm-slim
COPY scripts/common.sh scripts/install-packages.sh /tmp/scripts/
RUN /tmp/scripts/install-packages.sh runtime \
 && rm -rf /tmp/scripts /var/lib/apt/lists/* \
 && groupadd --gid 10001 levelkeep \
 && useradd --uid 10001 --gid 10001 --no-create-home \
      --home-dir /usr/src/app --shell /usr/sbin/nologin levelkeep
COPY --from=build /image /
COPY packaging/container-entry.sh /usr/local/libexec/levelkeep/
# In front of the program in PATH.
COPY packaging/container-levelkeep.sh /usr/local/sbin/levelkeep
WORKDIR /usr/src/app
# A named volume takes over the owner of the directory that it covers.
RUN mkdir storage backups restore \
 && chown 10001:10001 . storage backups restore \
 && chmod 0700 storage backups restore
EXPOSE 5050
STOPSIGNAL SIGTERM
# Asks on the container's own loopback whether the process answers. What is
# degraded is for people: a restart would not mend it.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["levelkeep", "health", "--live"]
ENTRYPOINT ["/usr/local/libexec/levelkeep/container-entry.sh"]
CMD ["serve"]
