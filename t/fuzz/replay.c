
/*
 * The fuzz targets without a fuzzer: feeds every file of the directories and
 * files given (by default the target's own corpus) to
 * LLVMFuzzerTestOneInput(), in the order of their names.  TAP: one test, that
 * no input crashed, hung or tripped an assertion; the name of the input in
 * hand is told before each, so that a crash names its cause.
 */


#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sys/types.h>


#define REPLAY_PATH_MAX   4096
#define REPLAY_SECONDS    60          /* for one input, sanitizers and all */

#ifndef REPLAY_CORPUS
#define REPLAY_CORPUS     "t/fuzz/corpus"
#endif


int LLVMFuzzerTestOneInput(const unsigned char *p, size_t len);

static long replay_path(const char *path);
static long replay_directory(const char *path);
static long replay_file(const char *path, size_t size);


int
main(int argc, char **argv)
{
    int   i;
    long  n, total;

    total = 0;

    for (i = 1; i < argc || i == 1; i++) {
        n = replay_path(i < argc ? argv[i] : REPLAY_CORPUS);

        if (n <= 0) {
            printf("not ok 1 - %s cannot be replayed\n1..1\n",
                   i < argc ? argv[i] : REPLAY_CORPUS);
            return EXIT_FAILURE;
        }

        total += n;
    }

    printf("ok 1 - %ld inputs replayed\n1..1\n", total);

    return EXIT_SUCCESS;
}


/* the number of inputs, -1 on failure */

static long
replay_path(const char *path)
{
    struct stat  st;

    if (stat(path, &st) == -1) {
        printf("# %s: %s\n", path, strerror(errno));
        return -1;
    }

    return S_ISDIR(st.st_mode) ? replay_directory(path)
                               : replay_file(path, (size_t) st.st_size);
}


static long
replay_directory(const char *path)
{
    int              i, n;
    char             name[REPLAY_PATH_MAX];
    long             rc, total;
    struct dirent  **list;

    n = scandir(path, &list, NULL, alphasort);
    if (n == -1) {
        printf("# %s: %s\n", path, strerror(errno));
        return -1;
    }

    total = 0;

    for (i = 0; i < n; i++) {

        if (list[i]->d_name[0] != '.' && total != -1) {
            rc = snprintf(name, sizeof(name), "%s/%s", path,
                          list[i]->d_name);

            rc = (rc < (long) sizeof(name)) ? replay_path(name) : -1;
            total = (rc == -1) ? -1 : total + rc;
        }

        free(list[i]);
    }

    free(list);

    return total;
}


/* a buffer of the exact size, so that AddressSanitizer sees its end */

static long
replay_file(const char *path, size_t size)
{
    FILE           *in;
    size_t          n;
    unsigned char  *p;

    in = fopen(path, "rb");
    if (in == NULL) {
        printf("# %s: %s\n", path, strerror(errno));
        return -1;
    }

    p = malloc(size ? size : 1);
    n = p ? fread(p, 1, size, in) : 0;

    fclose(in);

    if (n != size) {
        printf("# %s: cannot be read\n", path);
        free(p);
        return -1;
    }

    printf("# %s\n", path);
    fflush(stdout);

    alarm(REPLAY_SECONDS);
    (void) LLVMFuzzerTestOneInput(p, size);
    alarm(0);

    free(p);

    return 1;
}
