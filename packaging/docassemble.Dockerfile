# sched inside docassemble's own container, beside its web server:
#
#   docker build -t docassemble-sched -f packaging/docassemble.Dockerfile .
#
# Its supervisor starts `sched watch` as www-data with docassemble's own Python and config.
# Its tasks lie in /usr/share/docassemble/tasks, its log beside docassemble's other logs.

# Linked statically with musl: docassemble's image has a C library of its own age.
FROM rust:1-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM jhpyle/docassemble
COPY --from=build /src/target/release/sched /usr/local/bin/sched
COPY packaging/supervisor.conf /etc/supervisor/conf.d/sched.conf
COPY tasks/ /usr/share/docassemble/tasks/
RUN install -d -o www-data -g www-data -m 700 /var/lib/sched
# Whoever asks in the container asks this watcher: `docker exec … sched status`.
ENV SCHED_STATE_DIR=/var/lib/sched
