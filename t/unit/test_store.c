
/*
 * imgp_store.c: directories and paths.
 */


#include "imgp_tmpdir.h"
#include "imgp_test.h"


int
main(void)
{
    size_t               i;
    char                 path[IMGP_PATH_MAX], longest[IMGP_PATH_MAX];
    imgp_store_t         store, other;
    struct stat          st;
    imgp_store_error_t   err;

    static const char *const  dirs[] = {
        "blobs", "results", "jobs", "done", "idem", "tmp"
    };

    tmp_store(&store, 1);

    for (i = 0; i < imgp_nelts(dirs); i++) {
        imgp_store_path(&store, dirs[i], "", 0, path);
        ok(stat(path, &st) == 0 && S_ISDIR(st.st_mode)
           && (st.st_mode & 0777) == 0700, "%s/, for its owner alone",
           dirs[i]);
    }

    is_int(imgp_store_init(&store, &err), IMGP_OK, "it may be there already");

    is_int(imgp_store_spread(&store, &err), IMGP_OK, "spread");
    is_int(imgp_store_spread(&store, &err), IMGP_OK, "and again");

    imgp_store_path(&store, "blobs", "fe12", IMGP_STORE_FAN_DIGEST, path);
    *strrchr(path, '/') = '\0';
    ok(stat(path, &st) == 0 && S_ISDIR(st.st_mode)
       && (st.st_mode & 0777) == 0700, "blobs/fe/");
    imgp_store_path(&store, "done", "v123", IMGP_STORE_FAN_ID, path);
    *strrchr(path, '/') = '\0';
    ok(stat(path, &st) == 0 && S_ISDIR(st.st_mode), "done/v/");

    other.sync = 1;
    other.path = store.path;
    other.path.len = 4;
    is_int(imgp_store_path(&other, "jobs", "abc", 0, path), 13, "a length");
    ok(strcmp(path + 4, "/jobs/abc") == 0, "a path");
    imgp_store_path(&other, "blobs", "abcdef", IMGP_STORE_FAN_DIGEST, path);
    ok(strcmp(path + 4, "/blobs/ab/abcdef") == 0, "a path with a fan");

    memset(longest, 'x', sizeof(longest));
    longest[0] = '/';
    other.path.data = (u_char *) longest;
    other.path.len = 900;
    is_int(imgp_store_init(&other, &err), IMGP_ERROR, "too long a path");
    is_int(err.syserr, ENAMETOOLONG, "is told");
    other.path.len = 0;
    is_int(imgp_store_init(&other, &err), IMGP_ERROR, "none at all");
    other.path.len = sizeof(longest);
    ok(imgp_store_path(&other, "blobs", "abcdef", IMGP_STORE_FAN_DIGEST, path)
       < IMGP_PATH_MAX, "no path runs over");

    imgp_store_path(&store, "jobs", "file", 0, path);
    tmp_spoil(path, "x", 1);
    other.path.data = (u_char *) path;
    other.path.len = strlen(path);
    is_int(imgp_store_init(&other, &err), IMGP_ERROR, "a file in its place");
    is_int(err.syserr, ENOTDIR, "is told");
    is_int(err.error.code, IMGP_E_STORE_AWAY, "the store is away");
    ok(strchr(err.error.detail, '/') == NULL, "the public text has no path");

    strcat(path, "-gone/store");
    other.path.len = strlen(path);
    is_int(imgp_store_init(&other, &err), IMGP_ERROR, "no parent");
    is_int(err.syserr, ENOENT, "is told");
    is_str(err.call, "mkdir", "with the call");

    tmp_strike(FAULT_MKDIR, 3, ENOSPC);
    snprintf(path, sizeof(path), "%s/second", tmp_root);
    other.path.data = (u_char *) path;
    other.path.len = strlen(path);
    is_int(imgp_store_init(&other, &err), IMGP_ERROR, "a full disk");
    is_int(err.error.code, IMGP_E_STORE_FULL, "is told");
    tmp_strike(FAULT_FSYNC, 0, EIO);
    is_int(imgp_store_init(&other, &err), IMGP_ERROR, "a failed fsync");
    tmp_calm();
    is_int(imgp_store_init(&other, &err), IMGP_OK, "later it goes on");

    tmp_remove();

    return done();
}
