# nginx of Debian 12 with the image pipeline:
#
#     docker build -t image-pipeline .
#     docker run -p 8080:8080 -v pictures:/var/lib/nginx image-pipeline
#
# It runs as www-data throughout.  A configuration of your own goes to
# /etc/nginx/nginx.conf; the store stays in the volume.

FROM debian:bookworm AS build

WORKDIR /src

# packages first: they change less often than the source
COPY .ci/packages .ci/packages
RUN .ci/packages build

COPY . .
RUN make && make install DESTDIR=/out


FROM debian:bookworm-slim

RUN apt-get update \
    && apt-get install -y --no-install-recommends \
       ca-certificates libcurl4 libjansson4 libjpeg62-turbo liblcms2-2 \
       libcairo2 libdeflate0 libglib2.0-0 libharfbuzz0b libisal2 \
       libpango-1.0-0 libpangocairo-1.0-0 fonts-dejavu-core libpcre2-8-0 libpng16-16 libssl3 \
       libwebp7 libwebpdemux2 nginx zlib1g \
    && rm -rf /var/lib/apt/lists/*

COPY --from=build /out/ /
COPY conf-examples/minimal.conf /etc/nginx/nginx.conf

# "user" needs root, and so does Debian's pid file; a container needs neither
RUN sed -i '/^user /d' /etc/nginx/nginx.conf \
    && ln -sf /dev/stdout /var/log/nginx/access.log \
    && chown -R www-data:www-data /var/lib/nginx /var/log/nginx

USER www-data
RUN nginx -t -g 'pid /tmp/nginx.pid; error_log stderr;'
VOLUME /var/lib/nginx
EXPOSE 8080
STOPSIGNAL SIGQUIT

CMD ["nginx", "-g", "daemon off; pid /tmp/nginx.pid; error_log stderr;"]
