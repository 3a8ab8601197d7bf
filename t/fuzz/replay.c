
/*
 * The fuzz targets' second main: feeds every file of a corpus to
 * LLVMFuzzerTestOneInput() once and reports in TAP, so that what a fuzzer
 * once found stays found, with any compiler.  Linked with one fuzz_*.c;
 * REPLAY_CORPUS names the folder, arguments name other files or folders.
 *
 * A fault ends the program: the last line then tells which file it was.
 */


#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>


#define REPLAY_FILE_MAX  (64 * 1024 * 1024)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int replay_path(const char *path, unsigned *count);
static int replay_dir(const char *path, unsigned *count);
static int replay_file(const char *path, off_t size);


int
main(int argc, char **argv)
{
    int       i, failed;
    unsigned  count;

    failed = 0;
    count = 0;

    if (argc == 1) {
        failed |= replay_path(REPLAY_CORPUS, &count);
    }

    for (i = 1; i < argc; i++) {
        failed |= replay_path(argv[i], &count);
    }

    if (count == 0) {
        printf("not ok 1 - no file to replay in %s\n", REPLAY_CORPUS);
        count = 1;
        failed = 1;
    }

    printf("1..%u\n", count);

    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}


static int
replay_path(const char *path, unsigned *count)
{
    int          rc;
    struct stat  st;

    if (stat(path, &st) == -1) {
        return 1;
    }

    if (S_ISDIR(st.st_mode)) {
        return replay_dir(path, count);
    }

    printf("# %s\n", path);
    fflush(stdout);

    rc = replay_file(path, st.st_size);

    printf("%sok %u - %s\n", rc ? "not " : "", ++*count, path);

    return rc;
}


static int
replay_dir(const char *path, unsigned *count)
{
    int              i, n, len, failed;
    char             name[4096];
    struct dirent  **entries;

    n = scandir(path, &entries, NULL, alphasort);
    if (n == -1) {
        return 1;
    }

    failed = 0;

    for (i = 0; i < n; i++) {
        len = snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);

        if (entries[i]->d_name[0] != '.' && len < (int) sizeof(name)) {
            failed |= replay_path(name, count);
        }

        free(entries[i]);
    }

    free(entries);

    return failed;
}


static int
replay_file(const char *path, off_t size)
{
    int       rc;
    FILE     *file;
    uint8_t  *data;

    if (size < 0 || size > REPLAY_FILE_MAX) {
        return 1;
    }

    /* exactly as long as the file: a sanitizer sees the first byte past it */

    data = malloc(size ? size : 1);
    if (data == NULL) {
        return 1;
    }

    rc = 1;

    file = fopen(path, "rb");

    if (file != NULL) {
        if (fread(data, 1, size, file) == (size_t) size) {
            rc = LLVMFuzzerTestOneInput(data, size);
        }

        fclose(file);
    }

    free(data);

    return rc;
}
