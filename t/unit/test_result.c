
/*
 * imgp_result.c: manifests, their age, their blobs, their faults.
 */


#include "imgp_tmpdir.h"
#include "imgp_test.h"
#include <imgp/imgp_plan.h>


static imgp_store_t        store;
static imgp_store_error_t  err;
static imgp_pool_t        *pool;
static u_char              key[IMGP_DIGEST_LEN];


static imgp_item_t
blob(const char *content)
{
    uint64_t     added;
    imgp_item_t  item;

    memset(&item, 0, sizeof(item));
    imgp_blob_put(&store, content, strlen(content), item.digest, &added,
                  &err);
    item.bytes = strlen(content);
    item.width = 3;
    item.height = 4;
    strcpy(item.type, "image/png");

    return item;
}


static imgp_int_t
get(imgp_msec_t oldest, imgp_item_t **items, imgp_uint_t *n)
{
    *items = NULL;
    *n = 99;

    return imgp_result_get(&store, key, oldest, pool, items, n, &err);
}


int
main(void)
{
    long           i, wrong;
    char           path[IMGP_PATH_MAX], manifest[IMGP_PATH_MAX];
    char           name[IMGP_DIGEST_HEX_LEN + 1];
    u_char         bytes[4096];
    imgp_str_t     s;
    imgp_uint_t    n;
    imgp_item_t    items[2], many[IMGP_ITEMS_MAX + 1], *out;
    test_alloc_t   ta = { 0, 0 };
    imgp_alloc_t   alloc = { test_alloc, test_free, &ta };

    pool = imgp_pool_create(&imgp_malloc, 4096);
    memset(key, 0xab, sizeof(key));
    tmp_store(&store, 1);

    is_int(get(0, &out, &n), IMGP_DECLINED, "not known");

    items[0] = blob("one");
    items[1] = blob("two");

    tmp_calm();
    is_int(imgp_result_put(&store, key, 5000, items, 2, &err), IMGP_OK, "put");
    is_int(tmp_fault.count[FAULT_FSYNC], 0, "without an fsync");
    is_int(get(5000, &out, &n), IMGP_OK, "known");
    ok(n == 2 && memcmp(items, out, sizeof(items)) == 0, "what was put");
    is_int(get(5001, &out, &n), IMGP_DECLINED, "but too old");

    imgp_digest_hex(key, name);
    imgp_store_path(&store, "results", name, IMGP_STORE_FAN_DIGEST, manifest);
    imgp_blob_path(&store, items[1].digest, path);
    tmp_age(manifest, 500);
    tmp_age(path, 500);
    is_int(get(0, &out, &n), IMGP_OK, "used after long");
    ok(tmp_age_of(manifest) < 10 && tmp_age_of(path) < 10,
       "it is young again, its blobs, too");

    tmp_spoil(path, "2", 1);
    is_int(get(0, &out, &n), IMGP_DECLINED, "a blob is cut");
    unlink(path);
    is_int(get(0, &out, &n), IMGP_DECLINED, "a blob is gone");
    blob("two");
    is_int(get(0, &out, &n), IMGP_OK, "it is there again");

    /* every byte spoilt, every length cut */

    imgp_file_read(manifest, sizeof(bytes), pool, &s, &err);
    wrong = 0;

    for (i = 0; i < (long) s.len; i++) {
        memcpy(bytes, s.data, s.len);
        bytes[i] ^= 0x40;
        tmp_spoil(manifest, bytes, s.len);
        wrong += (get(0, &out, &n) != IMGP_DECLINED);
        tmp_spoil(manifest, s.data, i);
        wrong += (get(0, &out, &n) != IMGP_DECLINED);
    }

    is_int(wrong, 0, "%zu spoilt and cut manifests are no results", s.len);

    is_int(imgp_result_put(&store, key, 1, NULL, 0, &err), IMGP_OK,
           "no items");
    ok(get(0, &out, &n) == IMGP_OK && n == 0, "are a result");

    for (i = 0; i <= IMGP_ITEMS_MAX; i++) {
        many[i] = items[0];
        memset(many[i].type, 't', IMGP_TYPE_LEN - 1);
    }

    is_int(imgp_result_put(&store, key, 1, many, IMGP_ITEMS_MAX, &err),
           IMGP_OK, "64 items");
    ok(get(0, &out, &n) == IMGP_OK && n == IMGP_ITEMS_MAX, "and back");
    is_int(imgp_result_put(&store, key, 1, many, IMGP_ITEMS_MAX + 1, &err),
           IMGP_ERROR, "65 items");

    tmp_strike(FAULT_WRITE, 0, ENOSPC);
    is_int(imgp_result_put(&store, key, 1, items, 2, &err), IMGP_ERROR,
           "a full disk");
    is_int(err.error.code, IMGP_E_STORE_FULL, "is told");
    tmp_calm();
    ok(get(0, &out, &n) == IMGP_OK && n == IMGP_ITEMS_MAX,
       "what was before stays");
    is_int(tmp_count("tmp"), 0, "nothing is left in tmp/");

    for (i = 0; i < 20; i++) {
        imgp_pool_t  *p;

        ta.left = i;
        p = imgp_pool_create(&alloc, 256);

        if (p == NULL) {
            continue;
        }

        n = (imgp_result_get(&store, key, 0, p, &out, &n, &err) == IMGP_OK);
        imgp_pool_destroy(p);

        if (n) {
            break;
        }
    }

    ok(i > 1 && i < 20, "%ld failed allocations are survived", i);
    is_int(ta.live, 0, "nothing leaks");

    imgp_pool_destroy(pool);
    tmp_remove();

    return done();
}
