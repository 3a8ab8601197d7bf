
/*
 * What a call costs with libcurl alone: "raw URL FILE CALLS AT_ONCE" posts the
 * file so often, so many at a time, over kept connections, and prints the
 * seconds of wall and of processor as JSON.  For "make bench PART=services".
 */


#define _GNU_SOURCE

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>


#define RAW_FILE  (16 * 1024 * 1024)


static double raw_now(clockid_t clock);
static size_t raw_drop(char *buf, size_t size, size_t n, void *data);
static void raw_add(CURLM *multi, CURL *easy);


int
main(int argc, char **argv)
{
    int               left, running, queued;
    CURL             *easy;
    CURLM            *multi;
    FILE             *file;
    long              i, calls, at_once, failed;
    double            wall, used;
    size_t            len;
    CURLMsg          *message;
    static char       body[RAW_FILE];

    if (argc != 5 || (file = fopen(argv[2], "r")) == NULL) {
        fprintf(stderr, "usage: raw URL FILE CALLS AT_ONCE\n");
        return 2;
    }

    len = fread(body, 1, RAW_FILE, file);
    fclose(file);

    calls = atol(argv[3]);
    at_once = atol(argv[4]);
    failed = 0;

    curl_global_init(CURL_GLOBAL_ALL);
    multi = curl_multi_init();

    wall = raw_now(CLOCK_MONOTONIC);
    used = raw_now(CLOCK_PROCESS_CPUTIME_ID);

    for (i = 0; i < at_once; i++) {
        easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long) len);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, raw_drop);
        raw_add(multi, easy);
    }

    for (left = (int) calls; left > 0; /* void */) {
        curl_multi_perform(multi, &running);

        while ((message = curl_multi_info_read(multi, &queued)) != NULL) {
            easy = message->easy_handle;
            failed += message->data.result != CURLE_OK;
            left--;

            curl_multi_remove_handle(multi, easy);

            if (left >= at_once) {
                raw_add(multi, easy);

            } else {
                curl_easy_cleanup(easy);
            }
        }

        curl_multi_poll(multi, NULL, 0, 100, NULL);
    }

    printf("{\"wall\": %.6f, \"cpu\": %.6f, \"calls\": %ld, \"failed\": %ld}\n",
           raw_now(CLOCK_MONOTONIC) - wall,
           raw_now(CLOCK_PROCESS_CPUTIME_ID) - used, calls, failed);

    curl_multi_cleanup(multi);

    return 0;
}


static double
raw_now(clockid_t clock)
{
    struct timespec  ts;

    clock_gettime(clock, &ts);

    return ts.tv_sec + ts.tv_nsec * 1e-9;
}


static size_t
raw_drop(char *buf, size_t size, size_t n, void *data)
{
    return size * n;
}


static void
raw_add(CURLM *multi, CURL *easy)
{
    curl_multi_add_handle(multi, easy);
}
