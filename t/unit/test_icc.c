
/*
 * The parts of a profile: in any order, incomplete, contradictory, too large.
 */


#include "imgp_test.h"
#include <imgp/imgp_icc.h>


static void add(imgp_icc_t *icc, u_char number, u_char count,
    const char *text);
static void check(const char *name, imgp_icc_t *icc, const char *want);


static u_char  space[2][70000];
static int     used;


int
main(void)
{
    int          i;
    imgp_icc_t  *icc;

    icc = calloc(1, sizeof(imgp_icc_t));

    check("no parts", icc, "");

    add(icc, 2, 3, "bb");
    add(icc, 3, 3, "c");
    check("one is missing", icc, "");

    add(icc, 1, 3, "aaa");
    check("any order", icc, "aaabbc");

    add(icc, 2, 3, "xx");
    add(icc, 2, 2, "yy");
    check("the first of a number counts", icc, "aaabbc");

    memset(icc, 0, sizeof(imgp_icc_t));
    add(icc, 0, 1, "a");
    add(icc, 2, 1, "a");
    add(icc, 0, 0, "a");
    check("numbers that cannot be", icc, "");

    imgp_icc_add(icc, (u_char *) "ICC_PROFILE\0\1\1", 13);
    imgp_icc_add(icc, (u_char *) "ICC_PROFILX\0\1\1aaa", 17);
    imgp_icc_add(icc, (u_char *) "", 0);
    check("no parts of a profile", icc, "");

    imgp_icc_add(icc, (u_char *) "ICC_PROFILE\0\1\1", 14);
    check("a part without content", icc, "");

    /* 255 parts of 65519 bytes would be 16 MB */

    memset(icc, 0, sizeof(imgp_icc_t));

    for (i = 1; i <= 255; i++) {
        memcpy(space[0], "ICC_PROFILE\0", 12);
        space[0][12] = i;
        space[0][13] = 255;
        imgp_icc_add(icc, space[0], 65533);
    }

    check("more than is taken", icc, "");

    free(icc);

    return done();
}


static void
add(imgp_icc_t *icc, u_char number, u_char count, const char *text)
{
    u_char  *p;
    size_t   len;

    len = strlen(text);
    p = space[1] + used;

    memcpy(p, "ICC_PROFILE\0", 12);
    p[12] = number;
    p[13] = count;
    memcpy(p + 14, text, len);

    used += 14 + len;

    imgp_icc_add(icc, p, 14 + len);
}


static void
check(const char *name, imgp_icc_t *icc, const char *want)
{
    imgp_str_t      profile;
    imgp_int_t      rc;
    imgp_work_t     work;
    imgp_op_task_t  task;

    memset(&work, 0, sizeof(work));
    memset(&task, 0, sizeof(task));
    task.alloc = &imgp_malloc;
    work.task = &task;

    rc = imgp_icc_join(icc, &work, &profile);

    ok(rc == IMGP_OK && profile.len == strlen(want)
       && (profile.len == 0 || memcmp(profile.data, want, profile.len) == 0),
       "%s", name);

    imgp_work_free(&work, profile.data);
}
