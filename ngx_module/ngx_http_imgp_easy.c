
/*
 * What all transfers have in common: the options of a curl easy handle that
 * have nothing to do with a single call.  Called by ngx_http_imgp_curl.c,
 * event loop only; a handle is its caller's.
 */


#include <ngx_http_imgp_call.h>
#include <openssl/x509.h>


#define NGX_HTTP_IMGP_EASY_KEEPIDLE  60    /* s, of a silent connection */

/* small, since curl reads up to 100 of them before it lets others work */
#define NGX_HTTP_IMGP_EASY_BUFFER    4096


typedef struct {
    CURLoption                     option;
    long                           value;
} ngx_http_imgp_easy_option_t;


static ngx_http_imgp_easy_option_t  ngx_http_imgp_easy_options[] = {

    { CURLOPT_NOSIGNAL, 1 },
    { CURLOPT_BUFFERSIZE, NGX_HTTP_IMGP_EASY_BUFFER },
    { CURLOPT_FOLLOWLOCATION, 0 },
    { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS },
    { CURLOPT_TCP_KEEPALIVE, 1 },
    { CURLOPT_TCP_KEEPIDLE, NGX_HTTP_IMGP_EASY_KEEPIDLE },
    { CURLOPT_TCP_KEEPINTVL, NGX_HTTP_IMGP_EASY_KEEPIDLE },
    { CURLOPT_SSL_VERIFYPEER, 1 },
    { CURLOPT_SSL_VERIFYHOST, 2 }
};


/* where systems keep the authorities that they trust */

static char  *ngx_http_imgp_easy_ca_files[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem"
};


/* neither the environment nor an answer may lead elsewhere */

CURL *
ngx_http_imgp_easy_create(const char *ca_file)
{
    CURL        *easy;
    ngx_uint_t   i;

    easy = curl_easy_init();
    if (easy == NULL) {
        return NULL;
    }

    for (i = 0; i < imgp_nelts(ngx_http_imgp_easy_options); i++) {
        curl_easy_setopt(easy, ngx_http_imgp_easy_options[i].option,
                         ngx_http_imgp_easy_options[i].value);
    }

    if (curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK
        || curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https")
           != CURLE_OK)
    {
        goto failed;
    }

    if (ca_file == NULL) {
        return easy;
    }

    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);

    if (curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file) != CURLE_OK) {
        goto failed;
    }

    return easy;

failed:

    curl_easy_cleanup(easy);

    return NULL;
}


/*
 * One file, not a directory: with a directory curl parses all authorities
 * again for each connection, 25-37 ms of a blocked loop, and with a file
 * once in a process.  SSL_CERT_FILE is OpenSSL's own name for it, given
 * with nginx's "env" directive.
 */

char *
ngx_http_imgp_easy_ca_file(ngx_pool_t *pool)
{
    char        *file;
    ngx_str_t    name;
    ngx_uint_t   i;

    file = getenv(X509_get_default_cert_file_env());

    if (file != NULL && *file != '\0') {
        name.data = (u_char *) file;
        name.len = ngx_strlen(file) + 1;
        return (char *) ngx_pstrdup(pool, &name);
    }

    for (i = 0; i < imgp_nelts(ngx_http_imgp_easy_ca_files); i++) {

        file = ngx_http_imgp_easy_ca_files[i];

        if (access(file, R_OK) == 0) {
            return file;
        }
    }

    return NULL;
}
