
/*
 * imgp_dir.c: directories are made and synced; a name whose fsync() failed is
 * never taken for one that outlives a loss of power.
 */


#include "imgp_tmpdir.h"
#include "imgp_test.h"
#include <imgp/imgp_dir.h>


static imgp_store_t        store;
static imgp_store_error_t  err;
static char                path[IMGP_PATH_MAX];


static void
names(void)
{
    char  dir[IMGP_PATH_MAX], name[IMGP_PATH_MAX + 2];

    is_int(imgp_dir_of("/a/b", dir), 1, "the directory of a path");
    is_str(dir, "/a", "is what comes before the last slash");
    is_int(imgp_dir_of("/a", dir), 0, "of the root's names: none");
    is_int(imgp_dir_of("a", dir), 0, "of a bare name: none");

    memset(name, 'a', sizeof(name));
    name[0] = '/';
    name[IMGP_PATH_MAX] = '/';
    name[IMGP_PATH_MAX + 1] = '\0';

    is_int(imgp_dir_of(name, dir), 0, "too long");
    is_int(imgp_dir_make(name, 0, &err), IMGP_ERROR, "not made");
    is_int(err.syserr, ENAMETOOLONG, "for that reason");
    is_int(imgp_dir_sync(name, &err), IMGP_ERROR, "nor synced");
    is_int(err.syserr, ENAMETOOLONG, "for that reason");
}


static void
making(void)
{
    char         dir[IMGP_PATH_MAX];
    struct stat  st;

    tmp_store(&store, 1);
    imgp_store_path(&store, "blobs", "abcdef", IMGP_STORE_FAN_DIGEST, path);
    imgp_dir_of(path, dir);

    tmp_strike(FAULT_FSYNC, 0, EIO);
    is_int(imgp_dir_make(path, 1, &err), IMGP_ERROR, "a failed fsync");
    ok(!tmp_exists(dir), "takes it away: the next one syncs again");

    tmp_calm();
    is_int(imgp_dir_make(path, 1, &err), IMGP_OK, "made");
    is_int(tmp_fault.count[FAULT_FSYNC], 1, "and synced");
    stat(dir, &st);
    is_int(st.st_mode & 0777, 0700, "nobody else looks into it");

    is_int(imgp_dir_make(path, 1, &err), IMGP_OK, "it is there");
    is_int(tmp_fault.count[FAULT_FSYNC], 2,
           "synced all the same: who made it may not have come to that");

    imgp_file_put(&store, path, "x", 1, 0, &err);
    tmp_strike(FAULT_FSYNC, 0, EIO);
    is_int(imgp_dir_make(path, 1, &err), IMGP_ERROR, "a failed fsync");
    ok(tmp_exists(path), "takes nothing from those who use it");

    tmp_strike(FAULT_MKDIR, 0, ENOSPC);
    is_int(imgp_dir_make(path, 1, &err), IMGP_ERROR, "no room");
    is_int(err.error.code, IMGP_E_STORE_FULL, "is told");
    tmp_calm();
}


static void
doubted(void)
{
    int64_t  age;

    tmp_store(&store, 1);
    imgp_store_path(&store, "blobs", "abcdef", IMGP_STORE_FAN_DIGEST, path);
    imgp_file_put(&store, path, "x", 1, 1, &err);

    tmp_calm();
    is_int(imgp_dir_sync_shared(path, &err), IMGP_OK, "synced");
    is_int(imgp_file_touch(path, 1, &age, &err), IMGP_OK, "known");

    tmp_strike(FAULT_FSYNC, 0, EIO);
    is_int(imgp_dir_sync_shared(path, &err), IMGP_ERROR, "not synced");
    is_int(err.syserr, EIO, "for that reason");
    tmp_calm();

    tmp_age(path, 1000);
    ok(tmp_exists(path), "the file is there, for who uses it");
    is_int(imgp_file_touch(path, 1, &age, &err), IMGP_DECLINED,
           "but not known, however long ago that was");

    is_int(imgp_file_put(&store, path, "x", 1, 1, &err), IMGP_OK,
           "written again");
    is_int(imgp_file_touch(path, 1, &age, &err), IMGP_OK, "it is");
}


int
main(void)
{
    names();
    making();
    doubted();

    tmp_remove();

    return done();
}
