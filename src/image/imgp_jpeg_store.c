
/*
 * Where libjpeg keeps the coefficients of a JPEG in several scans until the
 * last one has come: its "virtual arrays", which it asks its memory manager
 * for.  Its own manager holds them as they are, 3 bytes for each pixel of a
 * 4:2:0 picture; this one holds AC packed (imgp_jpeg_coefs.c), but for the rows
 * of blocks that are being worked on, and DC by itself, which has scans of its
 * own.  Called from within libjpeg on the run's thread; memory is the run's,
 * failures go to the reader's jmp.
 *
 * libjpeg goes through an array from the first row to the last in every scan,
 * some rows at a time, and the pointers that it gets are good until it asks
 * for others (libjpeg's structure.txt, "Virtual arrays").
 */


#include "imgp_jpeg_reader.h"
#include <imgp/imgp_jpeg_coefs.h>


/* what a scan brings, or all of it */

enum {
    IMGP_JPEG_BAND_DC = 1,
    IMGP_JPEG_BAND_AC = 2,
    IMGP_JPEG_BAND_ALL = 3
};


typedef struct {
    u_char               *data;       /* NULL: all is 0 */
    size_t                room;
} imgp_jpeg_packed_t;


typedef struct imgp_jpeg_array_s  imgp_jpeg_array_t;

struct imgp_jpeg_array_s {
    imgp_jpeg_array_t    *next;
    imgp_jpeg_packed_t   *packed;     /* [rows] */
    int16_t              *dc;         /* [rows][blocks] */
    uint32_t              simd;
    uint32_t              rows;
    uint32_t              blocks;     /* in each of them */

    JBLOCK               *window;     /* [most][blocks] */
    JBLOCKROW            *pointers;   /* [most] into it */
    uint32_t              most;
    uint32_t              from;       /* rows that are in it */
    uint32_t              n;
    uint32_t              band;       /* of these rows */
    imgp_uint_t           written;    /* and it is to be kept */

    u_char               *scratch;    /* a row, packed */
};


static jvirt_barray_ptr imgp_jpeg_store_request(j_common_ptr cinfo, int pool,
    boolean zero, JDIMENSION blocks, JDIMENSION rows, JDIMENSION most);
static imgp_int_t imgp_jpeg_store_alloc(imgp_work_t *work,
    imgp_jpeg_array_t *array);
static JBLOCKARRAY imgp_jpeg_store_access(j_common_ptr cinfo,
    jvirt_barray_ptr ptr, JDIMENSION from, JDIMENSION n, boolean writable);
static uint32_t imgp_jpeg_store_band(const imgp_jpeg_reader_t *r,
    boolean writable);
static imgp_int_t imgp_jpeg_store_put(imgp_work_t *work,
    imgp_jpeg_array_t *array);
static imgp_int_t imgp_jpeg_store_pack(imgp_work_t *work,
    imgp_jpeg_array_t *array, uint32_t row);
static void imgp_jpeg_store_get(imgp_jpeg_array_t *array);
static void imgp_jpeg_store_unpack(imgp_jpeg_array_t *array, uint32_t row);


void
imgp_jpeg_store_open(imgp_jpeg_reader_t *r)
{
    struct jpeg_memory_mgr  *mem;

    mem = r->cinfo.mem;

    mem->request_virt_barray = imgp_jpeg_store_request;
    mem->access_virt_barray = imgp_jpeg_store_access;
}


void
imgp_jpeg_store_close(imgp_jpeg_reader_t *r)
{
    uint32_t            i;
    imgp_work_t        *work;
    imgp_jpeg_array_t  *array, *next;

    work = r->reader.work;

    for (array = r->arrays; array != NULL; array = next) {
        next = array->next;

        for (i = 0; array->packed != NULL && i < array->rows; i++) {
            imgp_work_free(work, array->packed[i].data);
        }

        imgp_work_free(work, array->packed);
        imgp_work_free(work, array->dc);
        imgp_work_free(work, array->window);
        imgp_work_free(work, array->pointers);
        imgp_work_free(work, array->scratch);
        imgp_work_free(work, array);
    }

    r->arrays = NULL;
}


/* libjpeg wants all of them zeroed */

static jvirt_barray_ptr
imgp_jpeg_store_request(j_common_ptr cinfo, int pool, boolean zero,
    JDIMENSION blocks, JDIMENSION rows, JDIMENSION most)
{
    imgp_jpeg_array_t   *array;
    imgp_jpeg_reader_t  *r;

    r = cinfo->client_data;

    array = imgp_work_alloc(r->reader.work, sizeof(imgp_jpeg_array_t));
    if (array == NULL) {
        longjmp(r->jmp, 1);
    }

    memset(array, 0, sizeof(imgp_jpeg_array_t));

    array->next = r->arrays;
    r->arrays = array;

    array->simd = imgp_simd_choose(r->reader.work->task->simd);
    array->rows = rows;
    array->blocks = blocks;
    array->most = most;

    if (imgp_jpeg_store_alloc(r->reader.work, array) != IMGP_OK) {
        longjmp(r->jmp, 1);
    }

    return (jvirt_barray_ptr) array;
}


