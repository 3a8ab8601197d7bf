
/*
 * What a run of a stage gave: a manifest under the run's key, which lists its
 * items.  The contents are blobs; a manifest whose blobs are not all there is
 * as good as none, and the stage runs again.
 *
 *     "IMGR"  version  made at  items  CRC-32
 *
 * Called by threads; no state.  Manifests are not fsync'ed, ever: one that is
 * lost or torn by a loss of power costs a run of its stage and no promise,
 * and the CRC tells.
 */


#include <errno.h>
#include <imgp/imgp_plan.h>
#include <imgp/imgp_codec.h>
#include <imgp/imgp_file.h>


#define IMGP_RESULT_MAGIC    0x52474d49   /* "IMGR" */
#define IMGP_RESULT_VERSION  1
#define IMGP_RESULT_MAX      (16 * 1024)


static void imgp_result_path(const imgp_store_t *store,
    const u_char key[IMGP_DIGEST_LEN], char *out);
static imgp_int_t imgp_result_decode(const imgp_str_t *file,
    imgp_msec_t oldest, imgp_pool_t *pool, imgp_item_t **items,
    imgp_uint_t *nitems);
static imgp_int_t imgp_result_check(const imgp_store_t *store,
    const imgp_item_t *items, imgp_uint_t nitems, imgp_store_error_t *err);


imgp_int_t
imgp_result_get(const imgp_store_t *store, const u_char key[IMGP_DIGEST_LEN],
    imgp_msec_t oldest, imgp_pool_t *pool, imgp_item_t **items,
    imgp_uint_t *nitems, imgp_store_error_t *err)
{
    char        path[IMGP_PATH_MAX];
    int64_t     age;
    imgp_int_t  rc;
    imgp_str_t  file;

    imgp_result_path(store, key, path);

    rc = imgp_file_read(path, IMGP_RESULT_MAX, pool, &file, err);
    if (rc != IMGP_OK) {
        return rc;
    }

    rc = imgp_result_decode(&file, oldest, pool, items, nitems);
    if (rc != IMGP_OK) {
        return rc;
    }

    rc = imgp_result_check(store, *items, *nitems, err);

    if (rc == IMGP_OK) {
        (void) imgp_file_touch(path, file.len, &age, NULL);
    }

    return rc;
}


static imgp_int_t
imgp_result_decode(const imgp_str_t *file, imgp_msec_t oldest,
    imgp_pool_t *pool, imgp_item_t **items, imgp_uint_t *nitems)
{
    imgp_codec_in_t  r = { file->data, file->data, 0 };

    if (!imgp_codec_is_whole(file->data, file->len)) {
        return IMGP_DECLINED;
    }

    r.end = file->data + file->len - sizeof(uint32_t);

    if (imgp_codec_get_u32(&r, UINT32_MAX) != IMGP_RESULT_MAGIC
        || imgp_codec_get_u32(&r, UINT32_MAX) != IMGP_RESULT_VERSION
        || imgp_codec_get_u64(&r) < oldest)
    {
        return IMGP_DECLINED;
    }

    imgp_codec_get_items(&r, pool, IMGP_ITEMS_MAX, items, nitems);

    return (r.failed || r.pos != r.end) ? IMGP_DECLINED : IMGP_OK;
}


/* and makes them stay: a job is about to name them */

static imgp_int_t
imgp_result_check(const imgp_store_t *store, const imgp_item_t *items,
    imgp_uint_t nitems, imgp_store_error_t *err)
{
    char         path[IMGP_PATH_MAX];
    int64_t      age;
    imgp_int_t   rc;
    imgp_uint_t  i;

    for (i = 0; i < nitems; i++) {
        imgp_blob_path(store, items[i].digest, path);

        rc = imgp_file_touch(path, items[i].bytes, &age, err);
        if (rc != IMGP_OK) {
            return rc;
        }
    }

    return IMGP_OK;
}


imgp_int_t
imgp_result_put(const imgp_store_t *store, const u_char key[IMGP_DIGEST_LEN],
    imgp_msec_t now, const imgp_item_t *items, imgp_uint_t nitems,
    imgp_store_error_t *err)
{
    u_char            buf[IMGP_RESULT_MAX];
    char              path[IMGP_PATH_MAX];
    imgp_codec_out_t  w = { buf, sizeof(buf), 0, 0 };

    imgp_codec_put_u32(&w, IMGP_RESULT_MAGIC);
    imgp_codec_put_u32(&w, IMGP_RESULT_VERSION);
    imgp_codec_put_u64(&w, now);
    imgp_codec_put_items(&w, items, nitems);
    imgp_codec_put_crc(&w);

    if (w.failed || nitems > IMGP_ITEMS_MAX) {
        errno = EINVAL;
        return imgp_file_error(err, "encode");
    }

    imgp_result_path(store, key, path);

    return imgp_file_put(store, path, buf, w.len, 0, err);
}


static void
imgp_result_path(const imgp_store_t *store,
    const u_char key[IMGP_DIGEST_LEN], char *out)
{
    char  name[IMGP_DIGEST_HEX_LEN + 1];

    imgp_digest_hex(key, name);
    imgp_store_path(store, "results", name, IMGP_STORE_FAN_DIGEST, out);
}
