FROM ghcr.io/example/lab:latest
USER root
COPY . /opt/stack
RUN sh /opt/stack/scripts/setup.sh geo
USER student