static imgp_int_t
imgp_jpeg_store_alloc(imgp_work_t *work, imgp_jpeg_array_t *array)
{
    size_t    size;
    uint32_t  i;

    array->packed = imgp_work_array(work, array->rows,
                                    sizeof(imgp_jpeg_packed_t));
    if (array->packed == NULL) {
        return IMGP_ERROR;
    }

    memset(array->packed, 0, array->rows * sizeof(imgp_jpeg_packed_t));

    size = (size_t) array->rows * array->blocks * sizeof(int16_t);

    array->dc = imgp_work_alloc(work, size);
    array->pointers = imgp_work_array(work, array->most, sizeof(JBLOCKROW));
    array->window = imgp_work_array(work, (size_t) array->most * array->blocks,
                                    sizeof(JBLOCK));
    array->scratch = imgp_work_alloc(work,
                                     imgp_jpeg_coefs_room(array->blocks));

    if (array->dc == NULL || array->pointers == NULL || array->window == NULL
        || array->scratch == NULL)
    {
        return IMGP_ERROR;
    }

    memset(array->dc, 0, size);

    for (i = 0; i < array->most; i++) {
        array->pointers[i] = array->window + (size_t) i * array->blocks;
    }

    return IMGP_OK;
}


static JBLOCKARRAY
imgp_jpeg_store_access(j_common_ptr cinfo, jvirt_barray_ptr ptr,
    JDIMENSION from, JDIMENSION n, boolean writable)
{
    uint32_t             band;
    imgp_jpeg_array_t   *array;
    imgp_jpeg_reader_t  *r;

    r = cinfo->client_data;
    array = (imgp_jpeg_array_t *) ptr;
    band = imgp_jpeg_store_band(r, writable);

    if (from > array->rows || n > array->rows - from || n > array->most) {
        imgp_work_error(r->reader.work, IMGP_E_INTERNAL,
                        "libjpeg: %u rows from %u on, of %u", n, from,
                        array->rows);
        longjmp(r->jmp, 1);
    }

    if (from != array->from || n != array->n || band != array->band) {

        if (array->written
            && imgp_jpeg_store_put(r->reader.work, array) != IMGP_OK)
        {
            longjmp(r->jmp, 1);
        }

        array->from = from;
        array->n = n;
        array->band = band;
        array->written = 0;

        imgp_jpeg_store_get(array);
    }

    array->written |= writable;

    return array->pointers;
}


static uint32_t
imgp_jpeg_store_band(const imgp_jpeg_reader_t *r, boolean writable)
{
    if (!writable || !r->cinfo.progressive_mode) {
        return IMGP_JPEG_BAND_ALL;
    }

    /* a scan of a progressive JPEG has the one or the other: T.81, G.1.1.1.1 */

    return (r->cinfo.Ss == 0) ? IMGP_JPEG_BAND_DC : IMGP_JPEG_BAND_AC;
}


static imgp_int_t
imgp_jpeg_store_put(imgp_work_t *work, imgp_jpeg_array_t *array)
{
    int16_t   *dc;
    uint32_t   i, x;

    for (i = 0; i < array->n; i++) {
        dc = array->dc + (size_t) (array->from + i) * array->blocks;

        for (x = 0; array->band & IMGP_JPEG_BAND_DC && x < array->blocks; x++)
        {
            dc[x] = array->pointers[i][x][0];
        }

        if (array->band & IMGP_JPEG_BAND_AC
            && imgp_jpeg_store_pack(work, array, i) != IMGP_OK)
        {
            return IMGP_ERROR;
        }
    }

    return IMGP_OK;
}


/* in the place that it had, unless that is too small now */

static imgp_int_t
imgp_jpeg_store_pack(imgp_work_t *work, imgp_jpeg_array_t *array,
    uint32_t row)
{
    size_t               len;
    imgp_jpeg_packed_t  *packed;

    packed = &array->packed[array->from + row];

    len = imgp_jpeg_coefs_pack(array->simd, (int16_t *) array->pointers[row],
                               array->blocks, array->scratch)
          + IMGP_JPEG_COEFS_SLACK;

    if (packed->room < len) {
        imgp_work_free(work, packed->data);

        packed->room = len + len / 8;
        packed->data = imgp_work_alloc(work, packed->room);

        if (packed->data == NULL) {
            return IMGP_ERROR;
        }
    }

    memcpy(packed->data, array->scratch, len);

    return IMGP_OK;
}


static void
imgp_jpeg_store_get(imgp_jpeg_array_t *array)
{
    int16_t   *dc;
    uint32_t   i, x;

    for (i = 0; i < array->n; i++) {
        dc = array->dc + (size_t) (array->from + i) * array->blocks;

        if (array->band & IMGP_JPEG_BAND_AC) {
            imgp_jpeg_store_unpack(array, i);
        }

        for (x = 0; array->band & IMGP_JPEG_BAND_DC && x < array->blocks; x++)
        {
            array->pointers[i][x][0] = dc[x];
        }
    }
}


static void
imgp_jpeg_store_unpack(imgp_jpeg_array_t *array, uint32_t row)
{
    imgp_jpeg_packed_t  *packed;

    packed = &array->packed[array->from + row];

    if (packed->data == NULL) {
        memset(array->pointers[row], 0, array->blocks * sizeof(JBLOCK));

    } else {
        imgp_jpeg_coefs_unpack(array->simd, packed->data, array->blocks,
                               (int16_t *) array->pointers[row]);
    }
}
